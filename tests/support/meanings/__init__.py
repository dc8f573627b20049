"""One clean cohort, and changes of its files: `keep` its meaning, or do not (`change`, `exports`)."""

from tests.support.meanings import change, exports, keep
from tests.support.meanings.case import N_PEOPLE, STEP_HOURS, Case, changed, clean, kept, write

__all__ = ["N_PEOPLE", "STEP_HOURS", "Case", "change", "changed", "clean", "exports", "keep", "kept", "write"]
