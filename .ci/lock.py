"""Writes requirements.lock: what pip would install today for '.[dev]' into an empty environment, by `make lock`."""

import json
import subprocess
import sys
from pathlib import Path

HEAD = "# The environment that CI tests, on Linux with the oldest Python. Written by `make lock`; pip takes it by -c.\n"
PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
WHAT = ["--dry-run", "--ignore-installed", "--report", "-", "--editable", ".[dev]"]


def main() -> None:
    """Names and versions, without a build's local label (2.13.0+cpu): it is one machine's."""
    report = json.loads(subprocess.run([*PIP, *WHAT], check=True, capture_output=True, text=True).stdout)
    found = {row["metadata"]["name"].lower(): row["metadata"]["version"].split("+")[0] for row in report["install"]}
    lines = [f"{name}=={version}" for name, version in sorted(found.items()) if name != "recondense"]
    Path("requirements.lock").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
