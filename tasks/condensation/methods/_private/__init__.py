"""Noisy statistics of a cohort, and a cohort drawn from them: what `private_statistics` is made of."""
