"""What a run, a release or a schedule would stumble over on this machine, looked for before it does.

Each check is a process of its own with a time limit: a server that never answers, a disk that is gone or a broken
driver costs its own lines and no others. Nothing said holds a password: of an address only its place is shown, of a
foreign error only its kind (RECONDENSE_DEBUG=1 shows all of it on the steward's own terminal).
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from flows.settings import use_local_services
from tasks.common import params, secret
from tasks.common.errors import InputError
from tasks.common.layout import STAGE_FOLDERS, Layout, find_root

SECONDS = 20.0  # of waiting for something; for a processor that is busy a check may wait longer
MOST_SECONDS = 120.0
LOOK_SECONDS = 0.5
AT_ONCE = 4  # as many as there are remotes and servers, so that all of these may hang
REQUEST_SECONDS = 5
GB = 1e9
BUSY, MEMORY, DISK, LITTLE_DISK = 3, 2 * GB, 10 * GB, 1 * GB


@dataclass(frozen=True)
class Finding:
    """How one thing stands, and what to do ``next`` ("" where nothing is to be done).

    A fault is in the way of runs, or would undo what they promise; a warning is in the way of a release or a schedule.
    """

    level: Literal["ok", "warning", "fault"]
    found: str
    next: str = ""


Found = Iterator[Finding]


def examine(root: Path, server: str | None = None, seconds: float = SECONDS) -> dict[str, list[Finding]]:
    """What each check of the project at ``root`` finds, by its name; each may wait for an answer so many ``seconds``.

    ``server``: the URL of the Prefect server to look for, in place of PREFECT_API_URL.
    """
    with suppress(OSError):  # a folder that cannot be made is what a check says
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
        [sys.executable, "-P", "-m", "flows.doctor", name],  # -P: this code, not that in the working directory
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if _debug() else subprocess.DEVNULL,
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


def _machine(root: Path) -> Found:
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    busy = os.getloadavg()[0] / cores
    words = f"{cores} core{'s' if cores > 1 else ''}"
    if busy < BUSY:
        yield Finding("ok", words)
    else:
        words = f"{words}, for each of which {busy:.0f} programs wait"
        yield Finding("warning", words, "a run will take that much longer: let them end first")
    memory = psutil.virtual_memory()
    words = f"{memory.total / GB:.1f} GB of memory, {memory.available / GB:.1f} GB of it free"
    if memory.available >= MEMORY:
        yield Finding("ok", words)
    else:
        yield Finding("warning", words, "end other programs, or the system may kill a stage for want of memory")
    free = shutil.disk_usage(root).free
    words = f"{free / GB:.1f} GB free on the project's disk"
    if free >= DISK:
        yield Finding("ok", words)
    else:
        mend = "make room; `dvc gc --workspace` removes results that no cohort stands at any more"
        yield Finding("warning" if free >= LITTLE_DISK else "fault", words, mend)


def _folders(root: Path) -> Found:
    """Whether stages, engines and the ledger can write where they do."""
    below = [".dvc", ".recondense", "data/ledger", *dict.fromkeys(f"data/{name}" for name in STAGE_FOLDERS.values())]
    places = {".": root, **{name: root / name for name in below}, "temporary files": Path(tempfile.gettempdir())}
    problems = {name: problem for name, place in places.items() if (problem := _unwritable(place))}
    for name, problem in problems.items():
        yield Finding("fault", f"{name} cannot be written to: {problem}", "let this user write there, or mend its disk")
    if not problems:
        yield Finding("ok", "stages, engines and ledgers can write where they do")


def _packages(root: Path) -> Found:
    """Python, and each package that pyproject.toml asks for."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    install = f"{sys.executable} -m pip install -e {root}"
    version = ".".join(map(str, sys.version_info[:3]))
    if version in SpecifierSet(project["requires-python"]):
        yield Finding("ok", f"Python {version}")
    else:
        mend = "rm -r .venv && make run PYTHON=/path/to/one"
        yield Finding("fault", f"Python {version}, where {project['requires-python']} is asked for", mend)
    wanted = [Requirement(text) for text in project["dependencies"]]
    right = 0
    for requirement in wanted:
        found = _installed(requirement.name)
        if found and requirement.specifier.contains(found, prereleases=True):
            right += 1
        else:
            yield Finding(
                "fault", f"{requirement.name} {found or 'is missing'}, where {requirement} is asked for", install
            )
    if right == len(wanted):
        yield Finding("ok", f"{right} packages are as pyproject.toml asks")
    if root.resolve() != CODE:
        yield Finding("warning", f"this command is the code in {CODE}, and stages run that in {root}", install)


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _gpu(root: Path) -> Found:
    import torch

    asking = [name for name, block in params.read(root).items() if _of(block, "condensation").get("device") == "cuda"]
    if torch.cuda.is_available():
        torch.ones(8, device="cuda").sum().item()  # what the driver cannot do shows here
        free, total = torch.cuda.mem_get_info()
        words = f"{free / GB:.1f} of {total / GB:.1f} GB free, CUDA {torch.version.cuda}, torch {torch.__version__}"
        yield Finding("ok", f"{torch.cuda.get_device_name()}, {words}")
    elif asking:
        words = f"none that torch {torch.__version__} can use, and params.yaml asks for one: {', '.join(asking)}"
        yield Finding("fault", words, "condensation.device: auto takes what there is")
    elif shutil.which("nvidia-smi"):
        mend = "update the driver, or install the torch for its CUDA version; the processor is used until then"
        yield Finding("warning", f"there is a driver of NVIDIA's, and torch {torch.__version__} finds no GPU", mend)
    else:
        yield Finding("ok", f"none: torch {torch.__version__} uses the processor")


def _git(root: Path) -> Found:
    from flows.releases import git
    from flows.releases.ready import check_work_tree

    try:
        yield Finding("ok", f"at commit {git.head(root)[:12]}")
    except InputError as error:
        yield Finding("fault", f"no commit: {error}", "work in a clone, or: git init && git add -A && git commit")
        return
    who = {name: git.setting(root, name) for name in ("user.name", "user.email")}
    if missing := [name for name, value in who.items() if not value]:
        mend = " && ".join(f'git config {name} "..."' for name in missing)
        yield Finding("warning", f"no {' and no '.join(missing)}: ledger and releases name who did what", mend)
    else:
        yield Finding("ok", f"you are {who['user.name']} <{who['user.email']}>")
    try:
        check_work_tree(root)
    except InputError as error:
        yield Finding("warning", "a release would be refused", str(error))


def _keys(root: Path) -> Found:
    from flows.ledger import Ledger, keys
    from flows.ledger.ledger import with_ledger

    key = keys.own()
    if key is None:
        mend = "your first run makes one; if you had one, restore it, or let RECONDENSE_KEYS name its folder"
        yield Finding("warning", f"none to sign with in {secret.folder()}", mend)
    else:
        yield Finding("ok", f"you sign with {key.fingerprint}")
    for cohort in with_ledger(root) if key else []:
        try:
            Ledger(root, cohort).check_admission()
        except InputError as error:
            yield Finding("fault", f"{cohort}: no run can be recorded", str(error))
        else:
            yield Finding("ok", f"{cohort}: its ledger is whole and admits you")
    private = [name for name, block in params.read(root).items() if _of(block, "condensation").get("method") == PRIVATE]
    if private and secret.read(secret.folder() / secret.NOISE) is None:
        mend = "the first run makes one; after a release restore the old one, since other noise costs epsilon again"
        yield Finding("warning", f"no {secret.NOISE} in {secret.folder()}, for {', '.join(private)}", mend)


def _dvc(root: Path) -> Found:
    from flows.pipeline import Pipeline
    from flows.releases.public import RELEASE
    from flows.releases.ready import check_remotes
    from flows.releases.vault import VAULT

    pipelines = [Pipeline(root, cohort) for cohort in params.read(root)]
    yield Finding("ok", f"dvc.yaml has every stage of {len(pipelines)} cohorts")
    if {VAULT, RELEASE} <= set(pipelines[0].repo.config["remote"]):  # where one is absent, its own check says so
        try:
            check_remotes(pipelines[0])
        except InputError as error:
            yield Finding("fault", "a release would be refused", str(error))


def _remote(root: Path, name: str) -> Found:
    """Whether the DVC remote ``name`` takes, gives back and forgets a few bytes."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    repo: Any = Repo(str(root))
    if name not in repo.config["remote"]:
        yield Finding("warning", "not configured", f"needed for releases: dvc remote add {name} URL")
        return
    place = _without_secrets(str(repo.config["remote"][name]["url"]))
    try:
        remote = repo.cloud.get_remote(name)
        fs: Any = remote.fs
        if fs.protocol == "local" and not Path(remote.path).is_dir():
            problem = _unwritable(Path(remote.path))
            mend = f"mount its disk; if it is new: mkdir -p {remote.path}"
            yield (
                Finding("fault", f"{place} is not there, nor can be: {problem}", mend)
                if problem
                else Finding("warning", f"{place} is not there", mend)
            )
            return
        probe = fs.join(remote.path, f".recondense-doctor-{os.urandom(8).hex()}")
        fs.pipe_file(probe, b"recondense")
        try:
            same = fs.cat_file(probe) == b"recondense"
        finally:
            fs.remove(probe)
    except ImportError:
        kind = urlsplit(place).scheme
        yield Finding(
            "fault", f"{place}: DVC lacks its support for {kind}", f"{sys.executable} -m pip install dvc-{kind}"
        )
    except (DvcException, OSError, RuntimeError, ValueError) as error:
        yield Finding("fault", f"{place} takes no files: {_kind(error)}", f"{UNREACHABLE[f'remote {name}']}; {MORE}")
    else:
        if same:
            yield Finding("ok", f"{place} takes files and gives them back")
        else:
            yield Finding(
                "fault", f"{place} gives back other bytes than it took", "trust nothing there; look at that store"
            )


def _cohorts(root: Path) -> Found:
    """Each cohort's block of params.yaml, its raw folder, and whom it tells of failures."""
    for cohort, block in params.read(root).items():
        try:
            params.check_cohort(root, cohort)
        except InputError as error:
            yield Finding("fault", f"{cohort}: its params are not valid", str(error))
            continue
        yield _raw(root, cohort, str(block["ingestion"]["raw"]))
        receiver = _of(block, "schedule").get("notify")
        if receiver and "/" not in receiver and not os.environ.get(receiver):
            mend = f"export {receiver}=URL where `recondense serve` runs"
            yield Finding("warning", f"{cohort}: schedule.notify names ${receiver}, which is not set here", mend)


def _raw(root: Path, cohort: str, raw: str) -> Finding:
    try:
        files = [path for path in _files(root / raw) if path.name != "README.md"]
    except OSError as error:
        return Finding("fault", f"{cohort}: {raw} cannot be read: {_kind(error)}", "let this user read it")
    if closed := sum(not os.access(path, os.R_OK) for path in files):
        return Finding("fault", f"{cohort}: {closed} files in {raw} cannot be read", "let this user read them")
    if files:
        return Finding("ok", f"{cohort}: {raw} has records ({len(files):,} file{'s' if len(files) > 1 else ''})")
    if (Layout(root, cohort).folder("ingestion") / "metrics.json").exists():
        return Finding("fault", f"{cohort}: {raw} has no records, and had some", "mount its disk, or put them back")
    return Finding("ok", f"{cohort}: {raw} has no records yet")


def _files(folder: Path) -> list[Path]:
    """All files below ``folder``, none where it is not there. Raises `OSError` where a folder cannot be looked into."""

    def stop(error: OSError) -> None:
        raise error

    walk = os.walk(folder, onerror=stop, followlinks=True) if folder.exists() else []
    return [Path(place) / name for place, _, names in walk for name in names]


def _prefect(_: Path) -> Found:
    from prefect import __version__, get_client
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if not url:
        yield Finding(
            "ok", f"Prefect {__version__}; no server is named, so each run starts one for as long as it takes"
        )
        return
    place = _without_secrets(url)
    with get_client(sync_client=True, httpx_settings={"timeout": REQUEST_SECONDS}) as client:
        if problem := client.api_healthcheck():
            yield Finding("fault", f"no server answers at {place}: {_kind(problem)}", UNREACHABLE["Prefect"])
            return
        theirs = client.api_version()
    if theirs.split(".")[:2] == __version__.split(".")[:2]:
        yield Finding("ok", f"{place} answers, with Prefect {theirs}")
    else:
        yield Finding(
            "warning", f"{place} has Prefect {theirs}, and here is {__version__}", "give both the same version"
        )


def _mlflow(root: Path) -> Found:
    from flows.tracking import tracking_uri

    uri = tracking_uri(root)
    place = _without_secrets(uri)
    file = Path(uri.removeprefix("sqlite:///"))
    if uri.startswith("sqlite:///") and not file.exists():
        if problem := _unwritable(file.parent):
            yield Finding("fault", f"{place} cannot be made: {problem}", UNREACHABLE["MLflow"])
        else:
            yield Finding("ok", f"{place} is made by the first run")
        return
    from mlflow import __version__
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        MlflowClient(uri).search_experiments(max_results=1)
    except (MlflowException, OSError) as error:
        _kind(error)
        if "out-of-date" in str(error):
            mend = "back it up, then `mlflow db upgrade` it"
            yield Finding("fault", f"{place} is of an earlier version than MLflow {__version__}", mend)
        else:
            yield Finding("fault", f"no store answers at {place}", f"{UNREACHABLE['MLflow']}; {MORE}")
    else:
        yield Finding("ok", f"{place} answers, with MLflow {__version__} here")


CHECKS: dict[str, Callable[[Path], Found]] = {
    "machine": _machine,
    "folders": _folders,
    "packages": _packages,
    "GPU": _gpu,
    "git": _git,
    "keys": _keys,
    "DVC": _dvc,
    "remote vault": lambda root: _remote(root, "vault"),
    "remote release": lambda root: _remote(root, "release"),
    "cohorts": _cohorts,
    "Prefect": _prefect,
    "MLflow": _mlflow,
}
CODE = Path(__file__).resolve().parents[1]
PRIVATE = "private_statistics"
MORE = "RECONDENSE_DEBUG=1 recondense doctor says more"
_REMOTE = "see that its host is up and that its keys are set and may write (`dvc remote list` shows where it is)"
UNREACHABLE = {
    "remote vault": _REMOTE,
    "remote release": _REMOTE,
    "Prefect": "start it (`recondense ui`), mend PREFECT_API_URL, or unset it: each run then starts its own",
    "MLflow": "start it (`recondense ui`), mend MLFLOW_TRACKING_URI, or unset it: runs then go into mlflow.db here",
}


def _of(block: Any, section: str) -> dict[str, Any]:
    """A section of a cohort's block as far as it is one; whether all is valid, `_cohorts` says."""
    found = block.get(section) if isinstance(block, dict) else None
    return found if isinstance(found, dict) else {}


def _unwritable(folder: Path) -> str:
    """Why no file can be made in ``folder``, or, where it is not there, no such folder; "" where one can."""
    while not folder.exists() and not folder.is_symlink():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return _kind(error)


def _kind(error: BaseException) -> str:
    """The kind of ``error``: its own text may hold an address with a password."""
    if _debug():
        traceback.print_exception(error)
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"status {status}" if status else (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _without_secrets(address: str) -> str:
    """``address`` without user, password and query; a path as it is.

    >>> _without_secrets("postgresql://ada:s3cret@db:5432/mlflow?sslpassword=s3cret")
    'postgresql://db:5432/mlflow'
    """
    parts = urlsplit(address)
    if not parts.netloc:
        return address.partition("?")[0]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _debug() -> bool:
    return os.environ.get("RECONDENSE_DEBUG") == "1"


def _answer(name: str) -> None:
    """Print what the check ``name`` finds, as the last line of standard output."""
    out, sys.stdout = sys.stdout, sys.stderr  # what others print is no finding
    found: list[Finding] = []
    try:
        found.extend(CHECKS[name](find_root()))
    except InputError as error:
        found.append(Finding("fault", "cannot be looked at", str(error)))
    except Exception as error:
        found.append(Finding("fault", f"cannot be looked at: {_kind(error)}", MORE))
    print(json.dumps([asdict(finding) for finding in found]), file=out, flush=True)
    os._exit(0)  # at once, whatever threads the engines have begun


if __name__ == "__main__":
    _answer(sys.argv[1])
