"""Which records can be used, what do they say, and who is held out?

Input: raw files of one cohort (``data/1_raw/<cohort>``), in the form their provider publishes, read by one plug-in of
`recondense.cohorts.readers`; beside them ``withdrawn.txt``, a list of whoever is to be left out (see `withdrawal`).
Output (``data/2_ingested/<cohort>``): ``events.parquet``, ``subjects.parquet`` (with the split, drawn by patient) and
``variables.json`` as in `recondense.records.cohort.Ingested`; ``source.json``, the data set's title, licence and
citation; ``target.json``, what is predicted; ``set_aside.parquet``, whatever could not be used, with its place, reason
and count; ``notices.json``, what was declared and is not found, or is odd (`recondense.records.attrition.Notice`). What
was parsed is kept for the next run in ``data/2_ingested/.parsed/<cohort>`` (see `parsed`). Tier: restricted.
"""
