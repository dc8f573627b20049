"""Pictures of aggregate results, for MLflow and for a person."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recondense.bundle.words import together
from recondense.results.attacks import NotRun, OfGuesses, Withheld
from recondense.results.audit import Audit
from recondense.results.public import Calibration, Public
from recondense.results.scores import Score, Trained
from recondense.results.verdicts import Verdict
from recondense.stages.layout import Layout
from recondense.sweeps.outcomes import Group

Figures = Iterator[tuple[str, Figure]]
COLOURS = {
    "condensed": "#0b6e4f",
    "all_real": "#33415c",
    "random_records": "#c08552",
    "random_records_soft": "#e0b48c",
    "kmeans": "#8d6cab",
    "kmeans_soft": "#c3aed6",
}
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
        yield from training_figures(Trained.load(metrics).test_auc, pd.concat(curves))
    if name == "privacy":
        yield "attacks", _attacks(Audit.load(metrics))
    if name == "release" and (calibration := Public.load(metrics).calibration):
        yield "calibration", _calibration(calibration)


def _loss(history: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
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
    figure = Figure(figsize=(11, 1.4 + 0.36 * len(audit.attacks)), layout="constrained")
    figure.suptitle(together(audit.settings.confidence), fontsize=10)
    panels = figure.subplots(1, max(1, len(kinds)), squeeze=False)[0]
    for axes, (kind, rows) in zip(panels, sorted(kinds.items()), strict=False):
        for place, (_, verdict, low, value, high) in enumerate(rows):
            colour = VERDICT_COLOURS[verdict]
            axes.plot([low, high], [place, place], color=colour)
            axes.plot(value, place, "o", color=colour, markersize=5)
        axes.set_yticks(range(len(rows)), [f"{name.replace('_', ' ')}: {verdict}" for name, verdict, *_ in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.axvline(GUESS[kind], color="#999999", linewidth=1, linestyle=":")
        axes.set_xlabel(f"{kind} (dotted: a guess)")
    return figure


def _calibration(calibration: Calibration) -> Figure:
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=":")
    for name, bins in calibration.of.items():
        spread = [[bin.observed - bin.low for bin in bins], [bin.high - bin.observed for bin in bins]]
        axes.errorbar([bin.risk for bin in bins], [bin.observed for bin in bins], spread, fmt="o-", markersize=4,
                      label=_words(name), color=COLOURS.get(name))  # fmt: skip
    axes.set_xlabel(f"mean risk, {_words(calibration.network)}, ensemble")
    axes.set_ylabel("observed share (95 % interval)")
    axes.legend(frameon=False)
    return figure


def _words(name: str) -> str:
    return name.replace("_", " ")


def training_figures(test_auc: Mapping[str, Score], curves: pd.DataFrame) -> list[tuple[str, Figure]]:
    """Test AUC per network and training set, and how fast each training set reaches it."""
    return [("test_auc", _auc(test_auc)), ("convergence", _convergence(curves))]


def _auc(test_auc: Mapping[str, Score]) -> Figure:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for offset, (name, result) in enumerate(test_auc.items()):
        rows = {"mean": result, **result.by_network}
        x = [position + (offset - (len(test_auc) - 1) / 2) * 0.13 for position in range(len(rows))]
        means = [row.mean for row in rows.values()]
        spread = [[row.mean - row.low for row in rows.values()], [row.high - row.mean for row in rows.values()]]
        axes.errorbar(x, means, spread, fmt="o", markersize=4, label=name.replace("_", " "), color=COLOURS.get(name))
        axes.set_xticks(range(len(rows)), list(rows), rotation=45, ha="right")
    axes.set_ylabel("test AUC (95 % interval)")
    axes.axhline(0.5, color="#bbbbbb", linewidth=1)
    axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.18))
    return figure


def _convergence(curves: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, rows in curves.groupby("training_set"):
        mean = rows.groupby("step")["auc"].mean()
        axes.plot(mean.index, mean, label=str(name).replace("_", " "), color=COLOURS.get(str(name)))
    axes.set_xscale("log")
    axes.set_xlabel("training steps")
    axes.set_ylabel("test AUC, mean over networks")
    axes.legend(frameon=False)
    return figure


def sweep_figure(groups: Sequence[Group]) -> Figure:
    """Test AUC by size, one panel a cohort: a line a method with its range over seeds, all real records as a band."""
    cohorts = list(dict.fromkeys(group.cohort for group in groups))
    figure = Figure(figsize=(1.5 + 4.5 * len(cohorts), 4.5), layout="constrained")
    panels = figure.subplots(1, len(cohorts), squeeze=False)[0]
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
            spread = [[g.mean - min(g.aucs) for g in scored], [max(g.aucs) - g.mean for g in scored]]
            colour = COLOURS.get(METHOD_COLOURS.get(method, method))
            axes.errorbar(
                x, means, spread, fmt="o-", markersize=4, capsize=2, label=method.replace("_", " "), color=colour
            )
    real = next((group.all_real for group in groups if group.all_real), None)
    if real:
        axes.axhspan(real.low, real.high, color=COLOURS["all_real"], alpha=0.12, linewidth=0)
        axes.axhline(real.mean, color=COLOURS["all_real"], linewidth=1, label="all real records (95 % interval)")
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_xlim(sizes[0] / 1.3, sizes[-1] * 1.3)
    axes.set_xlabel("condensed records per class")
