"""What may come of a privacy attack."""

from typing import Literal

Verdict = Literal["succeeded", "resisted", "inconclusive"]

# What each means, as the bundle's page has it
VERDICTS: dict[Verdict, str] = {
    "resisted": "the attack gains, with near certainty, less than a small stated margin over guessing",
    "succeeded": "the attack tells more than guessing does; such a set is released only if a person answers for it",
    "inconclusive": "too few patients, or an attack too weak, to tell either way",
}
