"""Pictures of aggregate results, for MLflow and for a person."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recondense.bundle.phrases import together
from recondense.charts import COLOURS, GREY
from recondense.charts.picture import interval, intervals, paper, rule, words
from recondense.results.attacks import NotRun, OfGuesses, Withheld
from recondense.results.audit import Audit
from recondense.results.public import Calibration, Public
from recondense.results.scores import Score, Training
from recondense.results.verdicts import Verdict
from recondense.stages.layout import Layout
from recondense.sweeps.outcomes import Group

Figures = Iterator[tuple[str, Figure]]
VERDICT_COLOURS: dict[Verdict, str] = {
    "succeeded": "#b3261e",
    "above guessing": "#c9702b",
    "inconclusive": "#777777",
    "resisted": "#0b6e4f",
}
GUESS = {"AUC": 0.5, "risk": 0.0}
METHOD_COLOURS = {"unrolled": "condensed"}


def of_stage(layout: Layout, name: str) -> Figures:
    """Title and figure of whatever there is to see of a stage, from the metrics and curves that it left."""
    metrics = layout.folder(name) / "metrics.json"
    if name == "condensation":
        history = pd.read_parquet(layout.folder(name) / "history.parquet")
        if len(history) > 1:
            yield "loss", _loss(history)
    if name == "training":
        curves = [pd.read_parquet(layout.folder(each) / "curves.parquet") for each in ("reference", "training")]
        yield from training_figures(Training.load(metrics).test_auc, pd.concat(curves))
    if name == "privacy":
        yield "attacks", _attacks(Audit.load(metrics))
    if name == "release" and (calibration := Public.load(metrics).calibration):
        yield "calibration", _calibration(calibration)


def _loss(history: pd.DataFrame) -> Figure:
    figure, (axes,) = paper(8, 4.5)
    smooth = history["loss"].rolling(max(1, len(history) // 50), min_periods=1).mean()
    axes.plot(history["step"], history["loss"], color=COLOURS["condensed"], alpha=0.25, linewidth=0.8)
    axes.plot(history["step"], smooth, color=COLOURS["condensed"])
    axes.set_xlabel("condensation step")
    axes.set_ylabel("loss (pale: each step; dark: running mean)")
    return figure


def _attacks(audit: Audit) -> Figure:
    """What each attack found: AUC beside a guess's 0.5, risk beside its 0."""
    kinds: dict[str, list[tuple[str, Verdict, float, float, float]]] = {}
    for name, found in reversed(audit.attacks.items()):
        if not isinstance(found, NotRun | Withheld):
            kind, value = ("risk", found.risk) if isinstance(found, OfGuesses) else ("AUC", found.auc)
            kinds.setdefault(kind, []).append((name, found.verdict, found.low, value, found.high))
    figure, panels = paper(11, 1.4 + 0.36 * len(audit.attacks), columns=max(1, len(kinds)))
    figure.suptitle(together(audit.settings.confidence), fontsize=10)
    for axes, (kind, rows) in zip(panels, sorted(kinds.items()), strict=False):
        for place, (_, verdict, low, value, high) in enumerate(rows):
            interval(axes, place, low, value, high, VERDICT_COLOURS[verdict])
        axes.set_yticks(range(len(rows)), [f"{words(name)}: {verdict}" for name, verdict, *_ in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        rule(axes, GUESS[kind], upright=True)
        axes.set_xlabel(f"{kind} (dotted: a guess)")
    return figure


def _calibration(calibration: Calibration) -> Figure:
    figure, (axes,) = paper(5, 5)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    for name, bins in calibration.of.items():
        risks, observed = [bin.risk for bin in bins], [bin.observed for bin in bins]
        bounds = [(bin.low, bin.high) for bin in bins]
        intervals(axes, risks, observed, bounds, "o-", label=words(name), color=COLOURS.get(name))
    axes.set_xlabel(f"mean risk, {words(calibration.network)}, ensemble")
    axes.set_ylabel("observed share (95 % interval)")
    axes.legend(frameon=False)
    return figure


def training_figures(test_auc: Mapping[str, Score], curves: pd.DataFrame) -> list[tuple[str, Figure]]:
    """Test AUC per network and training set, and how fast each training set reaches it."""
    return [("test_auc", _auc(test_auc)), ("convergence", _convergence(curves))]


def _auc(test_auc: Mapping[str, Score]) -> Figure:
    figure, (axes,) = paper(8, 4.5)
    for offset, (name, result) in enumerate(test_auc.items()):
        rows = {"mean": result, **result.by_network}
        x = [position + (offset - (len(test_auc) - 1) / 2) * 0.13 for position in range(len(rows))]
        means, bounds = [row.mean for row in rows.values()], [(row.low, row.high) for row in rows.values()]
        intervals(axes, x, means, bounds, label=words(name), color=COLOURS.get(name))
        axes.set_xticks(range(len(rows)), list(rows), rotation=45, ha="right")
    axes.set_ylabel("test AUC (95 % interval)")
    rule(axes, 0.5)
    axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.18))
    return figure


def _convergence(curves: pd.DataFrame) -> Figure:
    figure, (axes,) = paper(8, 4.5)
    for name, rows in curves.groupby("training_set"):
        mean = rows.groupby("step")["auc"].mean()
        axes.plot(mean.index, mean, label=words(str(name)), color=COLOURS.get(str(name)))
    axes.set_xscale("log")
    axes.set_xlabel("training steps")
    axes.set_ylabel("test AUC, mean over networks")
    axes.legend(frameon=False)
    return figure


def sweep_figure(groups: Sequence[Group]) -> Figure:
    """Test AUC by size, one panel a cohort: a line a method with its range over seeds, all real records as a band."""
    cohorts = list(dict.fromkeys(group.cohort for group in groups))
    figure, panels = paper(1.5 + 4.5 * len(cohorts), 4.5, columns=len(cohorts))
    methods = list(dict.fromkeys(group.method for group in groups))
    for axes, cohort in zip(panels, cohorts, strict=True):
        _sweep_panel(axes, [group for group in groups if group.cohort == cohort], methods)
        axes.set_title(cohort, loc="left")
    panels[0].set_ylabel("test AUC (mean and range over seeds)")
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _sweep_panel(axes: Axes, groups: Sequence[Group], methods: Sequence[str]) -> None:
    sizes = sorted({group.records_per_class for group in groups})
    for index, method in enumerate(methods):
        scored = sorted((g for g in groups if g.method == method and g.aucs), key=lambda g: g.records_per_class)
        if scored:
            # Sizes are a ratio apart; a small one between methods keeps their bars apart
            x = [group.records_per_class * 1.03 ** (index - (len(methods) - 1) / 2) for group in scored]
            means = [group.mean for group in scored]
            bounds = [(min(group.aucs), max(group.aucs)) for group in scored]
            colour = COLOURS.get(METHOD_COLOURS.get(method, method))
            intervals(axes, x, means, bounds, "o-", capsize=2, label=words(method), color=colour)
    real = next((group.all_real for group in groups if group.all_real), None)
    if real:
        axes.axhspan(real["low"], real["high"], color=COLOURS["all_real"], alpha=0.12, linewidth=0)
        axes.axhline(real["mean"], color=COLOURS["all_real"], linewidth=1, label="all real records (95 % interval)")
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_xlim(sizes[0] / 1.3, sizes[-1] * 1.3)
    axes.set_xlabel("condensed records per class")
