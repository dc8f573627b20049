"""What does the condensed set tell about who was in the cohort?

Input: the normalised cohort, its condensed set and shadows of that. Output: ``metrics.json`` alone. Tier: aggregate.

An attacker who holds the condensed set and someone's full record guesses whether that person is a *member*, one of the
train split's subjects. No attack stands alone: beside it are

* a *baseline*: the same attack without the condensed set, from as many held-out (validation) records in its place;
* a *negative control*: the same attack telling validation from test records, none of which is a member;
* a *positive control*: the same attack on a set of real records, which it has to recognise. An attack that cannot has
  failed, and its failure on the condensed set says nothing about safety.

Attacks with shadows (``NEEDS_SHADOWS``) also attack every shadow with the help of the others. Over all of them a true
positive rate at a false positive rate of 0.1 % can be told, which the release's own non-members are too few to show.

See `recondense.privacy.estimates` and `recondense.privacy.pooled` for the figures and the verdict drawn from them.
Attacks that guess about people in other ways have the same company, and `recondense.privacy.disclosure` for their risk
and verdict.
"""
