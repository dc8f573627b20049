"""Which few synthetic records teach a network what the cohort teaches it?

Input: the normalised cohort: its train split, from which the records are learned, and its validation split, on which
nothing but their training recipes is chosen. Output: ``condensed.safetensors`` (`CondensedSet`, on the normalised
scale), ``recipe.json`` (`Recipes`: how each family of networks is trained on it) and ``history.parquet`` (``step``,
``loss``; empty for methods without steps). Tier: restricted, until the release stage's gates have seen it.
"""
