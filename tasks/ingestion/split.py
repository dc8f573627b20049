"""Who is held out: each patient is in exactly one of the train, validation and test splits."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tasks.common.params import RoomParams

Fraction = Annotated[float, Field(gt=0, lt=1)]


class _Fractions(RoomParams):
    """``validation`` and ``test`` are the fractions that are held out; the rest is for training."""

    validation: Fraction
    test: Fraction

    @model_validator(mode="after")
    def _leaves_some_for_training(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test must leave some patients for training: let them sum to less than 1")
        return self


class RandomSplit(_Fractions):
    """Held out at random, by place in the cohort: one patient more or less draws all of them anew."""

    kind: Literal["random"]
    seed: int = Field(default=0, ge=0)

    def assign(self, ids: Sequence[str]) -> NDArray[np.str_]:
        """The split of each patient, in the patients' order: ``(n_patients,)``.

        >>> RandomSplit(kind="random", validation=0.2, test=0.4).assign(["a", "b", "c", "d", "e"]).tolist()
        ['train', 'train', 'test', 'validation', 'test']
        """
        n_patients = len(ids)
        order = np.random.default_rng(self.seed).permutation(n_patients)
        return _deal(order, n_test=round(n_patients * self.test), n_validation=round(n_patients * self.validation))


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
        place = np.array([self._place(one) for one in ids])
        chosen = [place < self.test, place < self.test + self.validation]
        return np.select(chosen, ["test", "validation"], "train")

    def _place(self, one: str) -> float:
        """A number in [0, 1) that the salt and the id decide, the same on every machine."""
        digest = hashlib.sha256(f"{self.salt}\n{one}".encode()).digest()
        return int.from_bytes(digest[:6]) / 2**48  # few enough bits for a float to hold them


class PaperSplit(RoomParams):
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


SplitRule = Annotated[RandomSplit | HashedSplit | PaperSplit, Field(discriminator="kind")]


def _deal(order: NDArray[np.int64], n_test: int, n_validation: int) -> NDArray[np.str_]:
    """The first of ``order`` are for testing, the next for validation, the others for training."""
    split = np.full(len(order), "train", dtype="<U10")
    split[order[:n_test]] = "test"
    split[order[n_test : n_test + n_validation]] = "validation"
    return split
