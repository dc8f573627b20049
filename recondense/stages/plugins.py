"""Plug-ins are files: the file's name is the plug-in's name, in code and in params.yaml."""

import importlib
import pkgutil
from types import ModuleType

from recondense.errors import InputError


def names(package: str) -> list[str]:
    """Sorted names of the plug-ins in ``package``; modules that begin with an underscore are helpers, not plug-ins.

    >>> "pbcseq" in names("recondense.cohorts.readers")
    True
    """
    path = importlib.import_module(package).__path__
    return sorted(info.name for info in pkgutil.iter_modules(path) if not info.name.startswith("_"))


def load(package: str, name: str) -> ModuleType:
    """Import plug-in ``name`` of ``package``. Raises `InputError` with the known names where there is none such.

    >>> load("recondense.cohorts.readers", "nonesuch")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    recondense.errors.InputError: no 'nonesuch' in recondense/cohorts/readers; choose one of: ...
    """
    known = names(package)
    if name not in known:
        raise InputError(f"no '{name}' in {package.replace('.', '/')}; choose one of: {', '.join(known)}")
    return importlib.import_module(f"{package}.{name}")
