"""Flow runs whose process ended without a word: no machine that was switched off can report it."""

import time
from pathlib import Path
from typing import Any

from prefect import Flow, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Crashed

from recondense.errors import InputError
from recondense.files.lock import if_free, of_cohort
from recondense.terminal import say
from recondense.unattended.notify import tell


class LostRuns:
    """What Prefect still takes for running flows, while nobody holds the lock of their cohort.

    The operating system frees the lock with the process. A live run is without it only for moments, as when it begins:
    it is lost once every look for ``patience`` seconds found it so. ``flow``: which flow the runs are of.
    """

    def __init__(self, flow: Flow[..., Any], root: Path, patience: float) -> None:
        self.flow = flow
        self.root = root
        self.patience = patience
        self._suspected: dict[str, dict[Any, float]] = {}

    def report(self, cohort: str) -> None:
        """Look; mark lost runs of ``cohort`` as Crashed, and tell whom its ``schedule.notify`` names."""
        before, now = self._suspected.pop(cohort, {}), time.monotonic()
        with if_free(self.root, of_cohort(cohort)) as free:
            if not free:  # its run is alive
                return
            running = _running(cohort)
        suspected = {run.id: before.get(run.id, now) for run in running}
        lost = [run for run in running if now - suspected[run.id] >= self.patience]
        self._suspected[cohort] = {run.id: suspected[run.id] for run in running if run not in lost}
        for run in lost:
            _crashed(self.flow, cohort, run)


def _running(cohort: str) -> list[FlowRun]:
    names = [f"recondense-{cohort}", f"{cohort}-schedule", f"{cohort}-records"]
    wanted = {"name": {"any_": names}, "state": {"type": {"any_": [StateType.RUNNING]}}}
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted))


def _crashed(flow: Flow[..., Any], cohort: str, run: FlowRun) -> None:
    lost: State[Any] = Crashed(message="its process is gone: killed, or the machine was switched off")
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, lost, force=True)
    if run.deployment_id:
        try:
            tell(flow, run, lost)
        except InputError as error:  # whoever should be told cannot be: no reason not to go on
            say(f"{cohort}: {error}")
