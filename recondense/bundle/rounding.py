"""Counts of patients as a bundle states them: rounded, so that one patient more or less is not read from two bundles.

The gate judges what is stated. So counts are rounded down: a cohort never passes for larger than it is.
"""

from typing import Any

from recondense.results.public import Public

STEP = 5  # patients
DIGITS = 2  # of shares of patients
BEHIND = ("n_members", "n_non_members", "guesses")
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


def with_rounded_counts(metrics: Public) -> Public:
    """A bundle's ``metrics`` with every count of what a cohort holds rounded, and the shares that would tell it."""
    stated, least = metrics.as_json(), metrics.fewest_patients
    cohort = stated["cohort"]
    cohort |= {name: rounded(cohort[name]) for name in ("counts", "subjects", "train_patients_per_class")}
    cohort["prevalence"] = _shares(cohort["prevalence"])
    stated["n"] |= {name: rounded(each) for name, each in stated["n"].items() if name.startswith("test")}
    for group in stated["subgroups"]["groups"]:
        group |= {"patients": rounded(group["patients"], least), "with_outcome": rounded(group["with_outcome"])}
    for one in (one for bins in stated["calibration"]["of"].values() for one in bins):
        one |= {name: round(one[name], DIGITS) for name in SHARES} | {"patients": rounded(one["patients"], least)}
    if stated["evidence"]:
        stated["evidence"]["test_events"] = rounded(stated["evidence"]["test_events"])
    stated["privacy"] = _of_attacks(stated["privacy"])
    return Public.read(stated, "the figures of the bundle")


def _of_attacks(found: Any) -> Any:
    """The same, with each count that stands behind a figure of an attack rounded."""
    if isinstance(found, dict):
        return {key: rounded(each) if key in BEHIND else _of_attacks(each) for key, each in found.items()}
    return [_of_attacks(each) for each in found] if isinstance(found, list) else found


def _shares(share: Any) -> Any:
    return {name: _shares(each) for name, each in share.items()} if isinstance(share, dict) else round(share, DIGITS)
