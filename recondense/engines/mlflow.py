"""The adapter to MLflow: one run per flow run, one nested run per stage, or per cell of a sweep.

Scalars, curves, figures, what was read and by which code; never records. Everything about a stage is read from the
files it left (``metrics.json``, curves that hold no record, and the bundle's page), so a stage knows nothing of MLflow,
and a cached stage is recorded like one that ran.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd

from recondense.bundle.contents import CANDIDATE
from recondense.engines.dispensable import dispensable, lost, tell
from recondense.engines.named import leaves, named
from recondense.engines.settings import use_local_services
from recondense.errors import InputError
from recondense.files.strict_json import read_json
from recondense.ledger.origin import versions
from recondense.probes.finding import check
from recondense.probes.servers import servers
from recondense.probes.state import MEND_MLFLOW, check_database
from recondense.results.audit import Audit
from recondense.stages.layout import Layout
from recondense.stages.params import block
from recondense.stages.tiers import Tier
from recondense.sweeps.outcomes import CellOutcome, Group
from recondense.terminal import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPERIMENT = "recondense"
DATABASE = "mlflow.db"
VERSION = "version"  # a tag: the release that the run's bundle became
REFUSED = "gate_refused"  # a tag: why
# The only tables that may leave a restricted folder for MLflow: per-step losses and scores of whole cohorts
CURVES = {
    "condensation": ("history.parquet", [], "loss"),
    "reference": ("curves.parquet", ["training_set", "network"], "auc"),
    "training": ("curves.parquet", ["training_set", "network"], "auc"),
}


def _metrics(nested: Mapping[str, Any], above: tuple[str, ...] = ()) -> list[Any]:
    """The numbers among the leaves of ``nested``, as MLflow metrics."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [
        Metric(named(*names), float(value), now, 0)
        for names, value in leaves(nested, above)
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


def _params(section: Mapping[str, Any], above: tuple[str, ...] = ()) -> list[Any]:
    """A section of params.yaml as MLflow params; not where the raw records are."""
    from mlflow.entities import Param

    there = (*above, "raw")
    return [Param(named(*names), str(value)[:500]) for names, value in leaves(section, above) if names != there]


def code(root: Path) -> dict[str, str]:
    """Tags that say which code works here: the commit, under MLflow's name for it too, and whether it was edited."""
    found = versions(root)
    if not found["commit"]:
        return {}
    commit = {"git_commit": str(found["commit"]), "mlflow.source.git.commit": str(found["commit"])}
    return commit | ({"git_edited": "true"} if found["dirty"] else {})


class Tracker:
    """Records one flow run. ``run_id`` is MLflow's id of the parent run, None where it made none; ``tags`` are those of
    all its runs. What MLflow does not take is told, and ends no run."""

    def __init__(self, root: Path, name: str, tags: dict[str, str]) -> None:
        self.client: Any = _Store(tracking_uri(root))
        found = self.client.get_experiment_by_name(EXPERIMENT)
        place = None if os.environ.get("MLFLOW_TRACKING_URI") else (root / "mlruns").as_uri()
        self.experiment: str | None = (
            found.experiment_id if found else self.client.create_experiment(EXPERIMENT, artifact_location=place)
        )
        self.tags = {**tags, **code(root)}
        self.run_id = self._begun(name, self.tags)

    @contextmanager
    def recording(self) -> Iterator["Tracker"]:
        """Close the parent run as FINISHED, or FAILED where the flow raises."""
        try:
            yield self
        except BaseException:
            self.client.set_terminated(self.run_id, "FAILED")
            raise
        self.client.set_terminated(self.run_id)

    def stage(self, layout: Layout, name: str, state: str, read: Mapping[str, str]) -> None:
        """Record one finished stage: its params, metrics, curves, figures, and what it ``read`` (hashes by path).

        The parent run, which people look at, gets all but the curves too.
        """
        folder = layout.folder(name)
        metrics = read_json(folder / "metrics.json")
        section = block(layout.root, layout.cohort)[name]
        run_id = self._nested(name, {"state": state, "tier": metrics["tier"]})
        self._log(run_id, _metrics(metrics) + self._curve(name, folder), _params(section))
        self._log(self.run_id, _metrics(metrics, (name,)), _params(section, (name,)))
        self._figures(run_id, layout, name)
        for each in (run_id, self.run_id):
            self._inputs(each, layout.cohort, read, name)
        if name == "privacy":
            attacks = Audit.load(folder / "metrics.json").attacks
            succeeded = [attack for attack, found in attacks.items() if found.verdict == "succeeded"]
            self.client.set_tag(self.run_id, "attacks_that_succeeded", ", ".join(succeeded) or "none")
        if name == "release":
            self.client.set_tag(self.run_id, VERSION, CANDIDATE)
            for each in (run_id, self.run_id):
                self.client.log_artifact(each, str(folder / "report.html"))
        self.client.set_terminated(run_id)

    def refused(self, reasons: Sequence[str]) -> None:
        """Record why the gate refused."""
        self.client.set_tag(self.run_id, REFUSED, "; ".join(reasons)[:5000])

    def cell(self, outcome: CellOutcome, read: Mapping[str, str]) -> None:
        """Record one finished cell of a sweep: its params, what it ``read``, and its scores or why it failed."""
        cell = outcome.cell
        tags = {"cohort": cell.cohort, "method": cell.method, "state": outcome.state, "tier": str(Tier.AGGREGATE)}
        run_id = self._nested(str(cell), tags | ({"reason": outcome.reason} if outcome.reason else {}))
        chosen = {"method": cell.method, "records_per_class": cell.records_per_class, "seed": cell.seed}
        self._log(run_id, _metrics(outcome.scores), _params({"cohort": cell.cohort, **chosen, **cell.sections}))
        self._inputs(run_id, cell.cohort, read, "condensation")
        self.client.set_terminated(run_id, "FAILED" if outcome.reason else "FINISHED")

    def sweep(self, groups: list[Group], figure: "Figure") -> None:
        """Record a whole sweep in the parent run: one metric a cohort and method, its steps the sizes; the figure."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        scored = [group for group in groups if group.aucs]
        points = [
            Metric(named("test_auc", group.cohort, group.method), group.mean, now, group.records_per_class)
            for group in scored
        ]
        self._log(self.run_id, points, [])
        self.client.log_figure(self.run_id, figure, "sweep.png")

    def _nested(self, name: str, tags: dict[str, str]) -> str | None:
        """Begin a nested run; returns its id."""
        return self._begun(name, {"mlflow.parentRunId": self.run_id, **self.tags, **tags}) if self.run_id else None

    def _begun(self, name: str, tags: dict[str, str]) -> str | None:
        run = self.client.create_run(self.experiment, run_name=name, tags=tags)
        return str(run.info.run_id) if run else None

    def _figures(self, run_id: str | None, layout: Layout, name: str) -> None:
        from recondense.charts.picture import save
        from recondense.sweeps.figures import of_stage

        with dispensable(f"MLflow lacks figures of {name}"), TemporaryDirectory() as scratch:
            for title, figure in of_stage(layout, name):
                save(figure, drawn := Path(scratch) / f"{title}.png")
                for each in (run_id, self.run_id):
                    self.client.log_artifact(each, str(drawn))

    def _inputs(self, run_id: str | None, cohort: str, read: Mapping[str, str], context: str) -> None:
        from recondense.engines.datasets import inputs

        if found := inputs(cohort, read, context):
            self.client.log_inputs(run_id, found)

    def _log(self, run_id: str | None, metrics: list[Any], params: list[Any]) -> None:
        for start in range(0, len(metrics), 900):  # MLflow takes at most 1,000 items a call
            self.client.log_batch(run_id, metrics[start : start + 900])
        if params:  # by themselves: of a call that fails nothing is kept
            self.client.log_batch(run_id, params=params)

    @staticmethod
    def _curve(name: str, folder: Path) -> list[Any]:
        from mlflow.entities import Metric

        if name not in CURVES:
            return []
        file, keys, value = CURVES[name]
        now = int(time.time() * 1000)
        table = pd.read_parquet(folder / file)
        points = []
        groups = table.groupby(keys) if keys else [((), table)]
        for key, rows in groups:
            thinned = rows.iloc[:: max(1, len(rows) // 200)]
            title = named("curve", *map(str, key), value)
            points += [
                Metric(title, float(y), now, int(x)) for x, y in zip(thinned["step"], thinned[value], strict=True)
            ]
        return points


class _Store:
    """MLflow's client, all of whose calls return None where MLflow does not take them, which is told.

    A run that could not be begun takes nothing; of a server that does not answer nothing more is asked.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._gone = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(about: Any, *arguments: Any, **options: Any) -> Any:
            if self._gone or about is None:
                return None
            try:
                return getattr(self._client, name)(about, *arguments, **options)
            except Exception as error:  # MLflow passes on those of its stores and of HTTP
                self._gone = lost(error)
                tell("MLflow lacks what came of this run", error)
                return None

        return ask

    @cached_property
    def _client(self) -> Any:
        from mlflow.tracking import MlflowClient

        for name in ("mlflow", "urllib3"):  # a new database is no news, and of what fails `tell` says all
            logging.getLogger(name).setLevel(logging.CRITICAL)
        return MlflowClient(self._uri)


def tracking_uri(root: Path) -> str:
    """MLFLOW_TRACKING_URI where it is set, else a database file in the project."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / DATABASE}"


def client(root: Path) -> Any:
    """A client of the MLflow that runs were recorded in. Raises `InputError` where there is none yet."""
    use_local_services(root)
    from mlflow.tracking import MlflowClient

    if os.environ.get("MLFLOW_TRACKING_URI"):
        check(servers("MLflow"))
    elif (root / DATABASE).is_file():
        check_database(root / DATABASE, MEND_MLFLOW)
    else:
        raise InputError(f"nothing was recorded in MLflow yet ({DATABASE} is missing): `recondense run COHORT` does")
    return MlflowClient(tracking_uri(root))


def tag(root: Path, run_id: str | None, **tags: str) -> None:
    """Tag the run that made a bundle with what became of it: its version, or why it was withdrawn.

    A bundle that no run made, or whose run is not in this MLflow (a colleague's, say), is told of and holds nothing up.
    """
    try:
        for name, value in tags.items() if run_id else ():
            client(root).set_tag(run_id, name, value)
    except Exception:  # of its stores and of HTTP, too: what is released is released
        say(f"this MLflow has no run {run_id}, which made the bundle, so nothing is noted there")
