"""What a bundle is about: all that its documents are written from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.common.preprocessing import Preprocessing
from tasks.common.records import CondensedSet, read_json
from tasks.networks.recipe import Recipes

CANDIDATE = "candidate"


@dataclass(frozen=True)
class Contents:
    """``metrics``: the public figures; any that is about real patients may be missing, and is then not spoken of.

    ``history``: earlier releases of the cohort, oldest first: ``version``, ``released`` (time), ``withdrawn``, None
    or ``{time, reason}``, ``figures`` as `tasks.release.course.summary` has them, and ``privacy``, its ``epsilon``
    and the ``cumulative_epsilon`` of all up to it. ``spent``: epsilon of all releases with this one, if any.
    """

    cohort: str
    condensed: CondensedSet
    recipes: Recipes
    preprocessing: Preprocessing
    metrics: dict[str, Any]
    version: str = CANDIDATE
    history: tuple[dict[str, Any], ...] = ()
    spent: float | None = None

    @classmethod
    def load(
        cls, bundle: Path, cohort: str, version: str, history: tuple[dict[str, Any], ...], spent: float | None = None
    ) -> "Contents":
        """What the files in ``bundle`` hold."""
        return cls(
            cohort,
            CondensedSet.load(bundle / "condensed.safetensors"),
            Recipes.load(bundle / "recipe.json"),
            Preprocessing.load(bundle / "preprocessing.json"),
            read_json(bundle / "metrics.json"),
            version,
            history,
            spent,
        )

    @property
    def title(self) -> str:
        """One line that names the bundle."""
        return f"{self.cohort} {self.version}: {len(self.condensed.labels)} condensed records"

    @property
    def source(self) -> dict[str, str]:
        """``title``, ``licence``, ``url`` and ``citation`` of the records it was learned from."""
        found: dict[str, str] = self.metrics["cohort"]["source"]
        return found

    @property
    def guarantee(self) -> dict[str, Any] | None:
        """The differential privacy of the bundle, ``epsilon``, ``delta`` and ``items``, where it has any."""
        found = self.metrics["privacy"].get("guarantee")
        return found if isinstance(found, dict) and found.get("epsilon") is not None else None
