"""Whether the means and deviations that a bundle publishes tell whose records they are of.

    python -m benchmarks.scales                                     # pbcseq, 64 draws: a minute
    python -m benchmarks.scales --cohort physionet2012 --draws 32   # half an hour

A scale is fitted by the pipeline's own code to random patients, as many as the cohort's train split has, and each is
attacked with the others for its shadows, as Homer et al. (2008) did with frequencies of alleles: whoever is behind a
mean lies nearer to it than chance says. Fills and clip bounds are published, too, and not looked at here.
Writes ``docs/benchmarks/scales.json``; other cohorts keep their figures.
"""

import argparse
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.harness import OUT, ROOT, header, ingested, read
from tasks.common.params import block
from tasks.common.preprocessing import Preprocessing
from tasks.common.records import CondensedSet, Ingested, write_json
from tasks.normalisation.fit import fit
from tasks.normalisation.params import Params
from tasks.privacy.attacks import Shadows, Target, lira_online
from tasks.privacy.audit import summary
from tasks.privacy.params import Params as Privacy
from tasks.privacy.pooled import pooled
from tasks.privacy.with_shadows import in_turn

SCALES = ("train", "rounded")
RIDGE = 0.1  # of the mean variance of what is looked at: its directions are more than some hundred patients can tell


def main() -> None:
    """Attack each kind of scale, print and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default="pbcseq")
    parser.add_argument("--draws", type=int, default=64)
    arguments = parser.parse_args()
    cohort = ingested(arguments.cohort)
    n_train = int((cohort.subjects["split"] == "train").sum())
    n = len(cohort.subjects)
    about = header(cohort=f"{arguments.cohort}, {n_train} of {n} patients in each of {arguments.draws} draws")
    known = np.stack([np.random.default_rng(index).permutation(n) < n_train for index in range(arguments.draws)])
    found = {scale: told(cohort, parameters(arguments.cohort, scale), known) for scale in SCALES}
    for scale, figures in found.items():
        print(f"{scale}: {figures}")
    path = OUT / "scales.json"
    write_json(path, {**(read(path) if path.exists() else {}), arguments.cohort: {**found, "measured": about}})


def parameters(cohort: str, scale: str) -> Params:
    """The cohort's, with another ``scale``."""
    return Params(**{**block(ROOT, cohort)["normalisation"], "scale": scale})


def told(cohort: Ingested, params: Params, known: NDArray[np.bool_]) -> dict[str, Any]:
    """What the attack finds over all scales together, each fitted to the patients of a row of ``known``."""
    common = fit(cohort, params.model_copy(update={"scale": "train"}))
    values, _ = common.apply(cohort.events, cohort.subjects)
    people = np.concatenate([values.mean(axis=1), np.square(values).mean(axis=1)], axis=1).astype(float)
    published = np.stack([moments(fit(chosen(cohort, who), params), common) for who in known])
    spread = np.cov(people.T)
    spread += RIDGE * np.trace(spread) / len(spread) * np.eye(len(spread))
    signal = (published - published.mean(axis=0)) @ np.linalg.solve(spread, (people - people.mean(axis=0)).T)

    def scores(shadows: Shadows) -> Any:
        held = CondensedSet(values[:1], cohort.labels[:1])  # not looked at
        target = Target(held, values, cohort.labels, 0, torch.device("cpu"), shadows=shadows)
        return lira_online.scores(target, lira_online.Options())

    privacy = Privacy()
    over = pooled(in_turn(scores, signal, known), known, privacy.confidence, privacy.resamples, privacy.seed)
    return summary(over.figures)


def chosen(cohort: Ingested, who: NDArray[np.bool_]) -> Ingested:
    """The cohort with those of ``who`` in its train split and nobody else."""
    return Ingested(cohort.events, cohort.subjects.assign(split=np.where(who, "train", "test")), cohort.variables)


def moments(scale: Preprocessing, common: Preprocessing) -> NDArray[np.float64]:
    """Means and mean squares of all features, as ``scale`` tells them, in deviations of ``common``."""
    mean = np.array(
        [(own.mean - of_all.mean) / of_all.std for own, of_all in zip(scale.features, common.features, strict=True)]
    )
    std = np.array([own.std / of_all.std for own, of_all in zip(scale.features, common.features, strict=True)])
    return np.concatenate([mean, mean**2 + std**2])


if __name__ == "__main__":
    main()
