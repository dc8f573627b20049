"""What a user may set for this room."""

from typing import Any, Literal

from pydantic import Field, field_validator

from tasks.common import plugins
from tasks.common.params import RoomParams

ATTACKS = "tasks.privacy.attacks"


class Params(RoomParams):
    """``attacks``: files in ``attacks/``, or "all". An attack is ``resisted`` only where its AUC is certain, at
    ``confidence``, to lie within ``margin`` of guessing (0.5). ``options`` holds settings by attack."""

    attacks: tuple[str, ...] | Literal["all"] = "all"
    margin: float = Field(default=0.05, gt=0, lt=0.5)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    seed: int = Field(default=0, ge=0, lt=2**32)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("attacks", "options")
    @classmethod
    def _known_attacks(cls, named: Any) -> Any:
        known = plugins.names(ATTACKS)
        for attack in () if named == "all" else named:
            if attack not in known:
                raise ValueError(f"no '{attack}' in {ATTACKS.replace('.', '/')}; choose from: {', '.join(known)}")
        if named == ():
            raise ValueError(f"name at least one attack, or all; there are: {', '.join(known)}")
        return named

    def chosen(self) -> list[str]:
        """The chosen attacks."""
        return plugins.names(ATTACKS) if self.attacks == "all" else list(self.attacks)
