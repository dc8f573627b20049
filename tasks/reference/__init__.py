"""Room: how good are the same models when they are trained on all real records?

In: the normalised cohort. Out: ``predictions.parquet`` (``training_set, network, seed, row, risk``; ``row`` is the
subject's place in the normalised cohort), ``curves.parquet`` (``training_set, network, step, auc``) and scores with
intervals. Simple models and the best single variable are always among them. Tier: restricted, for predictions are about
single patients.

A stage of its own, so that a new condensation does not train these models again.
"""
