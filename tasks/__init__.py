"""The rooms of the pipeline, one per stage, and the shelves they share.

Raw records go through the rooms in this order; each reads what earlier rooms left on disk and writes one folder
under ``data/``: `ingestion`, `normalisation`, `reference`, `condensation`, `shadows`, `training`,
`privacy`, `release`.
`inspection` is a side room: it looks at what ingestion left, and no other reads from it.
The shelves `networks` and `common` are used by the rooms and know none of them. Nothing here knows which engine
(`dvc repro` or a Prefect flow) is running it.
"""
