"""How do irregular records become tensors on one common scale?

Input: the ingested cohort. Output: ``normalised.safetensors`` (`Normalised`, subjects in the order of
``subjects.parquet``) and ``preprocessing.json`` (`Preprocessing`: all that maps new raw records onto the same scale).
Every statistic comes from the train split alone. Tier: restricted.
"""
