"""Versioned releases of a cohort's bundle: ``YYYY.MM.N``, where N counts the cohort's releases of that month from 1.

`release` makes one, in an order that a kill at any moment leaves fit to be gone on with. `vault` and `public` are the
two DVC remotes: records for the steward, bundles for anyone. `published` is what of the ledger strangers see, and
`recipient` their check. `compare`, `withdraw` and `reproduce` work on releases that are made; `versions` knows which
those are.
"""
