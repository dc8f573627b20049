"""Results as typed models: what stages write into ``metrics.json`` and what gate, `verify` and documents read from it.

Every model is frozen and refuses a key that it does not know, so a misspelt figure is an error and not a missing one.
A figure that could not be measured is null with a reason.
"""
