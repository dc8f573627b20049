"""When a Prefect task is tried again."""

from typing import Any

from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from recondense.engines.process import StageInterrupted


def worth_another_try(_: Task[Any, Any], __: TaskRun, state: State[Any]) -> bool:
    """What a stage says of params or data stays true; what stopped it from outside may pass."""
    return isinstance(state.data, StageInterrupted)
