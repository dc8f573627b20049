"""Whose a record is: how the ids of two tables, and of the list of who withdrew, are compared."""

import re
from collections.abc import Callable, Collection
from typing import Literal

from recondense.records.cells import text
from recondense.stages.params import StageParams

Rule = Literal["matter", "ignore"]
ZEROS = re.compile(r"(?<![\d.])0+(?=\w)")  # also of the number behind a letter, but none behind a decimal point
SEPARATORS = re.compile(r"[\W_]+")


class Ids(StageParams):
    """What makes no difference between two ids, beside what `recondense.records.cells.text` names: ``zeros`` in front
    of a number, and ``capitals``. Neither is guessed, since two people may differ in just that."""

    zeros: Rule = "matter"
    capitals: Rule = "matter"

    def form(self, one: str) -> str:
        """The id in the form in which it is compared.

        >>> Ids().form(" P007.0"), Ids(zeros="ignore").form("P007"), Ids(capitals="ignore").form("P007")
        ('P007.0', 'P7', 'p007')
        """
        one = text(one)
        if self.zeros == "ignore":
            one = ZEROS.sub("", one)
        return one.casefold() if self.capitals == "ignore" else one


LOOSE = Ids(zeros="ignore", capitals="ignore")


def bare(one: str) -> str:
    """What is left of an id without zeros in front, capitals and separators.

    >>> bare("P-007"), bare("p7"), bare("0P7;")
    ('p7', 'p7', 'p7')
    """
    return SEPARATORS.sub("", LOOSE.form(one))


NEARLY: dict[str, Callable[[str], str]] = {
    "zeros in front": Ids(zeros="ignore").form,
    "capitals": Ids(capitals="ignore").form,
    "zeros in front, capitals and separators": bare,
}


def nearly(strangers: Collection[str], known: Collection[str]) -> tuple[set[str], str]:
    """Those of ``strangers`` that would be among ``known`` if something made no difference, and what: the first of
    `NEARLY` that most need.

    >>> nearly({"001", "002", "9"}, {"1", "2"})[1]
    'zeros in front'
    """
    found: dict[str, set[str]] = {}
    for difference, form in NEARLY.items():
        forms = {form(one) for one in known} - {""}
        found[difference] = {one for one in strangers if form(one) in forms}
    most = max(found, key=lambda difference: len(found[difference]))
    return found[most], most
