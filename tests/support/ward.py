"""A ward of 120 subjects in two tables, each column of which a test may spoil."""

from collections.abc import Callable, Sequence

N = 120
CREATININE = {"label": "creatinine", "role": "series", "unit": "mg/dl", "low": 0, "high": 40}
ALBUMIN = {"label": "albumin", "role": "series", "unit": "g/dl"}
AGE = {"label": "age", "role": "static", "unit": "years", "low": 0, "high": 120}
SEX = {"label": "sex", "role": "static", "kind": "binary", "positive": ["f"], "negative": ["m"]}
VARIABLES = {"creatinine": CREATININE, "albumin": ALBUMIN, "age": AGE, "sex": SEX}
WIDE = {"file": "visits.csv", "subject": "id", "time": "day"}
OUTCOME = {"column": "died", "positive": ["1"], "negative": ["0"]}


def people(
    ids: Sequence[str],
    *,
    sex: Callable[[int], object] = lambda n: "fm"[n % 2],
    died: Callable[[int], object] = lambda n: n // 2 % 2,
    age: Callable[[int], object] = lambda n: 40 + n % 50,
) -> str:
    rows = [f"{one},{age(n)},{sex(n)},{died(n)}" for n, one in enumerate(ids)]
    return "\n".join(["id,age,sex,died", *rows]) + "\n"


def visits(
    ids: Sequence[str],
    *,
    day: Callable[[int, int], object] = lambda n, day: day,
    creatinine: Callable[[int], object] = lambda n: 1.0,
    albumin: Callable[[int], object] = lambda n: 4.0,
) -> str:
    rows = [f"{one},{day(n, d)},{creatinine(n)},{albumin(n)}" for n, one in enumerate(ids) for d in (0, 1)]
    return "\n".join(["id,day,creatinine,albumin", *rows]) + "\n"


IDS = [f"P{n}" for n in range(1, N + 1)]
WARD = {
    "source": {"title": "a ward", "licence": "none"},
    "measurements": WIDE,
    "subjects": {"file": "people.csv", "subject": "id"},
    "time": {"unit": "days"},
    "outcome": OUTCOME,
    "variables": VARIABLES,
}
