"""Whether a run that nobody asked for should wait, and why."""

from dataclasses import dataclass

from recondense.unattended.params import Params


@dataclass(frozen=True)
class Standing:
    """How an ingested cohort stands beside its last candidate.

    ``new``, ``gone``: subjects that came and went since, None where there is no telling. ``hours``: the candidate's
    age, None without one. ``spent``: epsilon of all releases so far, None where one of them, or the last
    condensed set, gives no guarantee.
    """

    new: int | None
    gone: int | None
    hours: float | None
    spent: float | None


def reasons_to_wait(standing: Standing, params: Params) -> list[str]:
    """Every reason to hold a run back; none where it may go on.

    A patient who went, by withdrawal above all, is never kept waiting for other patients or for time to pass. A spent
    budget holds everything back: one more release would break a promise to all the others.

    >>> reasons_to_wait(Standing(new=3, gone=0, hours=30.0, spent=None), Params(min_new_patients=10))
    ['3 new patients, min_new_patients is 10']
    >>> reasons_to_wait(Standing(new=3, gone=1, hours=30.0, spent=None), Params(min_new_patients=10))
    []
    """
    reasons = []
    if standing.gone == 0:
        if standing.new is not None and standing.new < params.min_new_patients:
            reasons.append(f"{standing.new} new patients, min_new_patients is {params.min_new_patients}")
        if standing.hours is not None and standing.hours < params.min_interval_hours:
            reasons.append(
                f"the last candidate is {standing.hours:.1f} h old, min_interval_hours is {params.min_interval_hours:g}"
            )
    if params.budget is not None:
        if standing.spent is None:
            reasons.append(f"budget is {params.budget:g}, which cannot be kept: what is condensed gives no guarantee")
        elif standing.spent >= params.budget:
            reasons.append(f"epsilon {standing.spent:g} is spent, budget is {params.budget:g}")
    return reasons
