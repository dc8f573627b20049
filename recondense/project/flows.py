"""The flows of a project: modules in its own folder, which a hospital may edit."""

import importlib
from pathlib import Path
from types import ModuleType

from recondense.errors import InputError
from recondense.stages.layout import importable


def of_project(root: Path, name: str) -> ModuleType:
    """The module ``name`` in ``flows`` of the project at ``root``. Raises `InputError` where it is missing."""
    importable(root)
    if not (root / "flows" / f"{name}.py").is_file():
        raise InputError(f"flows/{name}.py is missing: `recondense upgrade` brings it back")
    return importlib.import_module(f"flows.{name}")
