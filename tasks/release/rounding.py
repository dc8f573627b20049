"""Counts of patients as a bundle states them: rounded, so that one patient more or less is not read from two bundles.

The gate judges what is stated. So counts are rounded down: a cohort never passes for larger than it is.
"""

from typing import Any

STEP = 5  # patients
DIGITS = 2  # of shares of patients
SHARES = ("observed", "low", "high")  # of a bin of a calibration


def rounded(count: Any, least: int = 0) -> Any:
    """``count`` down to a multiple of `STEP`, but not from ``least`` or more to below it; each number of several.

    >>> rounded(48), rounded([83, 4]), rounded({"in": 12}, least=12)
    (45, [80, 0], {'in': 12})
    """
    if isinstance(count, dict):
        return {name: rounded(each, least) for name, each in count.items()}
    if isinstance(count, list):
        return [rounded(each, least) for each in count]
    return max(count - count % STEP, min(count, least))


def with_rounded_counts(metrics: dict[str, Any]) -> dict[str, Any]:
    """A bundle's ``metrics`` with every count of what a cohort holds rounded, and the shares that would tell it."""
    cohort, fewest = metrics["cohort"], metrics["fewest_patients"]
    counts = {name: rounded(cohort[name]) for name in ("counts", "subjects", "train_patients_per_class")}
    n = {name: rounded(each) if name.startswith("test") else each for name, each in metrics["n"].items()}
    groups = [
        {**group, "patients": rounded(group["patients"], fewest), "with_outcome": rounded(group["with_outcome"])}
        for group in metrics["subgroups"]["groups"]
    ]
    bins = {name: [_bin(one, fewest) for one in each] for name, each in metrics["calibration"]["of"].items()}
    return {
        **metrics,
        "cohort": {**cohort, **counts, "prevalence": _shares(cohort["prevalence"])},
        "n": n,
        "subgroups": {**metrics["subgroups"], "groups": groups},
        "calibration": {**metrics["calibration"], "of": bins},
    }


def _bin(one: dict[str, float], fewest: int) -> dict[str, float]:
    shares = {name: round(one[name], DIGITS) for name in SHARES}
    return {**one, **shares, "patients": rounded(one["patients"], fewest)}


def _shares(share: Any) -> Any:
    return {name: _shares(each) for name, each in share.items()} if isinstance(share, dict) else round(share, DIGITS)
