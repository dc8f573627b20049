"""SIGKILL at random moments, to whatever runs: server, `serve`, worker, a flow, a command (slow: `pytest -m slow`)."""

import contextlib
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from recondense.ledger import Ledger
from recondense.project.params_file import set_params
from recondense.publishing.examine import examine
from recondense.settings import settings
from tests.support.project import with_remotes
from tests.support.services import free_port
from tests.support.serving import POLL, Served, as_a_work_pool, lines_of_patient_2, make_served, processes_of, until

KILLS = settings().kills  # in all, half of them under each of KEEPERS
LONGEST = 90.0  # seconds from one kill to the next, where a whole run and its release take longer
KEEPERS = {"serve": ("serve",), "work pool": ("watch", "worker")}  # what runs unattended, beside the server
COMMANDS = ("run", "release")


@dataclass
class Hospital:
    """A cohort whose candidates are released by policy, and the processes that keep it.

    ``arrived``: how many patients came since the start.
    """

    served: Served
    folder: Path
    port: int
    arrived: int = 0
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str) -> None:
        project = self.served.project
        server = [str(Path(sys.executable).parent / "prefect"), "server", "start", "--host", "127.0.0.1"]
        command = {
            "server": [*server, "--port", str(self.port)],
            "serve": project.command("recondense.cli", "serve", "--poll", str(POLL), "--cron", "* * * * *"),
            "watch": project.command("recondense.cli", "watch", "--poll", str(POLL)),
            "worker": project.command("prefect", "worker", "start", "--pool", "recondense", "--limit", "1"),
            "run": project.command("recondense.cli", "run", self.served.cohort),
            "release": project.command("recondense.cli", "release", self.served.cohort),
        }[name]
        home = {"PREFECT_HOME": str(self.folder / "prefect")} if name == "server" else {}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, cwd=project.root, env={**project.env, **home}, stdout=log, stderr=log
            )
        if name == "server":
            until(self._answers, 600)

    def kill(self, name: str) -> bool:
        """SIGKILL, the server with its children: one that lived on would hold the port. False where nothing ran."""
        running = self.running.pop(name, None)
        victims = processes_of(self.served, "prefect.engine") if name == "flow" else []
        with contextlib.suppress(psutil.NoSuchProcess):  # a command may have ended by itself
            if name == "server" and running:
                victims = psutil.Process(running.pid).children(recursive=True)
        alive = [*victims, *([running] if running and running.poll() is None else [])]
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if running:
            running.wait()
        return bool(alive)

    def arrive(self) -> None:
        """One more patient."""
        with self.served.raw.open("a") as file:
            file.write(lines_of_patient_2(self.served.raw, str(9000 + self.arrived)))
        self.arrived += 1

    def everybody_is_released(self) -> bool:
        """Whether the last release was made from the records of all who arrived."""
        candidate = self.served.project.root / "data/7_released/arriving/candidate/metrics.json"
        if not candidate.exists() or self.served.events()[-1:] not in (["released"], ["nothing new"]):
            return False
        # Of the bundle, not of ingestion: that is done before the ledger's last line says so
        return sum(json.loads(candidate.read_text())["cohort"]["subjects"].values()) == 262 + self.arrived

    def check(self) -> list[str]:
        """Assert that the ledger verifies and that each release that can be seen is whole. Returns the versions."""
        ledger = Ledger(self.served.project.root, self.served.cohort)
        assert [check for check in ledger.verify() if not check.holds] == []
        place = self.folder / "public" / "releases" / self.served.cohort
        index = place / "index.json"
        listed = json.loads(index.read_text())["releases"] if index.exists() else []
        for release in listed:
            found = examine(place / release["version"], str(place / "ledger.jsonl"), ledger.entries()[0].key)
            assert [check for check in found.checks if not check.holds] == []
        return [release["version"] for release in listed]

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.served.api}/health", timeout=2):
            return True
        return False


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    port = free_port()
    served = make_served(tmp_path / "project", f"http://127.0.0.1:{port}", STEWARD_WEBHOOK="unused")
    root = served.project.root
    set_params(root, served.cohort, ["schedule.min_new_patients=0", "schedule.release=true"])
    as_a_work_pool(served, "* * * * *")
    with_remotes(root)
    hospital = Hospital(served, tmp_path, port)
    try:
        yield hospital
    finally:
        for name in list(hospital.running):
            hospital.kill(name)
        hospital.kill("flow")


@pytest.mark.slow
@pytest.mark.parametrize("kept_by", KEEPERS)
def test_whatever_is_killed_when_ledger_and_releases_are_whole_and_the_work_is_done_in_the_end(
    hospital: Hospital, kept_by: str
) -> None:
    seed = settings().seed or int(time.time())
    print(f"RECONDENSE_SEED={seed}")
    chance, keepers, project = random.Random(seed), KEEPERS[kept_by], hospital.served.project
    hospital.start("server")
    if "worker" in keepers:
        project.call("prefect", "work-pool", "create", "recondense", "--type", "process")
        project.call("prefect", "--no-prompt", "deploy", "--all")
    began = time.monotonic()
    for name in keepers:
        hospital.start(name)
    until(hospital.everybody_is_released, 1800)
    longest = min(time.monotonic() - began, LONGEST)  # what it takes here: a kill then meets every step of it
    print(f"{kept_by}: kills within {longest:.0f} s of the last", flush=True)

    kills, targets = 0, ("server", *keepers, "flow", *COMMANDS)
    while kills < KILLS // len(KEEPERS):
        if hospital.everybody_is_released():
            hospital.arrive()  # not before: a record that comes while a run reads makes it begin again
        target, pause = chance.choice(targets), chance.uniform(0, longest)
        before = chance.uniform(0, pause) if target in COMMANDS else pause
        time.sleep(before)
        if target in COMMANDS:
            hospital.start(target)
            time.sleep(pause - before)
        kills += (hit := hospital.kill(target))
        releases, last = len(hospital.check()), hospital.served.events()[-1]
        print(f"{kills} {target if hit else f'no {target} any more'}: {releases} releases, last {last}", flush=True)
        for name in ("server", *keepers):
            if name not in hospital.running or hospital.running[name].poll() is not None:
                hospital.start(name)
    released = len(hospital.check())
    assert released > kills // 10, "releases came out between kills"

    hospital.arrive()
    until(lambda: hospital.everybody_is_released() and hospital.served.events()[-1] == "nothing new", 1800)
    versions = hospital.check()
    assert len(versions) > released
    assert not project.status()
    tags = subprocess.run(["git", "tag"], cwd=project.root, capture_output=True, text=True, check=True)
    assert sorted(tags.stdout.split()) == sorted(f"release/arriving/{version}" for version in versions)
