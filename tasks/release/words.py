"""What the documents of a bundle say in the same words."""

from math import exp
from typing import Any

from tasks.common.escape import markdown
from tasks.release.contents import Contents

MAY = (
    "Train and compare models of the outcome, teach, and develop software, without access to real records.",
    "Use a trained model on records of your own, for research, after it has been scored on records of your own.",
)
MAY_NOT = (
    "Decide about a patient. No model trained on these records is a medical device, and none has been tested in care.",
    "Look for real patients in the records, or link them with other data to find out who took part.",
    "Estimate how frequent a finding is, or whether one thing causes another: the records were learned to predict one "
    "outcome, and nothing else about the patients was kept.",
)
NO_GUARANTEE = (
    "An attack that did not succeed is evidence, not a proof: this set carries no differential-privacy guarantee."
)


def guarantee(contents: Contents) -> str:
    """The sentence about differential privacy."""
    given = contents.guarantee
    if given is None:
        return NO_GUARANTEE
    return (
        f"Differential privacy with epsilon {given['epsilon']:g} and delta {given['delta']:g}: whatever anyone knows "
        "and does, the odds she gives to “this patient was among them” are at most "
        f"{exp(given['epsilon']):.3g} times what they were before she saw this set, but for a chance of delta."
    )


def override(contents: Contents) -> str:
    """Who answers for a release against the gate, and why: in Markdown."""
    given = contents.metrics.get("override")
    if given is None:
        return ""
    against = markdown("; ".join(given["against"]))
    by, reason = markdown(given["by"]), markdown(given["reason"])
    return f"\n\n**Released against the gate by {by}: {reason}** The gate's reasons: {against}.\n\n"


def interval(score: dict[str, Any], name: str = "mean") -> str:
    """A figure with its interval.

    >>> interval({"mean": 0.8, "low": 0.7, "high": 0.9})
    '0.800 (0.700 to 0.900)'
    """
    if score.get("low") is None or score.get("high") is None:
        return f"{score[name]:.3f}"
    return f"{score[name]:.3f} ({score['low']:.3f} to {score['high']:.3f})"
