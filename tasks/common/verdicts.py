"""How the result of a privacy attack reads, of whichever kind the attack is."""

from collections.abc import Mapping
from typing import Any

NAMES = {"auc": "AUC", "risk": "risk"}


def in_words(attack: Mapping[str, Any]) -> str:
    """Its figure with the interval: the AUC of one that tells members from others, the risk of one that guesses.

    Where a guarantee covers the people that the attack was on, figures of them are not stated.

    >>> in_words({"auc": 0.512, "low": 0.48, "high": 0.544}), in_words({"risk": 0.0, "low": 0.0, "high": 0.03})
    ('AUC 0.512 (0.480 to 0.544)', 'risk 0.000 (0.000 to 0.030)')
    """
    key = next((key for key in NAMES if key in attack), None)
    if key is None:
        return "not measured" if "reason" in attack else "not stated"
    return f"{NAMES[key]} {attack[key]:.3f} ({attack['low']:.3f} to {attack['high']:.3f})"
