"""What a release must satisfy."""

from pydantic import Field, field_validator

from recondense.cohorts.panel import ASKED
from recondense.stages.params import StageParams


class Override(StageParams):
    """``by``: a person's name. ``reason``: in a sentence, for whoever reads the bundle."""

    by: str = Field(min_length=3)
    reason: str = Field(min_length=20)

    @field_validator("by", "reason")
    @classmethod
    def _says_something(cls, words: str) -> str:
        if len(words.split()) < 2 or "\n" in words:
            raise ValueError("give a name, and a reason in one sentence on one line")
        return words


class Params(StageParams):
    """``min_patients_per_class``: train patients of the rarest class. ``min_patients_per_record``: train patients of a
    class for each condensed record of it, and in each mean that a condensed record is or was before it was learned.
    ``min_test_auc``: what the lower bound of the interval of the mean test AUC must exceed; 0 asks for nothing, where
    test patients are too few to show anything. ``allow_inconclusive``: attacks that may be unable to decide (too few
    records), by name, or true for all; the bundle's first page then says in red what may have passed unseen.
    ``allow_above_guessing``: the same of attacks that do better than guessing. These are accepted apart: the one is
    want of knowledge, the other is knowledge of a possible leak. ``max_tpr``: what the upper bound of every attack's
    true positive rate at a false positive rate of 0.1 % may reach, over shadows where the attack has them; a rate that
    could not be measured then refuses, and attacks that guess about people have none. ``max_epsilon``: what the
    guarantee of one release may be at most; None asks for no guarantee. ``max_delta``: what its delta may be at most,
    where that is less than 1 / (10 n) of n patients, which always bounds. ``override``: who answers for a release
    against the gate, and why; the ledger and the bundle's first page say so. A name begins with ``min_``, ``max_`` or
    ``allow_``, so that a limit weaker than its default is known as one, and told.

    ``min_distance_ratio``: how near a condensed record may be to its nearest patient, as a share of what a record of
    nobody's is, by every kind of `recondense.bundle.resemblance`. ``min_test_events``: test patients of the rarest
    class; with fewer an interval means little. ``allow_test_beyond_validation``: whether test AUC may exceed validation
    AUC by more than their joint error, as that of a set which chance chose does. ``min_share_of_simple_model``: how
    much of what the best simple model of all real records gains over guessing models trained on the set must gain.
    ``allow_no_gain_over_one_variable``: whether the best single variable may rank test patients as well."""

    min_patients_per_class: int = Field(ASKED, ge=1)
    min_patients_per_record: float = Field(3, ge=1)
    min_test_auc: float = Field(0.5, ge=0, le=1)
    allow_inconclusive: bool | tuple[str, ...] = False
    allow_above_guessing: bool | tuple[str, ...] = False
    min_distance_ratio: float = Field(0.3, ge=0, le=1)
    min_test_events: int = Field(20, ge=0)
    allow_test_beyond_validation: bool = False
    min_share_of_simple_model: float = Field(0.75, ge=0)
    allow_no_gain_over_one_variable: bool = False
    max_tpr: float | None = Field(None, ge=0, le=1)
    max_epsilon: float | None = Field(None, gt=0)
    max_delta: float | None = Field(None, gt=0, lt=1)
    override: Override | None = None
