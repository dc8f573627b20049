"""How a cohort's releases have gone: what each was worth and what attacks made of it, version by version."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from recondense.bundle.contents import Contents
from recondense.bundle.phrases import in_words, interval
from recondense.charts.svg import Axis, Line, chart, nice
from recondense.results.releases import Spent, Summary, Withdrawn

GUESS = 0.5


@dataclass(frozen=True)
class Row:
    """One release: ``released`` is None of this bundle; ``figures`` and ``privacy`` may be unknown of earlier ones."""

    version: str
    released: str | None
    withdrawn: Withdrawn | None
    figures: Summary | None
    privacy: Spent

    @property
    def auc(self) -> str:
        """On test patients."""
        return interval(self.figures.test_auc) if self.figures else ""

    @property
    def attack(self) -> str:
        """The strongest."""
        attack = self.figures and self.figures.attack
        return f"{attack.name.replace('_', ' ')}, {in_words(attack)}" if attack else ""

    @property
    def epsilon(self) -> str:
        """Of this release."""
        return _bound(self.privacy.epsilon)

    @property
    def together(self) -> str:
        """Epsilon of all releases so far."""
        return _bound(self.privacy.cumulative_epsilon)


def rows(contents: Contents) -> list[Row]:
    """One row a release, oldest first, this bundle last."""
    before = [Row(one.version, one.released, one.withdrawn, one.figures, one.privacy) for one in contents.history]
    epsilon = contents.guarantee.epsilon if contents.guarantee else None
    spent = Spent(epsilon=epsilon, cumulative_epsilon=contents.spent)
    return [*before, Row(contents.version, None, None, Summary.of(contents.metrics), spent)]


def _bound(epsilon: float | None) -> str:
    return "none" if epsilon is None else f"{epsilon:g}"


def charts(releases: Sequence[Row]) -> Iterator[tuple[str, Markup]]:
    """Title and chart of each figure over the versions, where two of the ``releases`` or more have it."""
    summaries = [release.figures for release in releases]
    scores = [(one.test_auc.mean, one.test_auc.low, one.test_auc.high) if one else None for one in summaries]
    attacks = [(one.attack.auc, one.attack.low, one.attack.high) if one and one.attack else None for one in summaries]
    spent = [release.privacy.cumulative_epsilon for release in releases]
    alone = [None if value is None else (value, value, value) for value in spent]
    for title, found, guess in (
        ("AUC on test patients", scores, GUESS),
        ("AUC of the strongest attack", attacks, GUESS),
        ("Epsilon of all releases together", alone, 0.0),
    ):
        if sum(value is not None for value in found) > 1:
            yield title, _over_versions(title, releases, found, guess)


def _over_versions(
    title: str, releases: Sequence[Row], found: Sequence[tuple[float, float, float] | None], guess: float
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
    said = "; ".join(f"{releases[at - 1].version}: {value[0]:.3f}" for at, value in places)
    return chart(lines, x, y, f"{title}. {said}.")
