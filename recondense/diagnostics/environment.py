"""Environment variables that seem to be recondense's."""

from pathlib import Path

from recondense.probes.finding import Finding, Found
from recondense.settings import PREFIX, unknown


def environment(root: Path) -> Found:
    """Variables that look like ours."""
    others = unknown()
    for name, nearest in others.items():
        found = f"{name} is set, and there is no such variable" + (f"; {nearest} is near to it" if nearest else "")
        yield Finding("warning", found, f"unset {name}" + (f", or rename it to {nearest}" if nearest else ""))
    if not others:
        yield Finding("ok", f"no variable {PREFIX}* that nothing reads")
