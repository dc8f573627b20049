"""Evaluation: how well do models that were trained on a bundle serve another cohort? No stage: a recipient asks it.

Input: a bundle, and a cohort as ingestion reads it, with variables of its own names and units. Output: what could be
matched and what is missing, how the cohort differs from the bundle's, scores with intervals, and what a recalibration
on a few local records would gain. All of it is about the whole cohort; no id and no single patient's value is in it.
"""
