"""What models trained on a set are worth."""

from pydantic import Field, JsonValue

from recondense.results.base import Interval, Result, Share


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


class Bin(Result):
    """Test patients of like risk, and the share of them who had the outcome, with its 95 % interval."""

    patients: int
    risk: Share
    observed: Share
    low: Share
    high: Share


class Sizes(Result):
    """How many records and test patients stand behind the scores; ``test_cases`` by class where these are more than
    two."""

    condensed: int
    baselines: int
    test: int
    test_cases: int | dict[str, int]


class RealSizes(Result):
    """The same of models of real records."""

    train: int
    test: int
    test_cases: int | dict[str, int]


class Ranked(Result):
    """Which number ranks train patients best: the place of its feature, and what is taken of it over the steps."""

    feature: int
    summary: str


class Scored(Result):
    """Scores by training set, of one network and of several together."""

    test_auc: dict[str, Score]
    test_auprc: dict[str, Score]
    test_brier: dict[str, Score]
    test_calibration_error: dict[str, Score]
    ensembles: dict[str, Ensemble]


class Summary(Scored):
    """Means over the networks of ``mean_over``, none where all models stand alone. ``validation_auc`` is for choices
    that must not look at the test part."""

    mean_over: tuple[str, ...]
    validation_auc: dict[str, float] | None = None
    steps_to_plateau: dict[str, dict[str, int]] | None = None


class Training(Summary):
    """What the training stage found and a bundle states. A bundle with a guarantee leaves out what is null."""

    mean_over: tuple[str, ...] = Field(min_length=1)
    protocol: str | None = None
    n: Sizes | None = None


class Trained(Training):
    """The training stage's ``metrics.json``. ``order``: of the cohort that rows of predictions are places in."""

    order: str


class Reference(Scored):
    """The reference stage's ``metrics.json``: the same of models of all real records. ``recipe``: as
    `recondense.models.recipe.Recipe` writes it. ``order``: as `Trained.order`."""

    validation_auc: dict[str, float]
    steps_to_plateau: dict[str, dict[str, int]]
    mean_over: tuple[str, ...] = Field(min_length=1)
    protocol: str
    recipe: dict[str, JsonValue]
    single_variable: Ranked
    n: RealSizes
    order: str
