"""What a user may set for this stage."""

from typing import Any, Literal

from pydantic import Field, field_validator

from recondense.models.recipe import RecipeSearch
from recondense.stages import plugins
from recondense.stages.params import StageParams

METHODS = "recondense.condensation.methods"


class Params(StageParams):
    """``method`` is a file in ``methods/``. ``steps``: None is the method's own default; methods without steps have no
    use for it. ``options`` holds settings by method, so that another method can be chosen without editing them:
    ``{distribution_matching: {representation: output}}``; those of the chosen method are read. ``recipe_search``:
    among which training recipes the set's own are chosen. Of methods with a guarantee: ``reuse``, the number of an
    asking whose answers are taken again in place of asking patients; ``noise_key``, the SHA-256 of a ``noise.key`` that
    takes the place of the one that the ledger knows."""

    method: str = "unrolled"
    records_per_class: int = Field(default=10, ge=1)
    steps: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**32)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    recipe_search: RecipeSearch = RecipeSearch()
    reuse: int | None = Field(default=None, ge=1)
    noise_key: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")

    @field_validator("method")
    @classmethod
    def _known_method(cls, method: str) -> str:
        known = plugins.names(METHODS)
        if method not in known:
            raise ValueError(f"no '{method}' in {METHODS.replace('.', '/')}; choose one of: {', '.join(known)}")
        return method

    @field_validator("options")
    @classmethod
    def _options_by_method(cls, options: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for method in options:
            cls._known_method(method)
        return options
