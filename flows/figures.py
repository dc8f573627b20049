"""Pictures of aggregate results, for MLflow."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

COLOURS = {
    "condensed": "#0b6e4f",
    "all_real": "#33415c",
    "random_records": "#c08552",
    "random_records_soft": "#e0b48c",
    "kmeans": "#8d6cab",
    "kmeans_soft": "#c3aed6",
}


def training_figures(metrics: dict[str, Any], curves: pd.DataFrame) -> list[tuple[str, Figure]]:
    """Test AUC per network and training set, and how fast each training set reaches it."""
    return [("test_auc", _auc(metrics["test_auc"])), ("convergence", _convergence(curves))]


def _auc(test_auc: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for offset, (name, result) in enumerate(test_auc.items()):
        rows = {"mean": result, **result["by_network"]}
        x = [position + (offset - (len(test_auc) - 1) / 2) * 0.13 for position in range(len(rows))]
        means = [row["mean"] for row in rows.values()]
        spread = [
            [row["mean"] - row["low"] for row in rows.values()],
            [row["high"] - row["mean"] for row in rows.values()],
        ]
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
