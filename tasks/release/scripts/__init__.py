"""Programs that go into every bundle as they stand. They import nothing of this project."""

from pathlib import Path

SCRIPTS = tuple(Path(__file__).with_name(name) for name in ("quickstart.py", "apply.py"))
