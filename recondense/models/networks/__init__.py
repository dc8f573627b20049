"""Downstream models, one file each; a file's name is the model's name in params.yaml.

A *network* has ``FAMILY: str`` and ``build(n_steps: int, n_features: int, n_outputs: int) -> torch.nn.Module``, which
maps float32 ``(batch, n_steps, n_features)`` to logits: ``(batch,)`` for one output, as two classes need, and
``(batch, n_outputs)`` for more. `recondense.models.fit.fit` trains it.

A *model on summaries* has ``FAMILY: str`` and ``fit(values, labels, noise, seed)``, which returns a function from
records ``(n, n_steps, n_features)`` to risks of the shape of ``labels``, float32 in [0, 1], see
`recondense.records.labels`. ``noise`` is the recipe's, in standard deviations: how much to add to the summaries.
"""
