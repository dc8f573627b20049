"""Settings of the borrowed engines: quiet, local, in the project; whatever the user set in the environment wins."""

import os
from pathlib import Path


def use_local_services(root: Path, server: str | None = None) -> None:
    """Point Prefect and MLflow at this project's own state. Call before either is imported.

    ``server`` is the URL of a Prefect API; without one, and without PREFECT_API_URL, flows use a temporary server.
    """
    defaults = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output is for results
        "PREFECT_HOME": str(root / ".recondense" / "prefect"),
        # A cold start creates the database, which takes a slow machine longer than Prefect's 20 s
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
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
