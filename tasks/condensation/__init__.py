"""Room: which few synthetic records teach a network what the cohort teaches it?

Input: the train split of the normalised cohort, nothing else. Output: ``condensed.safetensors`` (`CondensedSet`, on
the normalised scale) and ``history.parquet`` (``step``, ``loss``; empty for methods without steps). Tier: restricted,
until the release room's gates have seen it.
"""
