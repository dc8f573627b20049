"""The comparison as one picture."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from recondense.charts import COLOURS, GREY, PALETTE
from recondense.charts.picture import interval, paper, rule, words
from recondense.publishing.compare.candidates import SWEEP, Candidate


def figure(cohort: str, found: Sequence[Candidate]) -> Figure:
    """A row a candidate: test AUC with interval, networks and seeds; the strongest attack; seconds; epsilon."""
    rows = list(reversed(found))  # matplotlib counts from below
    methods = list(dict.fromkeys(one.method for one in found))
    colours = [PALETTE[methods.index(one.method) % len(PALETTE)] for one in rows]
    height = 1.9 + 0.42 * len(rows)
    drawn, (worth, attacked, took) = paper(13, height, columns=3, sharey=True, width_ratios=(5, 3, 2.4))
    for place, (one, colour) in enumerate(zip(rows, colours, strict=True)):
        small = [*one.networks.values()] if one.networks else []
        worth.plot(small, [place + 0.22] * len(small), "|", color=colour, alpha=0.45, markersize=5)
        seeds = one.aucs if len(one.aucs) > 1 else ()
        worth.plot(seeds, [place - 0.22] * len(seeds), ".", color=colour, alpha=0.6, markersize=5)
        interval(worth, place, one.auc["low"], one.auc["mean"], one.auc["high"], colour)
        if one.attack:
            interval(attacked, place, one.attack.low, one.attack.auc, one.attack.high, colour)
            attacked.annotate(
                words(one.attack.name),
                (one.attack.auc, place + 0.2),
                fontsize=7,
                ha="center",
                va="bottom",
            )
        else:
            attacked.annotate(
                "not attacked", (0.04, place), xycoords=("axes fraction", "data"), fontsize=8, color=GREY, va="center"
            )
        if one.seconds:
            took.barh(place, one.seconds, height=0.5, color=colour, alpha=0.8)
            guarantee = f"  epsilon {one.epsilon:g}" if one.epsilon else ""
            took.annotate(f" {one.seconds:.3g} s{guarantee}", (one.seconds, place), fontsize=8, va="center")
    real = next((one.all_real for one in reversed(found) if one.all_real), None)
    if real:
        worth.axvspan(real["low"], real["high"], color=COLOURS["all_real"], alpha=0.08, linewidth=0)
        worth.axvline(real["mean"], color=COLOURS["all_real"], linewidth=1)
    for axes in (worth, attacked):
        rule(axes, 0.5, upright=True)
    worth.set_yticks(range(len(rows)), [f"{one.label}\n{_under(one)}" for one in rows], fontsize=8)
    worth.set_ylim(-0.6, len(rows) - 0.4)
    worth.set_title(f"{cohort}: test AUC, mean and 95 % interval", loc="left", fontsize=10)
    worth.set_xlabel(
        "ticks above: networks; dots below: seeds" + ("; line and band: all real records" if real else ""), fontsize=8
    )
    attacked.set_title("strongest attack, AUC", loc="left", fontsize=10)
    attacked.set_xlabel("dotted: a guess", fontsize=8)
    took.set_title("seconds to condense", loc="left", fontsize=10)
    took.set_xscale("log")
    took.margins(x=0.45)
    for axes in (worth, attacked, took):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    return drawn


def _under(one: Candidate) -> str:
    if one.state == SWEEP:
        return f"sweep, {len(one.aucs)} seed{'s' if len(one.aucs) > 1 else ''}"
    return one.state
