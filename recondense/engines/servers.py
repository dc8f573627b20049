"""Prefect's and MLflow's own servers, on loopback, over this project's state: each behind a login or closed to other
pages, and none outliving whoever started it."""

import atexit
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import typer

from recondense.engines import tethered
from recondense.engines.mlflow import tracking_uri
from recondense.engines.settings import LOGIN, NO_ORIGIN, login, use_local_services
from recondense.errors import InputError
from recondense.files import secret
from recondense.progress import working
from recondense.terminal import say

HOST = "127.0.0.1"
LOG = ".recondense/servers.log"
START_SECONDS = 600.0  # a cold start creates the database, which takes a busy machine long
SAY_SECONDS = 20.0
LOOK_SECONDS = 2.0
BACKLOG = 2048  # uvicorn's own


def serve_pages(root: Path, prefect_port: int, mlflow_port: int) -> None:
    """Run both servers until interrupted; where one ends, the other is stopped and `InputError` says which."""
    use_local_services(root)
    scripts, (prefect, mlflow) = Path(sys.executable).parent, (_origins(port) for port in (prefect_port, mlflow_port))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager stops as Ctrl-C does
    servers = {
        "Prefect": _start(
            root,
            [str(scripts / "prefect"), "server", "start", "--host", HOST, "--port", str(prefect_port)],
            {
                "PREFECT_SERVER_API_AUTH_STRING": login(),
                "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": _unless_set("PREFECT_SERVER_CORS_ALLOWED_ORIGINS", prefect),
                # Prefect's pages ask the API at its usual port, wherever the server listens
                "PREFECT_UI_API_URL": os.environ.get("PREFECT_UI_API_URL", f"{prefect[0]}/api"),
            },
        ),
        "MLflow": _start(
            root,
            [str(scripts / "mlflow"), "server", "--host", HOST, "--port", str(mlflow_port)],
            {  # not as arguments, which every user of the machine can read: the store's URI may hold a password
                "MLFLOW_BACKEND_STORE_URI": tracking_uri(root),
                "MLFLOW_DEFAULT_ARTIFACT_ROOT": (root / "mlruns").as_uri(),
                "MLFLOW_SERVER_ALLOWED_HOSTS": _unless_set(
                    "MLFLOW_SERVER_ALLOWED_HOSTS", [origin.removeprefix("http://") for origin in mlflow]
                ),
                "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": _unless_set("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", mlflow),
            },
        ),
    }
    typer.echo(f"Prefect: {prefect[0]}   MLflow: {mlflow[0]}   (Ctrl-C stops both)")
    typer.echo(f"log in to Prefect's pages with the line in {secret.folder() / LOGIN}; commands find it by themselves")
    typer.echo(f"flows report here with: recondense run COHORT --server {prefect[0]}")
    try:
        while all(server.poll() is None for server in servers.values()):
            time.sleep(0.5)
        ended = [name for name, server in servers.items() if server.poll() is not None]
        raise InputError(f"{ended[0]}'s server ended; is its port in use? See {LOG}")
    except KeyboardInterrupt:
        typer.echo("stopped")
    finally:
        for server in servers.values():
            server.terminate()
        for server in servers.values():
            server.wait()


def start_temporary_server(root: Path) -> None:
    """Give the flows of this process a Prefect server until it ends, where PREFECT_API_URL names none.

    Call before Prefect is imported: so its own last words still find the server. Raises `InputError` where the server
    does not start.
    """
    if os.environ.get("PREFECT_API_URL"):
        return
    word = login()
    own = {  # as Prefect's own SubprocessASGIServer has it
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
        "PREFECT_SERVER_API_AUTH_STRING": word,
    }
    with socket.create_server((HOST, 0), backlog=BACKLOG) as listening:  # which only the server has in the end
        url = f"http://{HOST}:{listening.getsockname()[1]}/api"
        command = [sys.executable, "-P", str(Path(__file__).with_name("temporary_server.py")), str(listening.fileno())]
        server = _start(root, command, own, listening)
    atexit.register(_stop, server)
    with working("Prefect's temporary server starts"):
        _await(url, server)
    os.environ |= {"PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": word}


def check_server() -> None:
    """Raise `InputError` unless PREFECT_API_URL names a Prefect server, which lets this user in."""
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        raise InputError(
            "schedules live in a Prefect server, and none is named: start one with `recondense ui`, and name it: "
            "--server http://127.0.0.1:4200"
        )
    check_login()


def check_login() -> None:
    """Raise `InputError` where the Prefect server that PREFECT_API_URL names does not let this user in."""
    from prefect import get_client
    from prefect.exceptions import PrefectHTTPStatusError
    from prefect.settings import PREFECT_API_URL

    try:
        with get_client(sync_client=True) as client:
            client.api_version()
    except PrefectHTTPStatusError as error:
        if error.response.status_code != httpx.codes.UNAUTHORIZED:
            raise
        url = PREFECT_API_URL.value()
        raise InputError(
            f"the Prefect server at {url} does not know this login: let PREFECT_API_AUTH_STRING hold what it asks for"
        ) from None


def answers() -> bool:
    """Whether the Prefect server that is set answers."""
    from prefect import get_client

    try:
        with get_client(sync_client=True) as client:
            return client.api_healthcheck() is None
    except httpx.HTTPError:
        return False


def _origins(port: int) -> list[str]:
    """The addresses by which a page of a server here is opened."""
    return [f"http://{HOST}:{port}", f"http://localhost:{port}"]


def _unless_set(name: str, values: Sequence[str]) -> str:
    chosen = os.environ.get(name, NO_ORIGIN)
    return ",".join(values) if chosen == NO_ORIGIN else chosen


def _start(
    root: Path, command: Sequence[str], environment: Mapping[str, str], *kept: socket.socket
) -> "subprocess.Popen[bytes]":
    """``kept``: sockets that the command takes over."""
    log = root / LOG
    log.parent.mkdir(exist_ok=True)
    env, numbers = {**os.environ, **environment}, [one.fileno() for one in kept]
    with log.open("a") as output:
        return tethered.start(command, cwd=root, env=env, stdout=output, stderr=output, pass_fds=numbers)


def _await(url: str, server: "subprocess.Popen[bytes]") -> None:
    """Wait for the first answer, and say so where that takes long, as it does where the machine is busy."""
    began, said = time.monotonic(), False
    while server.poll() is None and (waited := time.monotonic() - began) < START_SECONDS:
        if waited > SAY_SECONDS and not said:
            said = True
            say(f"Prefect's temporary server is slow to start: waiting up to {START_SECONDS / 60:g} minutes for it")
        try:
            if httpx.get(f"{url}/health", timeout=LOOK_SECONDS, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(LOOK_SECONDS / 20)
    how = "ended" if server.poll() is not None else f"did not answer within {START_SECONDS:g} s"
    raise InputError(
        f"Prefect's temporary server {how}: {LOG} says why; `recondense doctor` looks at what it needs, or name a "
        "server that runs: --server URL"
    )


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    server.wait()
