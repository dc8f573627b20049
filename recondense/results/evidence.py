"""What the gate asks beside scores and attacks: whether a record may be a patient's, and a score chance.

Under a guarantee a figure that train patients have a part in is replaced by whether it keeps to the gate's limit.
"""

from pydantic import Field

from recondense.results.base import Interval, Result

COPY = 0.01  # of a usual distance: whoever is nearer than this is not near by chance


class Ratios(Result):
    """By one kind of distance: the ``lowest`` and the ``highest`` ratio of the distance to the nearest train record to
    that to the nearest held-out one. But for one in a thousand, no set without copies has a ratio below ``chance``, or
    above its inverse."""

    lowest: float = Field(ge=0)
    highest: float = Field(gt=0)
    chance: float = Field(ge=0)

    def keeps(self, least: float) -> bool:
        """Whether no record is nearer to a patient than ``least``, or chance where that is less, allows.

        Among people of few numbers chance brings anyone near to somebody; a copy counts as one all the same."""
        return min(self.lowest, 1 / self.highest) >= min(least, max(self.chance, COPY))


class Evidence(Result):
    """What stands behind the test AUC of models trained on the condensed set.

    ``test_events``: test patients of the rarest class. ``refused_before``: other condensed sets of the cohort, or this
    one with models trained anew, that the gate refused since the last release. ``test_auc``: the interval at
    confidence 1 - 0.05 / (``refused_before`` + 1), so that it holds for all these tries together (Bonferroni).
    ``validation_auc``: of the same models.
    ``over_validation``: test minus validation AUC; they are of different patients, so errors add up. ``best_simple``:
    which simple model of all real records has the higher test AUC, and ``share``, how much of what it gains over
    guessing the condensed set gains. ``single_variable``: which number ranks train patients best, and
    ``over_single_variable``: test AUC minus that of it, on the same patients. What could not be measured is null.
    """

    test_events: int = Field(ge=0)
    refused_before: int = Field(ge=0)
    test_auc: Interval
    validation_auc: Interval
    over_validation: Interval
    best_simple: str | None = None
    share: float | bool | None = None
    single_variable: str | None = None
    over_single_variable: Interval | bool | None = None
