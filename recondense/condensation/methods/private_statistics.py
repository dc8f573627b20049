"""Condensation with a guarantee of differential privacy: from noisy statistics, asked of the patients once.

1. How many patients there are of each class, the sum of their summaries and their second moments are answered through
   one discrete Gaussian mechanism (`_private.statistics`). From here on no patient's record is looked at.
2. A cohort is drawn from the answers (`_private.cohort`).
3. `unrolled` condenses that cohort, towards the risks that it was drawn with; recipes are chosen on another part of it.

What is learned is what class means and a common covariance can teach: a linear rule, on features' means over windows of
time. Scales must be public too, ``normalisation: {scale: public}``: those fitted to patients would tell of them.
"""

from pydantic import Field, model_validator

from recondense.condensation.methods import Condensation, Request, unrolled
from recondense.errors import InputError
from recondense.private.statistics import Plan, ask
from recondense.private.synthesis import drawn
from recondense.records.cohort import Normalised
from recondense.records.labels import n_classes
from recondense.stages.params import StageParams

SOFT_LABELS = True
PRIVATE = True
DEFAULT_STEPS = 240


class Options(StageParams):
    """``epsilon`` and ``delta``: what the answers may cost. ``windows`` of time, at most one a step. ``length``: to
    which summaries are cut, as a multiple of the root of how many numbers they have, on the scale of features, so that
    1 is what a summary of independent features has. ``counts`` and ``moments``: their shares of the squared
    sensitivity; class sums have the rest. ``drawn``: records of the drawn cohort. ``condensing``: of `unrolled`.

    No patient may have a part in the choice of any of them. The defaults were chosen on PhysioNet-2012's validation
    split, so of that cohort's releases they are not free of it: see the documentation's page
    'With differential privacy'.
    """

    epsilon: float = Field(default=1.0, gt=0, le=100)
    delta: float = Field(default=1e-5, gt=0, lt=1e-2)
    windows: int = Field(default=2, ge=1)
    length: float = Field(default=0.75, gt=0)
    counts: float = Field(default=0.01, gt=0, lt=1)
    moments: float = Field(default=0.16, gt=0, lt=1)
    drawn: int = Field(default=5000, ge=100)
    condensing: unrolled.Options = unrolled.Options(initialisation="kmeans")  # of a drawn cohort: of nobody

    @model_validator(mode="after")
    def _something_is_left(self) -> "Options":
        if self.counts + self.moments >= 1:
            raise ValueError("counts and moments leave nothing for class sums: together they must stay below 1")
        return self


def condense(train: Normalised, request: Request, options: Options) -> Condensation:
    """Records with soft labels; ``guarantee`` says what they cost, ``held_out`` is where recipes are to be chosen.

    Raises `InputError` where the request has no answers, or what these or `unrolled` raise.
    """
    if request.answers is None:
        raise InputError("private_statistics looks at patients through noisy answers, and the request gives none")
    _, n_steps, n_features = train.values.shape
    windows = min(options.windows, n_steps)
    plan = Plan(
        n_features=n_features,
        n_classes=n_classes(train.labels),
        windows=windows,
        length=round(options.length * (windows * n_features) ** 0.5, 3),
        shares=(options.counts, 1 - options.counts - options.moments, options.moments),
    )
    statistics = ask(train, plan, options.epsilon, options.delta, request.answers)
    found = drawn(statistics, options.drawn, n_steps, request.seed)
    asked = Request(request.records_per_class, request.steps or DEFAULT_STEPS, request.seed, request.device)
    train_part = found.cohort.split == 0
    learned = unrolled.learn(found.cohort.part("train"), found.risks[train_part], asked, options.condensing)
    return Condensation(learned.condensed, learned.losses, statistics.guarantee, found.cohort.part("validation"))
