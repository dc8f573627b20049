"""A project whose cohort is run by `recondense serve` or by a work pool, and what Prefect says of its runs."""

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.support.paths import REPO
from tests.support.project import QUICK, Project, make_project
from tests.support.services import PREFECT_LOGIN

POLL = 2
AUTH = httpx.BasicAuth(*PREFECT_LOGIN.split(":"))
RAW = "data/1_raw/arriving"
COHORT = {
    **QUICK,
    "ingestion": {**QUICK["ingestion"], "raw": RAW},
    "schedule": {"min_new_patients": 1000, "notify": "STEWARD_WEBHOOK"},
}


@dataclass
class Served:
    """A project, the API of its Prefect server, and the process that serves or watches it."""

    project: Project
    api: str
    cohort: str = "arriving"
    seen: set[str] = field(default_factory=set)

    @property
    def raw(self) -> Path:
        return self.project.root / RAW / "pbcseq.csv"

    def runs(self) -> list[dict[str, Any]]:
        """The deployment's flow runs that have begun, oldest first."""
        asked = {"deployments": {"name": {"any_": [self.cohort]}}, "sort": "START_TIME_ASC"}
        found = httpx.post(f"{self.api}/flow_runs/filter", json=asked, auth=AUTH, timeout=60).raise_for_status().json()
        return [run for run in found if run["start_time"]]

    def ended(self, name: str, words: str = "", cause: str | None = None, seconds: float = 240) -> dict[str, Any]:
        """Wait for a run that ends in the state ``name`` with ``words`` in its message; it is left out afterwards."""
        deadline = time.monotonic() + seconds
        while True:
            for run in self.runs():
                wanted = run["state_name"] == name and words in (run["state"]["message"] or "")
                if run["id"] not in self.seen and wanted and cause in (None, cause_of(run)):
                    self.seen.add(run["id"])
                    return run
            found = [(run["state_name"], run["state"]["message"]) for run in self.runs()]
            assert time.monotonic() < deadline, f"no {name} '{words}' among {found}"
            time.sleep(0.5)

    def events(self) -> list[str]:
        """The ledger's events, oldest first."""
        path = self.project.root / "data" / "ledger" / f"{self.cohort}.jsonl"
        return [json.loads(line)["event"] for line in path.read_text().splitlines()] if path.exists() else []

    @contextlib.contextmanager
    def process(self, command: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
        log = self.project.root / ".recondense" / "test.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, cwd=self.project.root, env=self.project.env, stdout=output, stderr=output
            )
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()


def make_served(folder: Path, server: str, **environment: str) -> Served:
    named = {"PREFECT_API_URL": f"{server}/api", "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    environment = named | {"PREFECT_API_AUTH_STRING": PREFECT_LOGIN} | environment  # for `prefect`'s own commands
    project = make_project(folder, {"arriving": COHORT})
    project.environment.update(environment)
    served = Served(project, f"{server}/api")
    served.raw.parent.mkdir()
    shutil.copy(REPO / "data/1_raw/pbcseq/pbcseq.csv", served.raw)
    return served


def as_a_work_pool(served: Served, cron: str) -> None:
    """Let prefect.yaml deploy the project's cohort, on the schedule ``cron``."""
    settings = served.project.root / "prefect.yaml"
    settings.write_text(settings.read_text().replace("pbcseq", served.cohort).replace("0 3 * * *", cron))


def cause_of(run: dict[str, Any]) -> str:
    return str(run["parameters"].get("cause", "schedule"))


def lines_of_patient_2(csv: Path, name: str) -> str:
    """The lines of a new patient, who had what patient 2 had."""
    return "".join(f"{name},{line.split(',', 1)[1]}\n" for line in csv.read_text().splitlines() if line[:2] == "2,")


def processes_of(served: Served, word: str) -> list[psutil.Process]:
    """The project's processes with ``word`` in their command."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(served.project.root) and any(word in part for part in process.cmdline()):
                found.append(process)
    return found


def until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.5)
