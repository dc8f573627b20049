"""Names of figures that earlier results have otherwise: what was written then reads as what is written now."""

from typing import Any

# By stage, paths through its metrics.json, "*" for any name; the last part is what the figure is called now. A bundle's
# has those of training, and those of privacy below ``privacy``
RENAMED: dict[str, dict[tuple[str, ...], str]] = {
    "shadows": {("outliers",): "canaries"},
    "training": {("n", "controls"): "baselines"},
    "privacy": {
        ("standing_out",): "canaries",
        ("attacks", "*", "control"): "negative_control",
        ("attacks", "*", "rates", "control"): "negative_control",
        ("attacks", "*", "variants", "*", "rates", "control"): "negative_control",
    },
}
RENAMED["release"] = RENAMED["training"] | {("privacy", *path): now for path, now in RENAMED["privacy"].items()}


def in_words_of_now(metrics: Any, stage: str) -> Any:
    """The parsed ``metrics.json`` of a ``stage``; what has no earlier name in it is as it was."""
    for path, now in RENAMED.get(stage, {}).items():
        metrics = _renamed(metrics, path, now)
    return metrics


def _renamed(found: Any, path: tuple[str, ...], now: str) -> Any:
    if not isinstance(found, dict):
        return found
    first, *rest = path
    if not rest:
        return {now if name == first and now not in found else name: value for name, value in found.items()}
    return {name: _renamed(value, tuple(rest), now) if first in ("*", name) else value for name, value in found.items()}
