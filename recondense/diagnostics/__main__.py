"""One check, for the process that `examine` starts: its findings as JSON, the last line of standard output."""

import json
import os
import sys
from dataclasses import asdict

from recondense.diagnostics.doctor import CHECKS
from recondense.errors import InputError
from recondense.probes.finding import MORE, Finding, kind
from recondense.stages.layout import find_root


def _answer(name: str) -> None:
    """Print what the check ``name`` finds, as the last line of standard output."""
    out, sys.stdout = sys.stdout, sys.stderr  # what others print is no finding
    found: list[Finding] = []
    try:
        found.extend(CHECKS[name](find_root()))
    except InputError as error:
        found.append(Finding("fault", "cannot be looked at", str(error)))
    except Exception as error:
        found.append(Finding("fault", f"cannot be looked at: {kind(error)}", MORE))
    print(json.dumps([asdict(finding) for finding in found]), file=out, flush=True)
    os._exit(0)  # at once, whatever threads the engines have begun


if __name__ == "__main__":
    _answer(sys.argv[1])
