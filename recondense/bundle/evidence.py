"""Whether a set's test AUC may be chance, and whether anything simpler would have done.

Every figure is of validation and test patients. None but ``share`` and ``over_single_variable`` says anything about the
patients who were condensed: the models behind these two were trained on them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from recondense.models.part import VALIDATION_PER_CLASS, Part
from recondense.models.predictions import SIMPLE_MODELS, SINGLE_VARIABLE, Results
from recondense.models.scores import auc, resample
from recondense.results.base import Interval
from recondense.results.evidence import Evidence
from recondense.stages.history import Event

RESAMPLES = 2000
ERROR = 0.05  # of an interval of 95 %
GUESS = 0.5
PASSED = ("gate passed", "gate overridden")
CONDENSED = "condensed"
Floats = NDArray[np.float64]


def evidence(
    results: Results,
    validation: Part,
    test: Part,
    networks: Sequence[str],
    refused_before: int,
    single_variable: str | None = None,
) -> Evidence:
    """`Evidence` by predictions of models trained on the condensed set, mean over ``networks``, and of `SIMPLE` ones.

    ``single_variable``: what to call it. What has no meaning is None: a share, where no simple model is better than a
    guess.
    """
    few = validation.few(VALIDATION_PER_CLASS)
    drawn = resample(test.labels, RESAMPLES, seed=0)
    own = _aucs(results, CONDENSED, test, drawn, networks)
    earlier = _aucs(results, CONDENSED, few, resample(few.labels, RESAMPLES, seed=1), networks)
    trained = set(results.predictions["training_set"])
    simple = {
        name: _aucs(results, name, test, drawn, [name]) for name in (*SIMPLE_MODELS, SINGLE_VARIABLE) if name in trained
    }
    best = max((name for name in simple if name in SIMPLE_MODELS), key=lambda name: simple[name][0], default=None)
    gain = simple[best][0] - GUESS if best else 0.0
    both = min(len(own), len(earlier))
    single = simple.get(SINGLE_VARIABLE)
    return Evidence(
        test_events=min(test.per_class),
        refused_before=refused_before,
        test_auc=_interval(own, ERROR / (refused_before + 1)),
        validation_auc=_interval(earlier),
        over_validation=_interval(own[:both] - earlier[:both]),
        best_simple=best,
        share=round(float((own[0] - GUESS) / gain), 4) if gain > 0 else None,
        single_variable=single_variable,
        over_single_variable=None if single is None else _interval(own - single),
    )


def refused_before(events: Sequence[Event], own: Mapping[str, str]) -> int:
    """How many other candidates the gate refused since the last release, before it let this one pass for the first
    time, if it has. ``own``: digests of the set and of what models trained on it predict, by the paths under which an
    event has them: to train anew until the gate lets a set pass is to try again, too."""

    def of(event: Event) -> tuple[str | None, ...]:
        found = event.details.get("inputs", {})
        return tuple(found.get(path) for path in own)

    mine = tuple(own.values())
    passed = (place for place, event in enumerate(events) if event.name in PASSED and of(event) == mine)
    before = list(events[: next(passed, len(events))])
    last = max((place for place, event in enumerate(before) if event.name == "released"), default=-1)
    return len({of(event) for event in before[last + 1 :] if event.name == "gate refused"} - {mine})


def _aucs(results: Results, training_set: str, part: Part, drawn: Floats, networks: Sequence[str]) -> Floats:
    """The mean AUC over networks and seeds: of ``part`` itself, then of each resample."""
    risks = results.risks(training_set, part)
    of_network = [np.mean([auc(part.labels, run, drawn) for run in risks[name]], axis=0) for name in networks]
    mean: Floats = np.mean(of_network, axis=0)
    return mean


def _interval(values: Floats, error: float = ERROR) -> Interval:
    low, high = np.quantile(values[1:], [error / 2, 1 - error / 2])
    return Interval(mean=round(float(values[0]), 5), low=round(float(low), 5), high=round(float(high), 5))
