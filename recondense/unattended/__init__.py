"""Schedule: when a cohort is recondensed without a person asking. No stage: nothing depends on it.

Input: the cohort's ``schedule`` section, and how the cohort stands. Output: reasons to wait, or none. No stage reads
the section, so an edit of it reruns nothing. Tier: aggregate, counts of patients and sums of epsilon.
"""
