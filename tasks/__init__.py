"""The stages of the pipeline, a file each: read what it needs, call the library, write what it made.

Raw records go through them in this order; each reads what earlier stages left on disk and writes one folder under
``data/``: `ingestion`, `normalisation`, `reference`, `condensation`, `shadows`, `training`, `privacy`, `release`.
Nothing here knows which engine (`dvc repro` or a Prefect flow) is running it. A hospital may edit them: they are hers.
"""
