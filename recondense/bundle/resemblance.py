"""Whether condensed records lie nearer to the patients they were learned from than to others of the same cohort.

A record that owes nothing to one patient is about as far from the nearest train record as from the nearest held-out
one, so their ratio is about 1. A record that is a patient's lies at a small part of that distance, however it was
disguised: each of `KINDS` is blind to one disguise. A small ratio points to a train record, a large one to a held-out
one, which a condensed set must not hold either.

What is not looked for: a copy with noise of half the distance between patients, which attacks have to find; means of
three records or more, which the gate counts; a single copied variable, since single courses coincide by chance; copies
of some variables or entries alone; two disguises at once.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from recondense.results.evidence import Ratios

Values = NDArray[np.float32]
Floats = NDArray[np.float64]
Nearest = Callable[[Values, Values, NDArray[np.intp] | None], Floats]

FALSE_ALARMS = 1e-3  # of sets without any copy, by chance
PROBES = 400  # held-out records that show what chance does
BLOCK = 128  # records at a time
SHORTLIST = 16  # first halves of a mixture that are tried
TIES = 0.05  # of held-out records that equal another: beyond this a kind tells nothing
ALIKE = 1e-3  # two records that share all but this part of their variance add nothing to each other
LEAST = 1e-3  # of the usual distance to a neighbour: nearer than this, two records are the same
LOGIT_98 = float(np.log(0.98 / 0.02))


def resemblance(condensed: Values, train: Values, held_out: Values, seed: int = 0) -> dict[str, Ratios]:
    """`Ratios` by kind; all arguments ``(n, n_steps, n_features)``. A kind by which held-out records cannot be
    told from each other is left out.

    Ratios are divided by the median ratio of held-out records, so that unequal numbers of train and held-out ones do
    not matter. Of n and m records in k dimensions the nearest are at distances whose ratio has a logistic logarithm of
    scale 1/k; the middle 96 % of held-out records give k, and k gives ``chance``. Among the 131 held-out records of
    pbcseq k is about 10, among PhysioNet-2012's 2,880 about 28. Held-out records in the place of condensed ones stay
    above a limit of 0.3 or ``chance``, whichever is less, by every kind: all 131 of pbcseq, 999 of 1,000 of
    PhysioNet-2012. The other has one variable that varies, and passes by every kind but ``each_variable_scaled``.

    Raises `ValueError` where there are fewer than three held-out records or no others.
    """
    if len(held_out) < 3 or not len(train) or not len(condensed):
        raise ValueError("resemblance needs a condensed record, a train record and three held-out ones")
    own = np.random.default_rng(seed).permutation(len(held_out))[:PROBES]
    questions = 2 * len(condensed) * len(KINDS)
    found = {}
    for name, nearest in KINDS.items():
        to_others = nearest(held_out[own], held_out, own)
        usual = float(np.median(to_others))
        if (to_others <= LEAST * usual).mean() > TIES:
            continue

        def logs(to_train: Floats, to_held_out: Floats, least: float = LEAST * usual) -> Floats:
            result: Floats = np.log((to_train + least) / (to_held_out + least))
            return result

        usually = logs(nearest(held_out[own], train, None), to_others)
        low, middle, high = np.quantile(usually, [0.02, 0.5, 0.98])
        ratios = np.exp(logs(nearest(condensed, train, None), nearest(condensed, held_out, None)) - middle)
        scale = (high - low) / (2 * LOGIT_98)
        found[name] = Ratios(
            lowest=_rounded(ratios.min()),
            highest=_rounded(ratios.max()),
            chance=_rounded(np.exp(scale * np.log(FALSE_ALARMS / questions))),
        )
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _euclidean(seen: Callable[[Values], Values]) -> Nearest:
    """The distance from each query to the nearest of others, all as ``seen``, ``(n, n_numbers)``; ``own``: where among
    the others each query itself stands. Single precision finds the nearest, double measures it."""

    def nearest(queries: Values, others: Values, own: NDArray[np.intp] | None) -> Floats:
        rows = seen(others)
        centre = rows.mean(axis=0)
        rows = rows - centre
        squares = np.square(rows).sum(axis=1)
        parts = []
        for block in _blocks(len(queries)):
            asked = seen(queries[block]) - centre
            apart = squares - 2 * asked @ rows.T
            _leave_out(apart, own, block, np.inf)
            chosen = rows[apart.argmin(axis=1)]
            parts.append(np.linalg.norm(asked.astype(np.float64) - chosen, axis=1))
        return np.concatenate(parts)

    return nearest


def _flat(values: Values) -> Values:
    return values.reshape(len(values), -1)


def _half(which: int) -> Callable[[Values], Values]:
    return lambda values: _flat(np.array_split(values, 2, axis=1)[which])


def _standardised(rows: Values) -> Values:
    """Each row with a mean of 0 and a length of 1; where it does not vary, 0."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    result: Values = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    return result


def _each_variable(queries: Values, others: Values, own: NDArray[np.intp] | None) -> Floats:
    """The length of what is left of each query once every variable of it is explained by a multiple of the same
    variable of another record, and a shift: the least over ``others``."""
    shapes = [_standardised(column) for column in np.moveaxis(others, 2, 0)]
    parts = []
    for block in _blocks(len(queries)):
        courses = queries[block] - queries[block].mean(axis=1, keepdims=True)
        explained = np.zeros((len(courses), len(others)))
        for column, shape in zip(np.moveaxis(courses, 2, 0), shapes, strict=True):
            explained += np.square(column @ shape.T)
        _leave_out(explained, own, block, 0)
        parts.append(np.sqrt((np.square(courses).sum(axis=(1, 2)) - explained.max(axis=1)).clip(0)))
    return np.concatenate(parts)


def _mixed(queries: Values, others: Values, own: NDArray[np.intp] | None) -> Floats:
    """What is left of each query, as a share of how its entries vary, once it is explained by the best weighted sum of
    one or two of ``others``, and a shift. The first of the two is among the `SHORTLIST` most alike."""
    rows = _standardised(_flat(others))
    parts = []
    for block in _blocks(len(queries)):
        alike = _standardised(_flat(queries[block])) @ rows.T
        _leave_out(alike, own, block, 0)
        first = np.argpartition(-np.abs(alike), min(SHORTLIST, len(rows) - 1), axis=1)[:, :SHORTLIST]
        listed, place = np.unique(first, return_inverse=True)
        between = rows[listed] @ rows.T
        for number, (asked, chosen) in enumerate(zip(alike.astype(np.float64), first, strict=True)):
            one, with_one = asked[chosen, None], between[place.reshape(first.shape)[number]].astype(np.float64)
            both = np.square(one) + np.square(asked) - 2 * with_one * one * asked
            apart = 1 - np.square(with_one)
            explained = np.where(apart > ALIKE, both / np.maximum(apart, ALIKE), np.square(one))
            if own is not None:
                explained[:, own[block][number]] = 0
            parts.append(np.sqrt(max(0.0, 1 - float(explained.max()))))
    return np.array(parts)


def _leave_out(found: NDArray[np.floating], own: NDArray[np.intp] | None, block: slice, value: float) -> None:
    if own is not None:
        found[np.arange(len(found)), own[block]] = value


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))


KINDS: dict[str, Nearest] = {
    "as_it_is": _euclidean(_flat),
    "first_half_of_steps": _euclidean(_half(0)),
    "second_half_of_steps": _euclidean(_half(1)),
    "features_in_another_order": _euclidean(lambda values: _flat(np.sort(values, axis=2))),
    "steps_in_another_order": _euclidean(lambda values: _flat(np.sort(values, axis=1))),
    "entries_in_another_order_scaled": _euclidean(lambda values: _standardised(np.sort(_flat(values), axis=1))),
    "each_variable_scaled": _each_variable,
    "one_or_two_records_mixed": _mixed,
}
