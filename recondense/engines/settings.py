"""Settings of the borrowed engines: quiet, local, in the project; whatever the user set in the environment wins."""

import contextlib
import getpass
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from recondense.files import secret

LOGIN = "server.login"
NO_HOME = "/nonexistent"  # as Debian has it for users who have none
LOOPBACK = ("localhost", "127.0.0.1", "::1")
NO_ORIGIN = "https://none.invalid"  # RFC 2606: no page ever has this origin


def name_user() -> None:
    """Give a user who has no name or no home one, for this process and those that it starts: DVC fails without them.

    A container may run under any user id, as in OpenShift or under ``docker run --user 12345``.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["USER"] = f"user-{os.getuid()}"
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = NO_HOME


def use_local_services(root: Path, server: str | None = None) -> None:
    """Point Prefect and MLflow at this project's own state. Call before either is imported.

    ``server`` is the URL of a Prefect API; without one, and without PREFECT_API_URL, flows use a temporary server.
    Raises `InputError` where other users could read this user's `LOGIN`.
    """
    defaults = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # A server that goes away in the middle of a run is given up in seconds: the defaults wait for minutes a call
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output is for results
        "PREFECT_HOME": str(root / ".recondense" / "prefect"),
        # Prefect would start a server that outlives a killed flow; `recondense.engines.servers` starts one that does
        # not
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": NO_ORIGIN,  # Prefect's default lets any page of the web call it
        # The flow says on the console what a person needs; Prefect's own records keep the rest
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    }
    (root / ".recondense" / "prefect").mkdir(parents=True, exist_ok=True)  # Prefect makes no parents, and then hangs
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    if server:
        os.environ["PREFECT_API_URL"] = (
            server.rstrip("/") if server.rstrip("/").endswith("/api") else f"{server.rstrip('/')}/api"
        )
    # A proxy would be shown the login, and looks for the server on a loopback of its own
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    apart = filter(None, map(str.strip, direct.split(",")))
    os.environ |= dict.fromkeys(("no_proxy", "NO_PROXY"), ",".join(dict.fromkeys([*apart, *LOOPBACK])))
    known = secret.read(secret.folder() / LOGIN)
    if known and on_loopback(os.environ.get("PREFECT_API_URL", "")):  # no other machine's server is shown it
        os.environ.setdefault("PREFECT_API_AUTH_STRING", known.decode())


def on_loopback(url: str) -> bool:
    """Whether ``url`` leads to this machine by its loopback address.

    >>> on_loopback("http://127.0.0.1:4200/api"), on_loopback("https://prefect.hospital.example/api"), on_loopback("")
    (True, False, False)
    """
    return urlsplit(url if "://" in url else f"tcp://{url}").hostname in LOOPBACK


def login() -> str:
    """What Prefect's servers that are started here ask for, as USER:PASSWORD; made where this user has none yet.

    Without it whoever reaches the port, a page in the steward's browser too, runs code as the steward. It lies with her
    keys, of mode 600. PREFECT_SERVER_API_AUTH_STRING wins. Raises `InputError` where other users could read it.
    """
    if chosen := os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
        return chosen
    path = secret.folder() / LOGIN
    with contextlib.suppress(FileExistsError):
        secret.create(path, f"steward:{secrets.token_urlsafe(32)}".encode())
    return (secret.read(path) or b"").decode()
