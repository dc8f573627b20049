"""How the rooms are chained: Prefect flows over DVC's graph, MLflow's record of them, and the command line.

Only this package knows the engines. `pipeline` is the adapter to DVC, `tracking` to MLflow, `recondense` is the
Prefect flow, with `shadows` as tasks of their own; `cli` is what a person types.
"""

import os

from flows.settings import name_user
from tasks.common.tiers import OWNER_ALONE

name_user()
os.umask(OWNER_ALONE)  # here, before anything is written: DVC keeps the one that it finds when it is imported
