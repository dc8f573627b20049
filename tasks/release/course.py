"""How a cohort's releases have gone: what each was worth and what attacks made of it, version by version."""

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from tasks.common.verdicts import in_words
from tasks.release.charts import Axis, Line, chart, nice
from tasks.release.contents import Contents
from tasks.release.words import interval

GUESS = 0.5
BOUNDS = ("low", "high")


def summary(metrics: dict[str, Any]) -> dict[str, Any]:
    """The few public figures by which releases are compared: ``test_auc`` of the condensed set, and ``attack``, the
    ``name``, ``auc`` and interval of the attack with the highest AUC; None where no figure of an attack is stated."""
    score, attacks = metrics["test_auc"]["condensed"], metrics["privacy"]["attacks"]
    measured = {name: attack for name, attack in attacks.items() if attack.get("auc") is not None}
    name = max(measured, key=lambda one: measured[one]["auc"], default=None)
    return {
        "test_auc": {key: score[key] for key in ("mean", *BOUNDS)},
        "attack": name and {"name": name, **{key: measured[name][key] for key in ("auc", *BOUNDS)}},
    }


def rows(contents: Contents) -> list[dict[str, Any]]:
    """One row a release, oldest first, this bundle last: ``version``, ``released``, ``withdrawn``, the figures in words
    (``auc``, ``attack``, ``epsilon``, ``together`` of all so far), and ``figures`` as `summary` has them."""
    own = {
        "version": contents.version,
        "released": None,
        "withdrawn": None,
        "figures": summary(contents.metrics),
        "privacy": {"epsilon": (contents.guarantee or {}).get("epsilon"), "cumulative_epsilon": contents.spent},
    }
    return [{**one, **_in_words(one)} for one in (*contents.history, own)]


def _in_words(release: dict[str, Any]) -> dict[str, str]:
    figures, privacy = release.get("figures") or {}, release.get("privacy") or {}
    attack = figures.get("attack")
    return {
        "auc": interval(figures["test_auc"]) if figures else "",
        "attack": f"{attack['name'].replace('_', ' ')}, {in_words(attack)}" if attack else "",
        "epsilon": _bound(privacy.get("epsilon")),
        "together": _bound(privacy.get("cumulative_epsilon")),
    }


def _bound(epsilon: float | None) -> str:
    return "none" if epsilon is None else f"{epsilon:g}"


def charts(releases: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Markup]]:
    """Title and chart of each figure over the versions, where two of the ``releases`` or more have it."""
    scores = [_of(release, "test_auc", "mean") for release in releases]
    attacks = [_of(release, "attack", "auc") for release in releases]
    spent = [(release.get("privacy") or {}).get("cumulative_epsilon") for release in releases]
    alone = [value and (value, value, value) for value in spent]
    for title, found, guess in (
        ("AUC on test patients", scores, GUESS),
        ("AUC of the strongest attack", attacks, GUESS),
        ("Epsilon of all releases together", alone, 0.0),
    ):
        if sum(value is not None for value in found) > 1:
            yield title, _over_versions(title, releases, found, guess)


def _of(release: dict[str, Any], figure: str, key: str) -> tuple[float, float, float] | None:
    found = (release.get("figures") or {}).get(figure)
    return found and (found[key], found["low"], found["high"])


def _over_versions(
    title: str, releases: Sequence[dict[str, Any]], found: Sequence[tuple[float, float, float] | None], guess: float
) -> Markup:
    places = [(place, value) for place, value in enumerate(found, start=1) if value]
    drawn = [number for _, value in places for number in value] + [guess]
    margin = 0.05 * (max(drawn) - min(drawn)) or 0.05
    y = Axis(min(drawn) - margin, max(drawn) + margin, ticks=nice(min(drawn), max(drawn)))
    every = -(-len(found) // 10)
    x = Axis(0.5, len(found) + 0.5, "release, oldest first", range(1, len(found) + 1, every))
    lines = [
        Line([(0.5, guess), (len(found) + 0.5, guess)], "ideal"),
        Line([(at, value[0]) for at, value in places], "condensed", [value[1:] for _, value in places], dots=True),
    ]
    said = "; ".join(f"{releases[at - 1]['version']}: {value[0]:.3f}" for at, value in places)
    return chart(lines, x, y, f"{title}. {said}.")
