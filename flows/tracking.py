"""The adapter to MLflow: one run per flow run, one nested run per stage. Scalars, curves and figures; never records.

Everything is read from the files a stage left (``metrics.json``, and curves that hold no record), so a stage knows
nothing of MLflow, and a cached stage is recorded like one that ran.
"""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.common.layout import Layout
from tasks.common.params import block
from tasks.common.records import read_json

EXPERIMENT = "recondense"
# The only tables that may leave a restricted folder for MLflow: per-step losses and scores of whole cohorts
CURVES = {
    "condensation": ("history.parquet", [], "loss"),
    "reference": ("curves.parquet", ["training_set", "network"], "auc"),
    "training": ("curves.parquet", ["training_set", "network"], "auc"),
}


def flat(nested: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested dictionaries with dotted names.

    >>> dict(flat({"test_auc": {"kmeans": {"mean": 0.75}}}))
    {'test_auc.kmeans.mean': 0.75}
    """
    for key, value in nested.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from flat(value, f"{name}.")
        else:
            yield name, value


def _plain(name: str) -> str:
    """``name`` with only the characters that MLflow allows."""
    return "".join(c if c.isalnum() or c in "_-. :/" else "_" for c in name)[:250]


class Tracker:
    """Records one flow run. ``run_id`` is MLflow's id of the parent run."""

    def __init__(self, layout: Layout) -> None:
        from mlflow.tracking import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # a new database is no news
        self.layout = layout
        self.client: Any = MlflowClient(tracking_uri(layout.root))
        found = self.client.get_experiment_by_name(EXPERIMENT)
        self.experiment = (
            found.experiment_id
            if found
            else self.client.create_experiment(
                EXPERIMENT,
                artifact_location=None if os.environ.get("MLFLOW_TRACKING_URI") else (layout.root / "mlruns").as_uri(),
            )
        )
        run = self.client.create_run(
            self.experiment, run_name=f"recondense {layout.cohort}", tags={"cohort": layout.cohort}
        )
        self.run_id: str = run.info.run_id

    @contextmanager
    def recording(self) -> Iterator["Tracker"]:
        """Close the parent run as FINISHED, or FAILED where the flow raises."""
        try:
            yield self
        except BaseException:
            self.client.set_terminated(self.run_id, "FAILED")
            raise
        self.client.set_terminated(self.run_id)

    def stage(self, name: str, state: str) -> None:
        """Record one finished stage: its params, metrics, curves and figures; the parent run gets the metrics too."""
        from mlflow.entities import Metric, Param

        folder = self.layout.folder(name)
        metrics = read_json(folder / "metrics.json")
        numbers = {
            _plain(key): float(value)
            for key, value in flat(metrics)
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        section = block(self.layout.root, self.layout.cohort)[name]
        params = [Param(_plain(key), str(value)[:500]) for key, value in flat(section) if key != "raw"]
        now = int(time.time() * 1000)
        run_id = self.client.create_run(
            self.experiment,
            run_name=name,
            tags={
                "mlflow.parentRunId": self.run_id,
                "cohort": self.layout.cohort,
                "state": state,
                "tier": metrics["tier"],
            },
        ).info.run_id
        curve = self._curve(name, folder, now)
        self._log(run_id, [Metric(key, value, now, 0) for key, value in numbers.items()] + curve, params)
        self._log(
            self.run_id,
            [Metric(f"{name}.{key}", value, now, 0) for key, value in numbers.items()],
            [Param(f"{name}.{param.key}", param.value) for param in params],
        )
        if name == "training":
            from flows.figures import training_figures

            curves = [
                pd.read_parquet(self.layout.folder(each) / "curves.parquet") for each in ("reference", "training")
            ]
            for title, figure in training_figures(metrics, pd.concat(curves)):
                self.client.log_figure(run_id, figure, f"{title}.png")
        self.client.set_terminated(run_id)

    def _log(self, run_id: str, metrics: list[Any], params: list[Any]) -> None:
        for start in range(0, max(len(metrics), 1), 900):  # MLflow takes at most 1,000 items a call
            self.client.log_batch(run_id, metrics[start : start + 900], params if start == 0 else [])

    @staticmethod
    def _curve(name: str, folder: Path, now: int) -> list[Any]:
        from mlflow.entities import Metric

        if name not in CURVES:
            return []
        file, keys, value = CURVES[name]
        table = pd.read_parquet(folder / file)
        points = []
        groups = table.groupby(keys) if keys else [((), table)]
        for key, rows in groups:
            thinned = rows.iloc[:: max(1, len(rows) // 200)]
            title = _plain("curve." + ".".join([*map(str, key), value]))
            points += [
                Metric(title, float(y), now, int(x)) for x, y in zip(thinned["step"], thinned[value], strict=True)
            ]
        return points


def tracking_uri(root: Path) -> str:
    """MLFLOW_TRACKING_URI where it is set, else a database file in the project."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"
