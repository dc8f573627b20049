"""The flow that a schedule or a change of the raw records starts: only what is due, and why where nothing is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.child import StageFailed
from flows.inbox import at_rest
from flows.ledger import Ledger
from flows.notify import tell
from flows.pipeline import Pipeline, one_at_a_time
from flows.recondense import recondense, room_state
from flows.standing import standing
from tasks.common.errors import InputError, without_its_text
from tasks.common.layout import Layout
from tasks.common.params import check_cohort, section
from tasks.ingestion.params import Params as IngestionParams
from tasks.schedule.params import Params
from tasks.schedule.policy import reasons_to_wait


@flow(
    name="recondense-when-due",
    flow_run_name="{cohort}-{cause}",
    persist_result=False,
    on_failure=[tell],
    on_crashed=[tell],
)
def due(
    cohort: str, root: str = ".", cause: Literal["schedule", "records"] = "schedule", quiet_seconds: float = 60
) -> State[Any]:
    """Recondense ``cohort`` where something changed and its ``schedule`` section lets it.

    ``root``: the project, from the working directory. ``quiet_seconds``: how long raw files must have stood still.
    Ends as Completed, or by its name and message as `NothingNew` or `HeldBack`, which the ledger records as well.
    Raises `InputError` and `StageFailed`, as `recondense` does; policies are looked at once the records are read.
    """
    layout = Layout(Path(root).resolve(), cohort)
    with _foreign_texts_withheld():
        check_cohort(layout.root, cohort)
        with one_at_a_time(layout):
            waiting = _why_not(layout, cause, quiet_seconds)
    if waiting:
        return waiting
    done = recondense(cohort, str(layout.root))
    ran = [name for name, state in done["states"].items() if state != "Cached"]
    return Completed(message=f"ran {', '.join(ran) or 'nothing'}; MLflow run {done['mlflow_run']}")


def _why_not(layout: Layout, cause: str, quiet_seconds: float) -> State[Any] | None:
    """Read the records where they changed; the final state where nothing more is to be done."""
    pipeline = Pipeline(layout.root, layout.cohort)
    if pipeline.current():
        return _nothing_new(layout, cause)
    raw = layout.root / section(layout.root, layout.cohort, "ingestion", IngestionParams).raw
    if pipeline.records_changed(raw) and not at_rest(raw, quiet_seconds):
        return _held_back(layout, cause, ["raw files are still being written"])
    room_state(pipeline, f"ingestion@{layout.cohort}", None)
    if pipeline.current():
        return _nothing_new(layout, cause)
    reasons = reasons_to_wait(standing(layout, pipeline), section(layout.root, layout.cohort, "schedule", Params))
    return _held_back(layout, cause, reasons) if reasons else None


def _nothing_new(layout: Layout, cause: str) -> State[Any]:
    Ledger(layout.root, layout.cohort).append("nothing new", {"cause": cause})
    return Completed(name="NothingNew", message="no record, parameter or code changed")


def _held_back(layout: Layout, cause: str, reasons: list[str]) -> State[Any]:
    Ledger(layout.root, layout.cohort).append("held back", {"cause": cause, "reasons": reasons})
    return Completed(name="HeldBack", message="; ".join(reasons))


@contextmanager
def _foreign_texts_withheld() -> Iterator[None]:
    """What is raised here ends in a state's message and in Prefect's logs: no text that may quote a record."""
    try:
        yield
    except (InputError, StageFailed):
        raise
    except Exception as error:
        if os.environ.get("RECONDENSE_DEBUG") == "1":
            raise
        raise StageFailed(without_its_text(error)) from None
