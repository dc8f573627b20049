"""Plug-ins are modules: the module's name is the plug-in's name, in code and in params.yaml.

A family's own plug-ins are the files of its package. Those of other packages register by an entry point in the family's
group, ``name = "package.module"``.
"""

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType

from recondense.errors import InputError

GROUPS = {
    "recondense.cohorts.readers": "recondense.cohorts",
    "recondense.condensation.methods": "recondense.methods",
    "recondense.models.networks": "recondense.models",
    "recondense.privacy.attacks": "recondense.attacks",
}


@cache
def modules(family: str) -> dict[str, str]:
    """The modules of all plug-ins of ``family``, by the plug-in's name, sorted; a module that begins with an underscore
    is a helper. Raises `InputError` where two have one name.

    >>> modules("recondense.cohorts.readers")["pbcseq"]
    'recondense.cohorts.readers.pbcseq'
    """
    path = importlib.import_module(family).__path__
    found = {info.name: f"{family}.{info.name}" for info in pkgutil.iter_modules(path) if info.name[0] != "_"}
    for point in entry_points(group=GROUPS[family]):
        if found.setdefault(point.name, point.value) != point.value:
            raise InputError(
                f"two plug-ins of {family} are called '{point.name}', {found[point.name]} and {point.value}: "
                "uninstall one of the packages"
            )
    return dict(sorted(found.items()))


@cache
def from_elsewhere() -> tuple[str, ...]:
    """Modules that other packages registered, of every family."""
    return tuple(point.value for group in GROUPS.values() for point in entry_points(group=group))


def names(family: str) -> list[str]:
    """Sorted names of the plug-ins of ``family``.

    >>> "pbcseq" in names("recondense.cohorts.readers")
    True
    """
    return list(modules(family))


def load(family: str, name: str) -> ModuleType:
    """Import plug-in ``name`` of ``family``. Raises `InputError` with the known names where there is none such.

    >>> load("recondense.cohorts.readers", "nonesuch")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    recondense.errors.InputError: no 'nonesuch' in recondense/cohorts/readers; choose one of: ...
    """
    known = modules(family)
    if name not in known:
        raise InputError(f"no '{name}' in {family.replace('.', '/')}; choose one of: {', '.join(known)}")
    return importlib.import_module(known[name])
