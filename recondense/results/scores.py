"""What models trained on a set are worth."""

from pydantic import Field

from recondense.results.base import Interval, Result


class Score(Interval):
    """The mean over networks, and each network's."""

    by_network: dict[str, Interval]


class Ensemble(Result):
    """Scores of ``size`` networks together."""

    size: int = Field(ge=2)
    test_auc: Score
    test_auprc: Score
    test_brier: Score
    test_calibration_error: Score


class Sizes(Result):
    """How many records and test patients stand behind the scores; ``test_cases`` by class where these are more than
    two."""

    condensed: int
    baselines: int
    test: int
    test_cases: int | dict[str, int]


class Training(Result):
    """The training stage's ``metrics.json``; scores by training set, means over the networks of ``mean_over``. A bundle
    with a guarantee leaves out what is null."""

    test_auc: dict[str, Score]
    test_auprc: dict[str, Score]
    test_brier: dict[str, Score]
    test_calibration_error: dict[str, Score]
    ensembles: dict[str, Ensemble]
    mean_over: tuple[str, ...] = Field(min_length=1)
    validation_auc: dict[str, float] | None = None
    steps_to_plateau: dict[str, dict[str, int]] | None = None
    protocol: str | None = None
    n: Sizes | None = None
