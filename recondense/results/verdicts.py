"""What may come of a privacy attack."""

from typing import Literal, get_args

Verdict = Literal["succeeded", "above guessing", "inconclusive", "resisted"]
WORST_FIRST: tuple[Verdict, ...] = get_args(Verdict)

# What each means, as the bundle's page has it
VERDICTS: dict[Verdict, str] = {
    "succeeded": "the attack tells more than guessing does; such a set is released only if a person answers for it",
    "above guessing": "the attack does better than guessing, and whether that comes from the set could not be told",
    "inconclusive": "too few patients, or an attack too weak, to tell either way",
    "resisted": "the attack gains, with near certainty, less than a small stated margin over guessing",
}
