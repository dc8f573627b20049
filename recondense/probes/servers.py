"""Whether the servers that the environment names answer."""

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

from recondense.probes.finding import UNREACHABLE, Finding, Found, kind, without_secrets

LOOK_SECONDS = 2.0
ADDRESSES = {"Prefect": "PREFECT_API_URL", "MLflow": "MLFLOW_TRACKING_URI"}
PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
NOBODY_BEHIND = (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT)


def answer(address: str) -> str:
    """Why nothing answers at the ``address`` of a server or a database; "" where something does, or nothing is asked.

    Within `LOOK_SECONDS`, but for a name server that hangs. No login is sent and no certificate looked at: whether this
    user is let in is another question.
    """
    parts = urlsplit(address)
    try:
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme.partition("+")[0])
        if host and parts.scheme in ("http", "https"):
            status = httpx.get(without_secrets(address), timeout=LOOK_SECONDS, verify=False).status_code
            return f"status {status}" if status in NOBODY_BEHIND else ""
        if host and port:
            socket.create_connection((host, port), timeout=LOOK_SECONDS).close()
    except (httpx.TimeoutException, TimeoutError):
        return f"no answer within {LOOK_SECONDS:g} s"
    except (httpx.ConnectError, OSError) as error:
        return "" if "SSL" in str(error) else kind(error)  # something is there that speaks otherwise
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):  # something is there; several hosts in one address
        return ""
    return ""


def servers(*names: str) -> Found:
    """Which of Prefect's server and MLflow's store, as far as the environment ``names`` any, does not answer: both are
    asked at once."""
    asked = {name: address for name in names or ADDRESSES if (address := os.environ.get(ADDRESSES[name]))}
    with ThreadPoolExecutor(max_workers=len(ADDRESSES)) as pool:
        for (name, address), problem in zip(asked.items(), pool.map(answer, asked.values()), strict=True):
            if problem:
                yield silent(name, address, problem)


def silent(name: str, address: str, problem: str) -> Finding:
    """That nothing answers where ``name``, Prefect or MLflow, is said to be."""
    return Finding("fault", f"{name} does not answer at {without_secrets(address)}: {problem}", UNREACHABLE[name])
