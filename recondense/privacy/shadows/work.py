"""Which shadows a cohort needs, and which are there. Free of torch: a flow asks it what to do."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from recondense.condensation.params import METHODS
from recondense.condensation.params import Params as CondensationParams
from recondense.files.hashes import sha256
from recondense.files.store import Arrays, Store
from recondense.privacy.shadows.params import Params
from recondense.stages import code, plugins
from recondense.stages.catalogue import NORMALISED
from recondense.stages.layout import Layout
from recondense.stages.params import section


@dataclass(frozen=True)
class Work:
    """One cohort's shadows, as params, records and code are now.

    ``condensation``: what the release is asked for. ``key``: a digest of all that a shadow depends on, its number
    aside; so whatever lies under it can be used, by whomever it was computed.
    """

    layout: Layout
    params: Params
    condensation: CondensationParams
    key: str

    @classmethod
    def now(cls, layout: Layout) -> "Work":
        """Raises `InputError` where params.yaml is wrong, `FileNotFoundError` where there are no normalised records."""
        params = section(layout.root, layout.cohort, "shadows", Params)
        condensation = section(layout.root, layout.cohort, "condensation", CondensationParams)
        needed = {
            "records": sha256(source(layout)),
            "code": code.digest("tasks.shadows", plugins.modules(METHODS)[condensation.method]),
            "shadows": params.model_dump(exclude={"count"}),
            "condensation": condensation.model_dump(exclude={"seed", "device", "recipe_search", "reuse", "noise_key"}),
        }
        digest = hashlib.sha256(json.dumps(needed, sort_keys=True, default=str).encode()).hexdigest()
        return cls(layout, params, condensation, digest)

    @property
    def steps(self) -> int | None:
        """What a shadow's method is asked for."""
        return self.condensation.steps if self.params.steps is None else self.params.steps

    @property
    def release_steps(self) -> int:
        """How many steps the release takes; 0 where its method has none."""
        default: int = getattr(plugins.load(METHODS, self.condensation.method), "DEFAULT_STEPS", 0)
        return (self.condensation.steps or default) if default else 0

    def kept(self, index: int) -> Arrays | None:
        """Shadow ``index``, which waits for the others; None where it is yet to be computed."""
        return _store(self.layout).get(self._key(index))

    def keep(self, index: int, shadow: Arrays) -> None:
        """Let shadow ``index`` wait for the others."""
        _store(self.layout).keep(self._key(index), shadow)

    def missing(self) -> list[int]:
        """The shadows that have yet to be computed."""
        return [index for index in range(self.params.count) if self.kept(index) is None]

    def _key(self, index: int) -> str:
        return hashlib.sha256(f"{self.key} {index}".encode()).hexdigest()


def source(layout: Layout) -> Path:
    """The records that shadows are condensed from."""
    return NORMALISED.path(layout)


def clear(layout: Layout) -> None:
    """Remove every shadow of the cohort that waits, those of other params and records among them: they hold records."""
    _store(layout).keep_only(())


def _store(layout: Layout) -> Store:
    return Store(layout.root / ".recondense" / "shadows" / layout.cohort)
