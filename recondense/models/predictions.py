"""What trained models predicted, and what it comes to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.models.logits import logits_of, risks_of
from recondense.models.part import VALIDATION_PER_CLASS, Part
from recondense.models.recipe import PAPER_NETWORKS
from recondense.models.scores import SCORES, resample, score, single_auc
from recondense.results.scores import Ensemble, Summary

PLATEAU_TOLERANCE = 0.01
T = TypeVar("T")

# Every training set that is compared, and what to call it
TRAINING_SETS = {
    "condensed": "condensed records",
    "all_real": "all real records",
    "logistic_regression": "all real records, logistic regression",
    "boosted_trees": "all real records, boosted trees",
    "single_variable": "all real records, the best single variable",
    "random_records": "as many random real records",
    "random_records_soft": "these with a teacher's soft labels",
    "kmeans": "as many k-means centroids",
    "kmeans_soft": "these with a teacher's soft labels",
}

# Models of all real records that need no network, each a training set of its own: whatever else is trained, a
# condensed set is measured against them
SIMPLE_MODELS = ("logistic_regression", "boosted_trees")
SINGLE_VARIABLE = "single_variable"
SIMPLE = (*SIMPLE_MODELS, SINGLE_VARIABLE)


@dataclass(frozen=True)
class Results:
    """Predictions and learning curves of models, by training set.

    ``predictions``: ``training_set, network, seed, row, risk``; ``row`` is a validation or test subject's place
    in the normalised cohort. Of more than two classes each has a column: ``risk_0, risk_1, ...``. ``curves``:
    ``training_set, network, step, auc``, none for models on summaries.
    """

    predictions: pd.DataFrame
    curves: pd.DataFrame

    def save(self, folder: Path) -> None:
        """Write ``predictions.parquet`` and ``curves.parquet`` into ``folder``."""
        self.predictions.to_parquet(folder / "predictions.parquet", index=False)
        self.curves.to_parquet(folder / "curves.parquet", index=False)

    @classmethod
    def load(cls, folder: Path) -> "Results":
        """Read what `save` wrote."""
        return cls(pd.read_parquet(folder / "predictions.parquet"), pd.read_parquet(folder / "curves.parquet"))

    def networks(self) -> list[str]:
        """Names of the models, sorted, but for those of `SIMPLE`."""
        return sorted(set(self.predictions["network"][~self.predictions["training_set"].isin(SIMPLE)]))

    def only(self, networks: Collection[str]) -> "Results":
        """The results of some models, and of `SIMPLE`."""
        tables = (self.predictions, self.curves)
        return Results(*(t[t["network"].isin(networks) | t["training_set"].isin(SIMPLE)] for t in tables))

    def joined(self, other: "Results") -> "Results":
        """Both, for training sets of different names."""
        return Results(
            pd.concat([self.predictions, other.predictions], ignore_index=True),
            pd.concat([self.curves, other.curves], ignore_index=True),
        )

    def summary(self, validation: Part, test: Part, n_resamples: int) -> Summary:
        """The scores, without ``protocol`` and ``n``. ``ensembles``: of the mean logit of all seeds, where a training
        set has several.

        Means are over the paper's networks, so models on summaries and networks added since stand in ``by_network``
        only; where none of the paper's was trained, means are over all that were. Of `SIMPLE` each is alone.
        """
        weights = resample(test.labels, n_resamples, seed=0)
        mean_over = [network for network in self.networks() if network in PAPER_NETWORKS] or self.networks()
        watched, on_validation = validation.few(VALIDATION_PER_CLASS), {}
        scored, together, plateaus = {}, {}, {}
        for training_set in sorted(set(self.predictions["training_set"])):
            risks = self.risks(training_set, test)
            networks = [training_set] if training_set in SIMPLE else mean_over
            scored[training_set] = score(test.labels, risks, weights, networks)
            plateaus[training_set] = self._plateaus(training_set)
            on_validation[training_set] = self._mean_auc(training_set, watched, networks)
            size = max(len(runs) for runs in risks.values())
            if size > 1:
                joint = {network: ensemble(runs)[None] for network, runs in risks.items()}
                together[training_set] = Ensemble(size=size, **_named(score(test.labels, joint, weights, mean_over)))
        return Summary(
            **_named({name: {each: scored[each][name] for each in scored} for name in SCORES}),
            ensembles=together,
            validation_auc=on_validation,
            steps_to_plateau=plateaus,
            mean_over=tuple(mean_over),
        )

    def _mean_auc(self, training_set: str, part: Part, networks: Sequence[str]) -> float:
        risks = self.risks(training_set, part)
        aucs = [np.mean([single_auc(part.labels, run) for run in risks[network]]) for network in networks]
        return round(float(np.mean(aucs)), 5)

    def risks(self, training_set: str, part: Part) -> dict[str, NDArray[np.float64]]:
        """What models of ``training_set`` predicted for ``part``, in its order: per network ``(n_seeds, n)``, or
        ``(n_seeds, n, n_classes)``."""
        chosen = self.predictions[self.predictions["training_set"] == training_set]
        names, rows = list(risk_columns(part.labels)), part.rows.tolist()

        def of(runs: pd.DataFrame) -> NDArray[np.float64]:
            by_class = [runs.pivot(index="seed", columns="row", values=name)[rows].to_numpy() for name in names]
            return by_class[0] if len(by_class) == 1 else np.stack(by_class, axis=2)

        return {str(network): of(runs) for network, runs in chosen.groupby("network")}

    def _plateaus(self, training_set: str) -> dict[str, int]:
        chosen = self.curves[self.curves["training_set"] == training_set].sort_values("step")
        return {
            str(network): steps_to_plateau(curve["step"].tolist(), curve["auc"].tolist())
            for network, curve in chosen.groupby("network")
        }


def risk_columns(risks: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Risks, or labels, as the columns of `Results.predictions` that hold them."""
    return {"risk": risks} if risks.ndim == 1 else {f"risk_{place}": column for place, column in enumerate(risks.T)}


def ensemble(risks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The risk ``(n,)`` of several networks together, by their mean logit; ``risks`` is ``(n_networks, n)``.
    Of more than two classes both have one more axis, of classes.

    >>> ensemble(np.array([[0.2, 0.5], [0.8, 0.5]]))
    array([0.5, 0.5])
    """
    return risks_of(np.mean([logits_of(run) for run in risks], axis=0))


def _named(scored: dict[str, T]) -> dict[str, T]:
    return {f"test_{name}": found for name, found in scored.items()}


def steps_to_plateau(steps: Sequence[int], aucs: Sequence[float]) -> int:
    """The first of ``steps`` from which AUC stays within 0.01 of its final value.

    >>> steps_to_plateau([1, 3, 10, 32, 100], [0.5, 0.805, 0.7, 0.795, 0.8])
    32
    """
    settled = steps[-1]
    for step, reached in zip(reversed(steps), reversed(aucs), strict=True):
        if abs(reached - aucs[-1]) > PLATEAU_TOLERANCE:
            break
        settled = step
    return settled
