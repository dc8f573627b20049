"""Downstream models, one file each; a file's name is the model's name in params.yaml.

A *network* has ``FAMILY: str`` and ``build(n_steps: int, n_features: int) -> torch.nn.Module``, which maps float32
``(batch, n_steps, n_features)`` to logits ``(batch,)``. `tasks.networks.fit.fit` trains it.

A *model on summaries* has ``FAMILY: str`` and ``fit(values, labels, seed)``, which returns a function from records
``(n, n_steps, n_features)`` to risks ``(n,)``; ``labels`` are float32 ``(n,)`` in [0, 1].
"""
