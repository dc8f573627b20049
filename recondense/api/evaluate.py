"""What models trained on a condensed set are worth on real test subjects."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from recondense.api.cohort import Cohort
from recondense.condensation.evaluate import per_class, trained
from recondense.errors import InputError
from recondense.models.part import Part
from recondense.models.predictions import TRAINING_SETS, Results
from recondense.models.recipe import MODELS, REPRESENTATIVES, RecipeSearch
from recondense.models.reference import reference
from recondense.models.reference_params import Params as ReferenceParams
from recondense.models.scores import SCORES
from recondense.models.training_params import Params
from recondense.records.condensed import CondensedSet
from recondense.records.labels import n_classes
from recondense.results.scores import Sizes, Training
from recondense.stages import plugins
from recondense.stages.params import validate


@dataclass(frozen=True)
class Evaluation:
    """Scores on the test split, by what models were trained on. ``scores``: all of them, by network too. ``results``:
    the predictions and learning curves behind them.

    ``frame`` has a row for the condensed set, each baseline and all real records, and for each score of ``auc, auprc,
    brier, calibration_error`` its mean over networks with the ends of its 95 % interval over test subjects.
    """

    scores: Training
    results: Results = field(repr=False)

    @property
    def frame(self) -> pd.DataFrame:
        """The table; its index says what models were trained on, as `recondense.models.predictions.TRAINING_SETS`
        explains."""
        by_score = {name: getattr(self.scores, f"test_{name}") for name in SCORES}
        rows = {
            training_set: {
                f"{name}{end}": getattr(of[training_set], at)
                for name, of in by_score.items()
                for end, at in (("", "mean"), ("_low", "low"), ("_high", "high"))
            }
            for training_set in TRAINING_SETS
            if training_set in self.scores.test_auc
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("trained on")

    def __repr__(self) -> str:
        return str(self.frame.round(3).to_string())

    def _repr_html_(self) -> str:
        return str(self.frame.round(3).to_html())


def evaluate(
    condensed: CondensedSet,
    cohort: Cohort,
    *,
    networks: Sequence[str] = REPRESENTATIVES,
    seeds: int = 1,
    baselines: Sequence[str] = ("random_records", "kmeans"),
    all_real_steps: int = 300,
    bootstrap: int = 1000,
    device: str = "auto",
) -> Evaluation:
    """Train ``networks`` on the condensed set, on as many records that anyone can make in a second (``baselines``, with
    hard labels and with soft ones), and on all real train records, and score them on the test split.

    How long networks are trained is chosen on the validation split, for each set alike. ``seeds``: networks of each
    kind on the condensed set. ``all_real_steps``: of training on all real records. Raises `InputError` where condensed
    set and cohort do not fit, and for networks or baselines that are not known.
    """
    expected, found = cohort.values.shape[1:], condensed.values.shape[1:]
    if found != expected or n_classes(condensed.labels) != n_classes(cohort.labels):
        raise InputError(
            f"the condensed records have {found[0]} steps, {found[1]} features and {n_classes(condensed.labels)} "
            f"classes, and the cohort's {expected[0]}, {expected[1]} and {n_classes(cohort.labels)}: give the cohort "
            "that they were condensed from"
        )
    trains = {"networks": tuple(networks), "bootstrap": bootstrap, "device": device}
    asked = validate(Params, {**trains, "seeds": seeds, "baselines": tuple(baselines)}, "evaluate")
    asked = asked.model_copy(update={"baseline_search": _search(asked)})
    on_real = validate(ReferenceParams, {**trains, "steps": all_real_steps}, "evaluate")

    validation, test = Part.of(cohort.normalised, "validation"), Part.of(cohort.normalised, "test")
    results = trained(condensed, cohort.normalised, asked).joined(reference(cohort.normalised, on_real)[0])
    sizes = Sizes(
        condensed=len(condensed.labels),
        baselines=n_classes(condensed.labels) * per_class(condensed),
        test=len(test.labels),
        test_cases=test.cases,
    )
    scored = dict(results.summary(validation, test, bootstrap))
    return Evaluation(Training(**scored, protocol=asked.protocol, n=sizes), results)


def _search(asked: Params) -> RecipeSearch:
    """Recipes are chosen for the families of the chosen networks alone, each by its representative if it has one."""
    by_family = {plugins.load(MODELS, name).FAMILY: name for name in (*asked.chosen(), *REPRESENTATIVES)}
    families = dict.fromkeys(plugins.load(MODELS, name).FAMILY for name in asked.chosen())
    return RecipeSearch(networks=tuple(by_family[family] for family in families), seeds=1)
