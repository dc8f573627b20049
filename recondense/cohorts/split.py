"""Who is held out: each patient is in exactly one of the train, validation and test splits."""

import hashlib
from collections.abc import Collection, Sequence
from typing import Annotated, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import Discriminator, Field, Tag, model_validator

from recondense.cohorts.readers._declared import Text
from recondense.errors import InputError
from recondense.records.cells import places, word
from recondense.records.cohort import Split
from recondense.stages.params import LONG, SHORT, StageParams

Fraction = Annotated[float, Field(gt=0, lt=1)]
Sites = tuple[Text, ...]


class _Fractions(StageParams):
    """``validation`` and ``test`` are the fractions that are held out; the rest is for training."""

    validation: Fraction
    test: Fraction

    @model_validator(mode="after")
    def _leaves_some_for_training(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test must leave some patients for training: let them sum to less than 1")
        return self


class RandomSplit(_Fractions):
    """Held out at random, by place in the cohort: one patient more or less draws all of them anew.

    ``stratified``: the fractions are held out of the patients of each outcome. A patient with several outcomes counts
    as the one with the highest class, as whoever had an event at any stay.
    """

    kind: Literal["random"]
    seed: int = Field(default=0, ge=0)
    stratified: bool = False

    def assign(self, ids: Sequence[str], outcome: ArrayLike | None = None) -> NDArray[np.str_]:
        """The split of each patient, in the patients' order: ``(n_patients,)``. ``outcome``: the class of each.

        >>> RandomSplit(kind="random", validation=0.2, test=0.4).assign(["a", "b", "c", "d", "e"]).tolist()
        ['train', 'train', 'test', 'validation', 'test']
        """
        order = np.random.default_rng(self.seed).permutation(len(ids))
        stratum = np.zeros(len(ids), dtype=np.int64)
        if self.stratified and outcome is not None:
            stratum = pd.factorize(np.asarray(outcome, dtype=np.float64))[0]
        split = np.empty(len(ids), dtype="<U10")
        for one in np.unique(stratum):
            members = order[stratum[order] == one]
            n_test, n_validation = round(len(members) * self.test), round(len(members) * self.validation)
            split[members] = _deal(np.arange(len(members)), n_test, n_validation)
        return split


class HashedSplit(_Fractions):
    """Held out by a hash of ``salt`` and the patient's id: who comes or goes moves nobody else into another split.

    For cohorts that grow. The fractions hold on average: of n patients, f n are held out give or take
    sqrt(f (1 - f) n). Another ``salt`` is another draw.
    """

    kind: Literal["hashed"]
    salt: str = ""

    def assign(self, ids: Sequence[str]) -> NDArray[np.str_]:
        """The split of each patient, in the patients' order: ``(n_patients,)``.

        >>> HashedSplit(kind="hashed", validation=0.2, test=0.4).assign(["a", "b", "c", "d", "e"]).tolist()
        ['validation', 'test', 'train', 'train', 'test']
        """
        place = np.array([_place(self.salt, one) for one in ids])
        chosen = [place < self.test, place < self.test + self.validation]
        return np.select(chosen, ["test", "validation"], "train")


class SiteSplit(StageParams):
    """The patients of the sites ``test`` are held out: does a model hold in a hospital that it has not seen?

    ``column``: the subjects' column with the site. ``validation``: sites, too, or the fraction of the other patients
    who are held out by a hash of ``salt`` and their id. Whoever was at sites of several splits is in ``several``. Who
    comes or goes moves nobody else into another split.
    """

    kind: Literal["site"]
    column: Text
    test: Sites = Field(min_length=1)
    validation: Annotated[
        Annotated[Fraction, Tag(SHORT)] | Annotated[Annotated[Sites, Field(min_length=1)], Tag(LONG)],
        Discriminator(lambda stated: LONG if isinstance(stated, list | tuple) else SHORT),
    ]
    several: Split = "train"
    salt: str = ""

    @model_validator(mode="after")
    def _a_site_is_in_one_split(self) -> Self:
        sites = [word(site) for site in self._sites]
        if twice := [site for site in self._sites if sites.count(word(site)) > 1]:
            raise ValueError(f"the site '{twice[0]}' is named twice")
        return self

    def assign(self, ids: Sequence[str], sites: Sequence[Collection[str]]) -> NDArray[np.str_]:
        """The split of each patient, in the patients' order: ``(n_patients,)``. ``sites``: where each of them was.

        Raises `InputError` where nobody was at one of the sites that are named.

        >>> rule = SiteSplit(kind="site", column="ward", test=["B"], validation=["C"])
        >>> rule.assign(["a", "b", "c", "d"], [["A"], ["b"], ["C"], ["A", "B"]]).tolist()
        ['train', 'test', 'validation', 'train']
        """
        found: list[str] = []
        for one, splits in zip(ids, self._splits(sites), strict=True):
            if len(splits) > 1:
                found.append(self.several)
            elif "train" in splits and isinstance(self.validation, float) and _place(self.salt, one) < self.validation:
                found.append("validation")
            else:
                found += splits
        return np.array(found, dtype="<U10")

    def in_several(self, sites: Sequence[Collection[str]]) -> int:
        """How many patients were at sites of several splits."""
        return sum(len(splits) > 1 for splits in self._splits(sites))

    def _splits(self, sites: Sequence[Collection[str]]) -> list[set[str]]:
        """The splits of the sites of each patient; of no site, and of one that is not named, it is "train"."""
        known = sorted(set().union(*sites))
        place = places(pd.Series(known, dtype="str"), self._sites)
        if absent := [site for number, site in enumerate(self._sites) if number not in place]:
            raise InputError(
                f"ingestion.split: nobody was at the site '{absent[0]}' by the column '{self.column}': mend the site's "
                "name, or the file"
            )
        split = np.select([np.isnan(place), place < len(self.test)], ["train", "test"], "validation").tolist()
        of_site = dict(zip(known, split, strict=True))
        return [{of_site[site] for site in some} or {"train"} for some in sites]

    @property
    def _sites(self) -> Sites:
        return self.test if isinstance(self.validation, float) else (*self.test, *self.validation)


class PaperSplit(StageParams):
    """The split of published work on PhysioNet 2012: scikit-learn's ``train_test_split(random_state=42)`` twice.

    First 20 % of all are for testing, then 20 % of the rest for validation, not stratified: of 8,000 stays 5,120
    train, 1,280 validate and 1,600 test.
    """

    kind: Literal["paper"]

    def assign(self, ids: Sequence[str]) -> NDArray[np.str_]:
        """The split of each patient, in the patients' order: ``(n_patients,)``."""
        n_patients = len(ids)
        # What train_test_split does (a test compares them), without the two seconds that importing it takes.
        n_test = int(np.ceil(0.2 * n_patients))
        n_validation = int(np.ceil(0.2 * (n_patients - n_test)))
        order = np.random.RandomState(42).permutation(n_patients)
        rest = order[n_test:][np.random.RandomState(42).permutation(n_patients - n_test)]
        return _deal(np.concatenate([order[:n_test], rest]), n_test, n_validation)


SplitRule = Annotated[RandomSplit | HashedSplit | PaperSplit | SiteSplit, Field(discriminator="kind")]


def _place(salt: str, one: str) -> float:
    """A number in [0, 1) that the salt and the id decide, the same on every machine."""
    digest = hashlib.sha256(f"{salt}\n{one}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48  # few enough bits for a float to hold them


def _deal(order: NDArray[np.int64], n_test: int, n_validation: int) -> NDArray[np.str_]:
    """The first of ``order`` are for testing, the next for validation, the others for training."""
    split = np.full(len(order), "train", dtype="<U10")
    split[order[:n_test]] = "test"
    split[order[n_test : n_test + n_validation]] = "validation"
    return split
