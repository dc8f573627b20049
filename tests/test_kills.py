"""SIGKILL at random moments, to whatever runs: server, `serve`, a flow, a command (slow: `pytest -m slow`)."""

import contextlib
import json
import os
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

from flows.ledger import Ledger
from flows.params_file import set_params
from flows.releases.recipient import check_against
from tasks.release.verify import verify
from tests.project import with_remotes
from tests.services import free_port
from tests.test_serve import POLL, Served, lines_of_patient_2, make_served, processes_of, until

KILLS = int(os.environ.get("RECONDENSE_KILLS", "50"))
LONGEST = 45.0  # seconds from a new patient to the kill: a run and its release take about as long
TARGETS = ("server", "serve", "flow", "run", "release")


@dataclass
class Hospital:
    """A served cohort whose candidates are released by policy, and the processes that serve it."""

    served: Served
    folder: Path
    port: int
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str) -> None:
        project = self.served.project
        server = [str(Path(sys.executable).parent / "prefect"), "server", "start", "--host", "127.0.0.1"]
        command = {
            "server": [*server, "--port", str(self.port)],
            "serve": project.command("flows.cli", "serve", "--poll", str(POLL), "--cron", "* * * * *"),
            "run": project.command("flows.cli", "run", self.served.cohort),
            "release": project.command("flows.cli", "release", self.served.cohort),
        }[name]
        home = {"PREFECT_HOME": str(self.folder / "prefect")} if name == "server" else {}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, cwd=project.root, env={**project.env, **home}, stdout=log, stderr=log
            )
        if name == "server":
            until(self._answers, 120)

    def kill(self, name: str) -> None:
        """SIGKILL, the server with its children: one that lived on would hold the port."""
        victims = processes_of(self.served, "prefect.engine") if name == "flow" else []
        with contextlib.suppress(psutil.NoSuchProcess):  # a command may have ended by itself
            if name == "server":
                victims = psutil.Process(self.running[name].pid).children(recursive=True)
        for process in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if name in self.running:
            running = self.running.pop(name)
            running.kill()
            running.wait()

    def check(self) -> list[str]:
        """Assert that the ledger verifies and that each release that can be seen is whole. Returns the versions."""
        ledger = Ledger(self.served.project.root, self.served.cohort)
        assert [check for check in ledger.verify() if not check.holds] == []
        place = self.folder / "public" / "releases" / self.served.cohort
        index = place / "index.json"
        listed = json.loads(index.read_text())["releases"] if index.exists() else []
        for release in listed:
            checks = verify(place / release["version"])
            checks += check_against(str(place / "ledger.jsonl"), place / release["version"])
            assert [check for check in checks if not check.holds] == []
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
    with_remotes(root)
    hospital = Hospital(served, tmp_path, port)
    try:
        yield hospital
    finally:
        for name in list(hospital.running):
            hospital.kill(name)
        hospital.kill("flow")


@pytest.mark.slow
def test_whatever_is_killed_when_ledger_and_releases_are_whole_and_the_work_is_done_in_the_end(
    hospital: Hospital,
) -> None:
    seed = int(os.environ.get("RECONDENSE_SEED", time.time()))
    print(f"RECONDENSE_SEED={seed}")
    chance = random.Random(seed)
    for name in ("server", "serve"):
        hospital.start(name)
    for kill in range(KILLS):
        target = chance.choice(TARGETS)
        with hospital.served.raw.open("a") as file:
            file.write(lines_of_patient_2(hospital.served.raw, str(9000 + kill)))
        if target in ("run", "release"):
            hospital.start(target)
        time.sleep(chance.uniform(0, LONGEST))
        hospital.kill(target)
        print(f"{kill} {target}: {len(hospital.check())} releases", flush=True)
        if target in ("server", "serve"):
            hospital.start(target)
        elif target == "flow" and hospital.running["serve"].poll() is not None:
            hospital.start("serve")

    def done() -> bool:
        subjects = json.loads((hospital.served.project.root / "data/2_ingested/arriving/metrics.json").read_text())
        return sum(subjects["subjects"].values()) == 262 + KILLS and hospital.served.events()[-1] == "nothing new"

    until(done, 900)
    versions = hospital.check()
    assert versions
    assert not hospital.served.project.status()
    tags = subprocess.run(["git", "tag"], cwd=hospital.served.project.root, capture_output=True, text=True, check=True)
    assert sorted(tags.stdout.split()) == sorted(f"release/arriving/{version}" for version in versions)
