"""The adapters to Prefect, DVC and MLflow, and to the processes of stages: the only importers of the engines."""

import os

from recondense.engines.settings import name_user
from recondense.stages.tiers import OWNER_ALONE

name_user()
os.umask(OWNER_ALONE)  # here, before anything is written: DVC keeps the one that it finds when it is imported
