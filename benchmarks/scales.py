"""Whether the means and deviations that a bundle publishes tell whose records they are of.

    python -m benchmarks.scales                                     # pbcseq, 64 draws: a minute
    python -m benchmarks.scales --cohort physionet2012 --draws 32   # a quarter of an hour

A scale is fitted by the pipeline's own code to random patients, as many as the cohort's train split has, and each is
attacked with the others for its shadows, as Homer et al. (2008) did with frequencies of alleles: whoever is behind a
mean lies nearer to it than chance says. Fills and clip bounds are published, too, and not looked at here.
Writes ``docs/results/scales.json``; other cohorts keep their figures.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.harness import OUT, ROOT, header, ingested, read
from recondense.files.strict_json import write_json
from recondense.preprocessing.fit import fit, rounded
from recondense.preprocessing.params import Params
from recondense.preprocessing.preprocessing import Feature
from recondense.privacy.attacks import Shadows, Target, lira_online
from recondense.privacy.audit import summary
from recondense.privacy.params import Params as Privacy
from recondense.privacy.pooled import pooled
from recondense.privacy.with_shadows import in_turn
from recondense.records.cohort import Ingested
from recondense.records.condensed import CondensedSet
from recondense.records.labels import Labels
from recondense.stages.params import block

RIDGE = 0.1  # of the mean variance of what is looked at: its directions are more than some hundred patients can tell


def main() -> None:
    """Attack scales as they are and rounded, print and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default="pbcseq")
    parser.add_argument("--draws", type=int, default=64)
    arguments = parser.parse_args()
    cohort = ingested(arguments.cohort)
    params = Params(**{**block(ROOT, arguments.cohort)["normalisation"], "scale": "train"})
    n, n_train = len(cohort.subjects), int((cohort.subjects["split"] == "train").sum())
    about = header(cohort=f"{arguments.cohort}, {n_train} of {n} patients in each of {arguments.draws} draws")
    known = np.stack([np.random.default_rng(index).permutation(n) < n_train for index in range(arguments.draws)])
    common, drawn = fit(cohort, params), [fit(chosen(cohort, who), params) for who in known]
    values, _ = common.apply(cohort.events, cohort.subjects)
    found: dict[str, Any] = {}
    for scale, change in (("train", lambda feature: feature), ("rounded", rounded)):
        published = [moments([change(feature) for feature in one.features], common.features) for one in drawn]
        found[scale] = told(np.stack(published), values, cohort.labels, known)
        print(f"{scale}: {found[scale]}")
    path = OUT / "scales.json"
    write_json(path, {**read(path), arguments.cohort: {**found, "measured": about}})


def told(
    published: NDArray[np.float64], values: NDArray[np.float32], labels: Labels, known: NDArray[np.bool_]
) -> dict[str, Any]:
    """What the attack finds over all scales together: of each row of ``known`` the `moments` are ``published``.

    ``values``, ``labels``: of all patients, on the scale whose deviations those moments are in.
    """
    people = np.concatenate([values.mean(axis=1), np.square(values).mean(axis=1)], axis=1).astype(float)
    spread = np.cov(people.T)
    spread += RIDGE * np.trace(spread) / len(spread) * np.eye(len(spread))
    signal = (published - published.mean(axis=0)) @ np.linalg.solve(spread, (people - people.mean(axis=0)).T)
    nothing = CondensedSet(values[:1], labels[:1])  # not looked at

    def scores(shadows: Shadows) -> NDArray[np.float64]:
        target = Target(nothing, values, labels, 0, torch.device("cpu"), shadows=shadows)
        return lira_online.scores(target, lira_online.Options())

    privacy = Privacy()
    over = pooled(in_turn(scores, signal, known), known, privacy)
    return summary(over.figures).as_json()


def chosen(cohort: Ingested, who: NDArray[np.bool_]) -> Ingested:
    """The cohort with those of ``who`` in its train split and nobody else."""
    return Ingested(cohort.events, cohort.subjects.assign(split=np.where(who, "train", "test")), cohort.variables)


def moments(scale: Sequence[Feature], common: Sequence[Feature]) -> NDArray[np.float64]:
    """Means and mean squares of all features, as ``scale`` tells them, in deviations of ``common``."""
    own, of_all = (np.array([(feature.mean, feature.std) for feature in features]).T for features in (scale, common))
    mean, std = (own[0] - of_all[0]) / of_all[1], own[1] / of_all[1]
    return np.concatenate([mean, mean**2 + std**2])


if __name__ == "__main__":
    main()
