"""Who is held out: each patient is in exactly one of the train, validation and test splits."""

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tasks.common.params import RoomParams

Fraction = Annotated[float, Field(gt=0, lt=1)]


class RandomSplit(RoomParams):
    """Fractions ``validation`` and ``test`` of the patients are held out at random, the rest is for training."""

    kind: Literal["random"]
    seed: int = Field(default=0, ge=0)
    validation: Fraction
    test: Fraction

    @model_validator(mode="after")
    def _leaves_some_for_training(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test must leave some patients for training: let them sum to less than 1")
        return self

    def assign(self, n_patients: int) -> NDArray[np.str_]:
        """The split of each patient, in the patients' order: ``(n_patients,)``.

        >>> RandomSplit(kind="random", validation=0.2, test=0.4).assign(5).tolist()
        ['train', 'train', 'test', 'validation', 'test']
        """
        order = np.random.default_rng(self.seed).permutation(n_patients)
        return _deal(order, n_test=round(n_patients * self.test), n_validation=round(n_patients * self.validation))


class PaperSplit(RoomParams):
    """The split of published work on PhysioNet 2012: scikit-learn's ``train_test_split(random_state=42)`` twice.

    First 20 % of all are for testing, then 20 % of the rest for validation, not stratified: of 8,000 stays 5,120
    train, 1,280 validate and 1,600 test.
    """

    kind: Literal["paper"]

    def assign(self, n_patients: int) -> NDArray[np.str_]:
        """The split of each patient, in the patients' order: ``(n_patients,)``."""
        # What train_test_split does (a test compares them), without the two seconds that importing it takes.
        n_test = int(np.ceil(0.2 * n_patients))
        n_validation = int(np.ceil(0.2 * (n_patients - n_test)))
        order = np.random.RandomState(42).permutation(n_patients)
        rest = order[n_test:][np.random.RandomState(42).permutation(n_patients - n_test)]
        return _deal(np.concatenate([order[:n_test], rest]), n_test, n_validation)


SplitRule = Annotated[RandomSplit | PaperSplit, Field(discriminator="kind")]


def _deal(order: NDArray[np.int64], n_test: int, n_validation: int) -> NDArray[np.str_]:
    """The first of ``order`` are for testing, the next for validation, the others for training."""
    split = np.full(len(order), "train", dtype="<U10")
    split[order[:n_test]] = "test"
    split[order[n_test : n_test + n_validation]] = "validation"
    return split
