"""How a cohort differs from the one that a bundle was learned from, as far as a bundle tells of that."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from recondense.preprocessing.preprocessing import Preprocessing
from recondense.recipient.found import Drift

LARGE_SHIFT = 0.5  # standard deviations: of two normal populations so far apart 80 % overlap
LARGE_GAP = 0.2  # of the share of patients who had it measured


def drift(
    values: NDArray[np.float32],
    observed: NDArray[np.bool_],
    preprocessing: Preprocessing,
    missing: Collection[str],
    coverage: Mapping[str, float],
) -> list[Drift]:
    """One row a feature.

    ``values``, ``observed``: as `Preprocessing.apply` gives them. ``shift`` and ``spread``: the mean and deviation of
    what a model is given; on the bundle's train patients the mean was 0, or at most `Preprocessing.mean_within`, and so
    much further ``large`` begins. ``coverage``: share of subjects in whom it was ever measured; ``steps``: share of
    steps; ``clipped``: share of what was measured that lies at a clip bound. ``large``: where shift or coverage differ
    much.
    """
    return [
        _row(preprocessing, place, values[:, :, place], observed[:, :, place], missing, coverage)
        for place in range(len(preprocessing.features))
    ]


def _row(
    preprocessing: Preprocessing,
    place: int,
    values: NDArray[np.float32],
    observed: NDArray[np.bool_],
    missing: Collection[str],
    coverage: Mapping[str, float],
) -> Drift:
    feature = preprocessing.features[place]
    gone = feature.variable in missing
    measured = feature.source not in ("count", "observed")
    here = round(float(observed.any(axis=1).mean()), 4) if measured else None
    there = coverage.get(feature.variable) if measured else None
    shift = None if gone else round(float(values.mean(dtype=np.float64)), 3)
    limit = LARGE_SHIFT + preprocessing.mean_within
    gap = abs((here or 0) - there) > LARGE_GAP if there is not None else False
    return Drift(
        feature=feature.name,
        unit=feature.unit,
        state="missing" if gone else "matched",
        coverage=here,
        coverage_there=there,
        steps=round(float(observed.mean()), 4) if measured else None,
        shift=shift,
        spread=None if gone else round(float(values.std(dtype=np.float64)), 3),
        clipped=_clipped(preprocessing, place, values[observed]) if measured and not gone else None,
        large=bool(gap or (shift is not None and abs(shift) > limit)),
    )


def _clipped(preprocessing: Preprocessing, place: int, measured: NDArray[np.float32]) -> float | None:
    feature = preprocessing.features[place]
    if feature.clip is None or not len(measured):
        return None
    ends = preprocessing.transformed(feature, np.array(feature.clip))
    low, high = (np.float32((end - feature.mean) / feature.std) for end in ends)
    return round(float(((measured <= low) | (measured >= high)).mean()), 4)
