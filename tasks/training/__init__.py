"""Room: what is a model worth that was trained on the condensed set alone?

In: the normalised cohort, the condensed set, the reference room's predictions. Out: ``predictions.parquet``
(``training_set, network, seed, row, risk``; ``row`` is the subject's place in the normalised cohort),
``curves.parquet`` (``training_set, network, step, auc``) and scores with intervals of four training sets side by side:
``condensed``, ``all_real`` and two controls of the condensed set's size, ``random_records`` and ``kmeans``. Tier:
restricted, for predictions are about single patients.
"""
