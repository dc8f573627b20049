"""The downstream models, how they are trained and how their predictions are scored.

Shared by condensation, reference, training and privacy, so that "a network trained on these records" means one
thing.
"""
