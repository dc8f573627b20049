"""The folder that a hospital owns: params.yaml and all that the library keeps for it."""
