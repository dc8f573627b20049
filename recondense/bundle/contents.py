"""What a bundle is about: all that its documents are written from."""

from dataclasses import dataclass
from pathlib import Path

from recondense.models.recipe import Recipes
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.private.guarantee import Guarantee
from recondense.records.condensed import CondensedSet
from recondense.results.public import Public, Source
from recondense.results.releases import Earlier

CANDIDATE = "candidate"


@dataclass(frozen=True)
class Contents:
    """``metrics``: the public figures; one that is null is not spoken of. ``history``: earlier releases of the cohort,
    oldest first. ``spent``: epsilon of all releases with this one, if any.
    """

    cohort: str
    condensed: CondensedSet
    recipes: Recipes
    preprocessing: Preprocessing
    metrics: Public
    version: str = CANDIDATE
    history: tuple[Earlier, ...] = ()
    spent: float | None = None

    @classmethod
    def load(
        cls, bundle: Path, cohort: str, version: str, history: tuple[Earlier, ...], spent: float | None = None
    ) -> "Contents":
        """What the files in ``bundle`` hold."""
        return cls(
            cohort,
            CondensedSet.load(bundle / "condensed.safetensors"),
            Recipes.load(bundle / "recipe.json"),
            Preprocessing.load(bundle / "preprocessing.json"),
            Public.load(bundle / "metrics.json"),
            version,
            history,
            spent,
        )

    @property
    def title(self) -> str:
        """One line that names the bundle."""
        return f"{self.cohort} {self.version}: {len(self.condensed.labels)} condensed records"

    @property
    def source(self) -> Source:
        """The records it was learned from."""
        return self.metrics.cohort.source

    @property
    def predicted(self) -> str:
        """What is predicted, in words; "" in a bundle that does not state it."""
        target = self.metrics.cohort.target
        return target.in_words() if target else ""

    @property
    def guarantee(self) -> Guarantee | None:
        """The differential privacy of the bundle, where it has any."""
        return self.metrics.privacy.guarantee
