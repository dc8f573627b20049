"""Share what a patient cohort teaches without sharing who is in it.

The names below are the public face, for a notebook or a program of one's own; importing them loads nothing else until
one is used. Whoever keeps records under an audit trail uses the command ``recondense`` in a project instead.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import version

    from recondense.api.audit import AuditReport, audit
    from recondense.api.bundle import Bundle
    from recondense.api.cohort import Cohort, read_cohort
    from recondense.api.condense import condense
    from recondense.api.evaluate import Evaluation, evaluate
    from recondense.errors import InputError
    from recondense.records.condensed import CondensedSet

    __version__ = version("recondense")

__all__ = [
    "AuditReport",
    "Bundle",
    "Cohort",
    "CondensedSet",
    "Evaluation",
    "InputError",
    "__version__",
    "audit",
    "condense",
    "evaluate",
    "read_cohort",
]

_HOMES = {
    "AuditReport": "recondense.api.audit",
    "Bundle": "recondense.api.bundle",
    "Cohort": "recondense.api.cohort",
    "CondensedSet": "recondense.records.condensed",
    "Evaluation": "recondense.api.evaluate",
    "InputError": "recondense.errors",
    "audit": "recondense.api.audit",
    "condense": "recondense.api.condense",
    "evaluate": "recondense.api.evaluate",
    "read_cohort": "recondense.api.cohort",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("recondense")
    if name not in _HOMES:
        raise AttributeError(f"module 'recondense' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
