"""What answers elsewhere: DVC's remotes, the servers of Prefect and MLflow."""

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from recondense.probes.finding import (
    MORE,
    REQUEST_SECONDS,
    UNREACHABLE,
    Finding,
    Found,
    kind,
    mend_of,
    unwritable,
    without_secrets,
)
from recondense.probes.servers import answer, silent


def remote(root: Path, name: str) -> Found:
    """Whether the DVC remote ``name`` takes, gives back and forgets a few bytes."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    repo: Any = Repo(str(root))
    if name not in repo.config["remote"]:
        yield Finding("warning", "not configured", f"needed for releases: dvc remote add {name} URL")
        return
    place = without_secrets(str(repo.config["remote"][name]["url"]))
    try:
        store = repo.cloud.get_remote(name)
        fs: Any = store.fs
        if fs.protocol == "local" and not Path(store.path).is_dir():
            problem = unwritable(Path(store.path))
            mend = f"mount its disk; if it is new: mkdir -p {store.path}"
            yield (
                Finding("fault", f"{place} is not there, nor can be: {problem}", mend)
                if problem
                else Finding("warning", f"{place} is not there", mend)
            )
            return
        probe = fs.join(store.path, f".recondense-doctor-{os.urandom(8).hex()}")
        fs.pipe_file(probe, b"recondense")
        try:
            same = fs.cat_file(probe) == b"recondense"
        finally:
            fs.remove(probe)
    except ImportError:
        scheme = urlsplit(place).scheme
        yield Finding(
            "fault", f"{place}: DVC lacks its support for {scheme}", f"{sys.executable} -m pip install dvc-{scheme}"
        )
    except (DvcException, OSError, RuntimeError, ValueError) as error:
        yield Finding("fault", f"{place} takes no files: {kind(error)}", f"{UNREACHABLE[f'remote {name}']}; {MORE}")
    else:
        if same:
            yield Finding("ok", f"{place} takes files and gives them back")
        else:
            yield Finding(
                "fault", f"{place} gives back other bytes than it took", "trust nothing there; look at that store"
            )


def prefect_server(_: Path) -> Found:
    from prefect import __version__, get_client
    from prefect.exceptions import PrefectHTTPStatusError
    from prefect.settings import PREFECT_API_URL

    from recondense.engines.settings import LOGIN
    from recondense.files import secret

    secret.read(secret.folder() / LOGIN)  # raises where other users could read it
    url = PREFECT_API_URL.value()
    if not url:
        yield Finding(
            "ok", f"Prefect {__version__}; no server is named, so each run starts one for as long as it takes"
        )
        return
    place = without_secrets(url)
    with get_client(sync_client=True, httpx_settings={"timeout": REQUEST_SECONDS}) as client:
        if problem := client.api_healthcheck():
            yield silent("Prefect", url, kind(problem))
            return
        try:
            theirs = client.api_version()
        except PrefectHTTPStatusError as error:
            mend = (
                "let PREFECT_API_AUTH_STRING hold what that server asks for (the documentation's page 'Operations', "
                "'Servers')"
            )
            yield Finding("fault", f"{place} does not let this user in: {kind(error)}", mend)
            return
    if theirs.split(".")[:2] == __version__.split(".")[:2]:
        yield Finding("ok", f"{place} answers, with Prefect {theirs}")
    else:
        yield Finding(
            "warning", f"{place} has Prefect {theirs}, and here is {__version__}", "give both the same version"
        )


def mlflow_store(root: Path) -> Found:
    from recondense.engines.mlflow import tracking_uri

    uri = tracking_uri(root)
    if problem := answer(uri):
        yield silent("MLflow", uri, problem)
        return
    place = without_secrets(uri)
    file = Path(uri.removeprefix("sqlite:///"))
    if uri.startswith("sqlite:///") and not file.exists():
        if problem := unwritable(file.parent):
            yield Finding("fault", f"{place} cannot be made: {problem}", mend_of(problem))
        else:
            yield Finding("ok", f"{place} is made by the first run")
        return
    from mlflow import __version__
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        MlflowClient(uri).search_experiments(max_results=1)
    except (MlflowException, OSError) as error:
        kind(error)
        if "out-of-date" in str(error):
            mend = "back it up, then `mlflow db upgrade` it"
            yield Finding("fault", f"{place} is of an earlier version than MLflow {__version__}", mend)
        else:
            yield Finding("fault", f"no store answers at {place}", f"{UNREACHABLE['MLflow']}; {MORE}")
    else:
        yield Finding("ok", f"{place} answers, with MLflow {__version__} here")
