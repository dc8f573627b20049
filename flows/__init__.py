"""How the rooms are chained: Prefect flows over DVC's graph, MLflow's record of them, and the command line.

Only this package knows the engines. `pipeline` is the adapter to DVC, `tracking` to MLflow, `recondense` is the
Prefect flow, with `shadows` as tasks of their own; `cli` is what a person types.
"""
