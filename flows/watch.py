"""New records arrived -> recondense: deployments with a schedule, and a watcher of the raw folders that emits events.

The watcher remembers nothing between its starts. Whether records changed since ingestion last read them is DVC's to
say, so a change while nobody watched is seen by the next start; and what an event missed, the next scheduled run finds.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from prefect import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentEventTrigger, Event
from prefect.events.clients import get_events_client
from prefect.exceptions import ObjectNotFound, TerminationSignal
from prefect.runner import Runner
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from flows.scheduled import due
from recondense.engines.dvc import Pipeline, raw_folder
from recondense.engines.process import StageFailed
from recondense.engines.recorder import open_ledger
from recondense.engines.servers import answers
from recondense.errors import InputError, without_its_text
from recondense.project.sections import check_cohort
from recondense.stages.layout import Layout
from recondense.stages.params import section
from recondense.terminal import say
from recondense.unattended.inbox import Inbox, fingerprint
from recondense.unattended.lost import LostRuns
from recondense.unattended.notify import check_receiver
from recondense.unattended.params import Params

EVENT = "recondense.records.changed"
SERVER_POLL_SECONDS = 5.0
LOST_SECONDS = 60.0
PATIENCE_SECONDS = 60.0  # what fails sooner, with a server that answers, would fail again


def check_cohorts(root: Path, cohorts: Sequence[str]) -> None:
    """Raise `InputError` where a cohort's params are wrong, or name an environment variable that is not set."""
    for cohort in cohorts:
        check_cohort(root, cohort)
        check_receiver(section(root, cohort, "schedule", Params).notify)


def check_deployed(cohorts: Sequence[str]) -> None:
    """Raise `InputError` unless the server has a deployment of each cohort, which a change of its records would run."""
    with get_client(sync_client=True) as client:
        for cohort in cohorts:
            try:
                client.read_deployment_by_name(f"{due.name}/{cohort}")
            except ObjectNotFound:
                raise InputError(
                    f"the Prefect server has no deployment {due.name}/{cohort}: `prefect deploy --all` makes those of "
                    "prefect.yaml; or `recondense serve` runs a cohort without a work pool"
                ) from None


def serve_forever(root: Path, cohorts: Sequence[str], cron: str | None, timezone: str, poll: float) -> None:
    """Run what is due, one run at a time, until interrupted. A server that goes away is waited for.

    Raises `InputError` where the schedule is none, or a cohort's ledger does not admit this user.
    """
    for cohort in cohorts:
        open_ledger(Layout(root, cohort))
        LostRuns(due, root, patience=0).report(cohort)  # none of ours has begun
    deployments = [_deployment(root, cohort, cron, timezone, poll) for cohort in cohorts]
    watcher = threading.Thread(target=watch_forever, args=(root, cohorts, poll), daemon=True)
    while True:
        began = time.monotonic()
        try:
            runner = Runner(limit=1, pause_on_shutdown=False)
            for deployment in deployments:
                runner.add_deployment(deployment)
            if not watcher.is_alive():
                watcher.start()  # not before there is a trigger that takes up its events
            asyncio.run(runner.start())
            return
        except (KeyboardInterrupt, TerminationSignal):
            return
        except Exception:  # Prefect's loop gives up on a server that does not answer for half a minute
            if answers() and time.monotonic() - began < PATIENCE_SECONDS:
                raise
        say("Prefect's server does not answer: waiting for it")
        while not answers():
            time.sleep(SERVER_POLL_SECONDS)
        say("Prefect's server is back")


def watch_forever(root: Path, cohorts: Sequence[str], poll: float) -> None:
    """Look at every cohort's raw folder each ``poll`` seconds, and announce changes that have come to rest.

    A run whose process was lost, say with a worker, is reported meanwhile.
    """
    inboxes, lost = {cohort: Inbox() for cohort in cohorts}, LostRuns(due, root, LOST_SECONDS)
    while True:
        for cohort, inbox in inboxes.items():
            try:
                if _changed(root, cohort, inbox):
                    asyncio.run(_announce(cohort))
                    say(f"{cohort}: records changed")
                    inbox.settle()
                lost.report(cohort)
            except (InputError, StageFailed) as error:  # params.yaml half edited, DVC busy: the next look may do
                say(f"{cohort}: {error}")
            except OSError as error:  # the server, or a disk, is away
                say(f"{cohort}: {type(error).__name__}, looking again in {poll:g} s")
            except Exception as error:  # nobody would notice that the watcher had ended
                say(f"{cohort}: looking again in {poll:g} s: {without_its_text(error)}")
        time.sleep(poll)


def _changed(root: Path, cohort: str, inbox: Inbox) -> bool:
    if not inbox.ripe(fingerprint(raw_folder(root, cohort))):
        return False
    if Pipeline(root, cohort).records_changed():
        return True
    inbox.settle()
    return False


async def _announce(cohort: str) -> None:
    """Emit the event, and wait until the server has it."""
    event = Event(event=EVENT, resource={"prefect.resource.id": _resource(cohort)})
    async with get_events_client(checkpoint_every=1, reconnection_attempts=0) as client:
        await client.emit(event)


def _resource(cohort: str) -> str:
    return f"recondense.cohort.{cohort}"


def _deployment(root: Path, cohort: str, cron: str | None, timezone: str, poll: float) -> RunnerDeployment:
    try:
        schedule = Cron(cron, timezone=timezone) if cron else None
    except ValueError as error:
        raise InputError(
            f"--cron '{cron}' in --timezone '{timezone}' is no schedule: write five fields, as in '0 3 * * *', and a "
            "zone such as Europe/Berlin"
        ) from error
    return RunnerDeployment.from_flow(
        due,
        name=cohort,
        schedule=schedule,
        parameters={"cohort": cohort, "root": str(root), "quiet_seconds": poll},
        triggers=[
            DeploymentEventTrigger(
                name=f"{cohort}: records changed",
                expect={EVENT},
                match={"prefect.resource.id": _resource(cohort)},
                parameters={"cause": "records"},
            )
        ],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
