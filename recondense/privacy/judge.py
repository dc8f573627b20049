"""What is said of an attack that scores people: see `recondense.results.verdicts`."""

from recondense.privacy.gains import Comparison
from recondense.results.verdicts import Verdict


def judged(found: Comparison, detected: bool, margin: float, tpr_margin: float, smallest: float) -> tuple[Verdict, str]:
    """The verdict on one attack that scores people, and the reason for it in words.

    ``detected``: whether it finds real records that are handed over as they are. ``smallest``: its detectable AUC. An
    AUC within ``margin`` of guessing hides the few who are found for sure (Carlini et al. 2022), so true positive
    rates have to keep to ``tpr_margin``, too.
    """
    attack = found.attack
    if found.succeeds():
        return "succeeded", "members are told apart, beyond guessing, the baseline and the negative control"
    if attack.above_guessing(margin, tpr_margin):
        return "above guessing", (
            "members are told apart beyond guessing, but not for certain beyond the baseline and the negative "
            "control: either the condensed set tells, or train and held-out records differ (split the cohort by "
            "`hashed` to tell)"
        )
    if not detected:
        return "inconclusive", "the attack misses even real records handed over as they are, so it proves nothing"
    if attack.within(margin, tpr_margin):
        return "resisted", f"AUC lies within {margin:g} of guessing, and the attack does find real records"
    if 0.5 - margin <= attack.auc.low and attack.auc.high <= 0.5 + margin:
        return "inconclusive", (
            f"too few records: AUC lies within {margin:g} of guessing, but more than {tpr_margin:g} of the members may "
            "be found beyond guessing"
        )
    if attack.auc.high < 0.5:
        return "inconclusive", (
            "held-out records score higher than members, which does not come from the condensed set: split the cohort "
            "by `hashed` to tell"
        )
    return "inconclusive", (
        f"too few records: an AUC below {smallest:.3f} would be missed more often than one time in five"
    )
