"""Flow runs whose process ended without a word: no machine that was switched off can report it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import Timeout
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State, StateType
from prefect.states import Crashed

from flows.console import say
from flows.notify import tell
from flows.pipeline import one_at_a_time
from flows.scheduled import due
from tasks.common.errors import InputError
from tasks.common.layout import Layout


def report_lost_runs(root: Path, cohorts: Sequence[str]) -> None:
    """Mark as Crashed what Prefect still takes for a running flow of a cohort, while nobody holds that cohort's lock.

    The operating system frees the lock with the process. Whoever the cohort's ``schedule.notify`` names is told.
    """
    for cohort in cohorts:
        try:
            with one_at_a_time(Layout(root, cohort)).acquire(timeout=0), get_client(sync_client=True) as client:
                names = [f"recondense-{cohort}", f"{cohort}-schedule", f"{cohort}-records"]
                wanted = {"name": {"any_": names}, "state": {"type": {"any_": [StateType.RUNNING]}}}
                lost: State[Any] = Crashed(message="its process is gone: killed, or the machine was switched off")
                for run in client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted)):
                    client.set_flow_run_state(run.id, lost, force=True)
                    if run.deployment_id:
                        tell(due, run, lost)
        except Timeout:  # its run is alive
            continue
        except InputError as error:  # whoever should be told cannot be: no reason not to go on
            say(f"{cohort}: {error}")
