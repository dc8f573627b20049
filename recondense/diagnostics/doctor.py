"""All checks, each in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from recondense.diagnostics.environment import environment
from recondense.diagnostics.machine import CODE, gpu, machine, packages
from recondense.diagnostics.modes import readable
from recondense.diagnostics.project import cohorts, dvc_stages, git_history, signing
from recondense.diagnostics.restricted import restricted
from recondense.diagnostics.services import mlflow_store, prefect_server, remote
from recondense.engines.settings import use_local_services
from recondense.errors import InputError
from recondense.probes.finding import MORE, REQUEST_SECONDS, UNREACHABLE, Finding, Found
from recondense.probes.state import databases, disk, folders, user
from recondense.settings import settings

SECONDS = 20.0  # of waiting for something; for a processor that is busy a check may wait longer
MOST_SECONDS = 120.0
LOOK_SECONDS = 0.5
AT_ONCE = 4  # as many as there are remotes and servers, so that all of these may hang

CHECKS: dict[str, Callable[[Path], Found]] = {
    "user": user,
    "machine": machine,
    "environment": environment,
    "disk": disk,
    "folders": folders,
    "modes": readable,
    "databases": databases,
    "packages": packages,
    "GPU": gpu,
    "git": git_history,
    "records and git": restricted,
    "keys": signing,
    "DVC": dvc_stages,
    "remote vault": lambda root: remote(root, "vault"),
    "remote release": lambda root: remote(root, "release"),
    "cohorts": cohorts,
    "Prefect": prefect_server,
    "MLflow": mlflow_store,
}


def examine(root: Path, server: str | None = None, seconds: float = SECONDS) -> dict[str, list[Finding]]:
    """What each check of the project at ``root`` finds, by its name; each may wait for an answer so many ``seconds``.

    ``server``: the URL of the Prefect server to look for, in place of PREFECT_API_URL.
    """
    with suppress(OSError, InputError):  # a folder that cannot be made, a login that others read: a check says so
        use_local_services(root, server)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(CHECKS, pool.map(lambda name: _ask(name, root, seconds), CHECKS), strict=True))


def _ask(name: str, root: Path, seconds: float) -> list[Finding]:
    environment = {
        **os.environ,
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(REQUEST_SECONDS),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "PYTHONPATH": os.pathsep.join([str(CODE), os.environ.get("PYTHONPATH", "")]),
    }
    process = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "recondense.diagnostics",
            name,
        ],  # -P: this code, not that in the working directory
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if settings().debug else subprocess.DEVNULL,
        text=True,
    )
    said = _said(process, seconds)
    if said is None:
        process.kill()  # and not waited for: where a disk hangs, nothing ends
        mend = UNREACHABLE.get(name, f"see whether the machine is busy, and its disks answer; {MORE}")
        return [Finding("fault", f"no answer within {seconds:g} s", mend)]
    if process.returncode:
        return [Finding("fault", f"the check itself ended with status {process.returncode}", MORE)]
    return [Finding(**row) for row in json.loads(said.splitlines()[-1])]


def _said(process: "subprocess.Popen[str]", seconds: float) -> str | None:
    """What ``process`` prints; None where it waits longer than it may, which is no matter of a busy processor."""
    import psutil

    waited, began = 0.0, time.monotonic()
    while waited < seconds and time.monotonic() - began < MOST_SECONDS:
        try:
            return process.communicate(timeout=LOOK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            with suppress(psutil.NoSuchProcess):
                waited += LOOK_SECONDS * (psutil.Process(process.pid).status() != psutil.STATUS_RUNNING)
    return None
