"""Prefect's and MLflow's own servers, on loopback, over this project's state."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import typer

from flows.settings import use_local_services
from flows.tracking import tracking_uri
from tasks.common.errors import InputError


def serve_pages(root: Path, prefect_port: int, mlflow_port: int) -> None:
    """Run both servers until interrupted; where one ends, the other is stopped and `InputError` says which."""
    use_local_services(root)
    # Prefect's pages ask the API at its usual port, wherever the server listens
    os.environ.setdefault("PREFECT_UI_API_URL", f"http://127.0.0.1:{prefect_port}/api")
    scripts = Path(sys.executable).parent
    commands = {
        "Prefect": [
            str(scripts / "prefect"),
            "server",
            "start",
            "--host",
            "127.0.0.1",
            "--port",
            str(prefect_port),
        ],
        "MLflow": [
            str(scripts / "mlflow"),
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(mlflow_port),
        ],
    }
    # Every user of the machine can read a process's arguments, and this address may hold a password
    told = {"MLFLOW_BACKEND_STORE_URI": tracking_uri(root), "MLFLOW_DEFAULT_ARTIFACT_ROOT": (root / "mlruns").as_uri()}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager stops as Ctrl-C does
    log = root / ".recondense" / "servers.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("a") as output:
        servers = {
            name: subprocess.Popen(command, cwd=root, env={**os.environ, **told}, stdout=output, stderr=output)
            for name, command in commands.items()
        }
        typer.echo(
            f"Prefect: http://127.0.0.1:{prefect_port}   MLflow: http://127.0.0.1:{mlflow_port}   (Ctrl-C stops both)"
        )
        typer.echo(f"flows report here with: recondense run COHORT --server http://127.0.0.1:{prefect_port}")
        try:
            while all(server.poll() is None for server in servers.values()):
                time.sleep(0.5)
            ended = [name for name, server in servers.items() if server.poll() is not None]
            raise InputError(f"{ended[0]}'s server ended; is its port in use? See {log.relative_to(root)}")
        except KeyboardInterrupt:
            typer.echo("stopped")
        finally:
            for server in servers.values():
                server.terminate()
            for server in servers.values():
                server.wait()
