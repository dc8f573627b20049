"""The flow that a schedule or a change of the raw records starts: only what is due, and why where nothing is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.recondense import recondense, stage_state
from recondense.engines.dvc import Pipeline, one_at_a_time, raw_folder
from recondense.engines.process import StageFailed
from recondense.engines.recorder import Recorder, open_ledger
from recondense.errors import InputError, without_its_text
from recondense.ledger import Ledger
from recondense.project.follow import follow
from recondense.project.sections import check_cohort
from recondense.publishing.ready import held_by_guarantee
from recondense.publishing.release import release_if_new
from recondense.publishing.versions import Releases
from recondense.settings import settings
from recondense.stages.layout import Layout
from recondense.stages.params import section
from recondense.unattended.inbox import at_rest
from recondense.unattended.notify import tell
from recondense.unattended.params import Params
from recondense.unattended.policy import reasons_to_wait
from recondense.unattended.standing import standing


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
    Raises `InputError` and `StageFailed`, as `recondense` and `release` do; policies are looked at once the records are
    read.
    """
    layout, said = Layout(Path(root).resolve(), cohort), []
    run = {"cause": cause, "prefect_flow_run": str(flow_run.id)}
    with _foreign_texts_withheld():
        check_cohort(layout.root, cohort)
        follow(layout.root)
        ledger = open_ledger(layout)
        with one_at_a_time(layout):
            reasons = _why_not(layout, ledger, run, quiet_seconds)
            stale = reasons is not None
            waits_for = _recorded(ledger, run, _unreleasable(layout) if reasons is None else reasons)
            if not stale and not waits_for:
                ledger.append("nothing new", run)
    if stale and not waits_for:
        done = recondense(cohort, str(layout.root))
        ran = [name for name, state in done["states"].items() if state != "Cached"]
        said = [f"ran {', '.join(ran) or 'nothing'}", f"MLflow run {done['mlflow_run'] or 'none'}"]
        with _foreign_texts_withheld(), one_at_a_time(layout):
            waits_for = _recorded(ledger, run, _unreleasable(layout))
    if waits_for:
        return Completed(name="HeldBack", message="; ".join([*said, *waits_for]))
    with _foreign_texts_withheld():
        said += release_by_policy(layout)
    if said:
        return Completed(message="; ".join(said))
    return Completed(name="NothingNew", message="no record, parameter or code changed")


def release_by_policy(layout: Layout) -> list[str]:
    """Release the candidate where the policy asks for it and it is not out yet. Returns what to say of it."""
    if not section(layout.root, layout.cohort, "schedule", Params).release:
        return []
    made = release_if_new(layout.root, layout.cohort)
    return [f"released {made.version}"] if made else []


def _unreleasable(layout: Layout) -> list[str]:
    """Why the policy may not release the candidate: its guarantee stands in the way."""
    by_policy = section(layout.root, layout.cohort, "schedule", Params).release
    return held_by_guarantee(Releases(layout.root, layout.cohort)) if by_policy else []


def _recorded(ledger: Ledger, run: dict[str, str], reasons: list[str]) -> list[str]:
    """``reasons``, which the ledger gets where there are any."""
    if reasons:
        ledger.append("held back", {**run, "reasons": reasons})
    return reasons


def _why_not(layout: Layout, ledger: Ledger, run: dict[str, str], quiet_seconds: float) -> list[str] | None:
    """Read the records where they changed. Returns the reasons to go no further; None where nothing is left to do."""
    pipeline = Pipeline(layout.root, layout.cohort)
    if not pipeline.stale():
        return None
    if pipeline.records_changed() and not at_rest(raw_folder(layout.root, layout.cohort), quiet_seconds):
        return ["raw files are still being written"]
    stage = f"ingestion@{layout.cohort}"
    _, seconds = stage_state(pipeline, stage, None)
    Recorder(pipeline, ledger, run).stage(stage, seconds)
    if not pipeline.stale():
        return None
    schedule = section(layout.root, layout.cohort, "schedule", Params)
    return reasons_to_wait(standing(layout, pipeline, ledger), schedule)


@contextmanager
def _foreign_texts_withheld() -> Iterator[None]:
    """What is raised here ends in a state's message and in Prefect's logs: no text that may quote a record."""
    try:
        yield
    except (InputError, StageFailed):
        raise
    except Exception as error:
        if settings().debug:
            raise
        raise StageFailed(without_its_text(error)) from None
