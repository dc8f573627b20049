"""Inspection: what a steward should see of a cohort before anything is condensed. No stage: nothing depends on it.

Input: what ingestion left (``data/2_ingested/<cohort>``). Output: counts, attrition, missingness, prevalence, ranges,
and what looks wrong (units, leakage, ids, duplicates), as plain data and as one HTML page. Tier: restricted. Even so no
single patient's value is in it: a percentile is given only where `FEWEST` subjects have a value at or beyond it.
"""

FEWEST = 10  # subjects behind any figure that is about values
