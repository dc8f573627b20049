"""What a flow run says of itself in Prefect's own pages: tables, markdown and links, of aggregate figures alone.

Each artifact has a key of its cohort, so that Prefect keeps them as versions of one: how a cohort's runs have gone.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from recondense.bundle.phrases import beside_real, in_words, interval, reason, together
from recondense.bundle.refused import epsilon, to_change, worth
from recondense.bundle.sentences import sentence
from recondense.engines.dispensable import dispensable
from recondense.escape import markdown
from recondense.files.strict_json import read_json
from recondense.models.predictions import TRAINING_SETS
from recondense.results.audit import Audit
from recondense.results.public import Public
from recondense.results.scores import Training
from recondense.stages.layout import Layout
from recondense.sweeps.outcomes import CellOutcome, Group

MISSING = "Prefect's pages lack what came of this run"
LOCAL_MLFLOW = "http://127.0.0.1:5000"  # where `recondense ui` serves its pages, unless told otherwise


def key(*parts: str) -> str:
    """Prefect's form of a key: a-z, 0-9 and dashes; with a digest where that is not all of the name.

    >>> key("icu", "privacy"), key("icu_a", "privacy"), key("icu-a", "privacy")
    ('icu-privacy', 'icu-a-privacy-7705a1ea', 'icu-a-privacy')
    """
    whole = "-".join(parts)
    plain = re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")
    return plain if plain == whole else f"{plain}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


@dispensable(MISSING)
def of_stage(layout: Layout, name: str) -> None:
    """What came of a finished stage, where that is more than a number."""
    rows, about = ROWS[name](layout.folder(name) / "metrics.json") if name in ROWS else ([], "")
    if rows:
        create_table_artifact(_cells(rows), key=key(layout.cohort, name), description=f"{layout.cohort}: {about}")


@dispensable(MISSING)
def of_refusal(cohort: str, refused: Public | None, reasons: Sequence[str]) -> None:
    """Why the gate refused, what the set is worth beside others, and what to change; the ``reasons`` alone where the
    figures are not at hand."""
    said = [f"## {cohort}: the gate refused this release"]
    if refused:
        said += [
            _table(["trained on", "test AUC (95 % interval)"], worth(refused)),
            *epsilon(refused),
            _table(["the gate's reason", "found", "required", "what to change"], to_change(refused)),
        ]
    else:
        said.append("\n".join(f"- {markdown(_plain(reason))}" for reason in reasons))
    said.append("The last bundle that passed is unchanged.")
    create_markdown_artifact("\n\n".join(said), key=key(cohort, "run"), description=f"{cohort}: refused")


@dispensable(MISSING)
def of_run(layout: Layout, states: dict[str, str], experiment: str | None, run: str | None) -> None:
    """A finished run on one page: each stage, what the bundle is worth, what attacks found; and a link to MLflow."""
    metrics = Public.load(layout.folder("release") / "metrics.json")
    bundle = layout.folder("release").relative_to(layout.root)
    attacks, guarantee = metrics.privacy.attacks, metrics.privacy.guarantee
    succeeded = [name for name, found in attacks.items() if found.verdict == "succeeded"]
    ran = [name for name, state in states.items() if state != "Cached"]
    said = [
        f"## {layout.cohort}: a release candidate",
        f"{sum(metrics.condensed.records_per_class)} condensed records by "
        f"{markdown(_plain(metrics.condensed.method))}. "
        f"Models trained on them reach a test AUC of **{interval(metrics.test_auc['condensed'])}**" + _beside(metrics),
        f"Attacks that succeeded: **{', '.join(map(_plain, succeeded)) or 'none'}** of {len(attacks)}. "
        + (f"Epsilon {guarantee.epsilon:g}, delta {guarantee.delta:g}." if guarantee else "No guarantee is given."),
        f"Ran: {', '.join(ran) or 'nothing, all was current'}.",
        f"The bundle lies in `{bundle}`: `report.html` is its page, `recondense verify {bundle}` checks it, "
        f"`recondense release {layout.cohort}` makes it a release. "
        + (f"MLflow run `{run}`." if run else "No MLflow run."),
    ]
    if against := metrics.override:
        said.insert(1, f"**Released against the gate by {markdown(against.by)}: {markdown(against.reason)}**")
    create_markdown_artifact("\n\n".join(said), key=key(layout.cohort, "run"), description=f"{layout.cohort}: passed")
    link_to_mlflow(layout.cohort, experiment, run)


@dispensable(MISSING)
def link_to_mlflow(name: str, experiment: str | None, run: str | None) -> None:
    """Where a run's metrics, curves and figures are, if anywhere. A local database has pages while `recondense ui`
    runs."""
    if not run:
        return
    server = os.environ.get("MLFLOW_TRACKING_URI", "")
    remote = server.startswith(("http://", "https://"))
    where = "" if remote else f", while `recondense ui` serves it at {LOCAL_MLFLOW}"
    create_link_artifact(
        f"{(server if remote else LOCAL_MLFLOW).rstrip('/')}/#/experiments/{experiment}/runs/{run}",
        link_text=f"MLflow run {run}",
        key=key(name, "mlflow"),
        description=f"metrics, curves and figures of this run{where}",
    )


class Course:
    """A bar in Prefect's pages for the cells of a sweep."""

    def __init__(self, name: str, of: int) -> None:
        self.of = of
        self.bar: UUID | None = None
        with dispensable(MISSING):
            made = create_progress_artifact(0.0, key=key(name, "progress"), description=f"0 of {of} cells")
            self.bar = cast(UUID, made)  # a coroutine only in asynchronous code

    @dispensable(MISSING)
    def at(self, done: int) -> None:
        """``done`` cells have ended."""
        share = 100.0 * done / max(self.of, 1)
        if self.bar:
            update_progress_artifact(self.bar, share, description=f"{done} of {self.of} cells")


@dispensable(MISSING)
def of_sweep(name: str, groups: Sequence[Group], outcomes: Sequence[CellOutcome]) -> None:
    """A sweep's results: a row a cohort, method and size; what failed, and why."""
    rows = [
        {
            "cohort": group.cohort,
            "method": _plain(group.method),
            "records a class": group.records_per_class,
            "seeds": len(group.aucs),
            "test AUC": f"{group.mean:.3f} ({min(group.aucs):.3f} to {max(group.aucs):.3f})" if group.aucs else "",
            "all real": f"{group.all_real['mean']:.3f}" if group.all_real else "",
            "retained": f"{group.retained:.1%}" if group.retained is not None else "",
        }
        for group in groups
    ]
    create_table_artifact(_cells(rows), key=key(name, "results"), description="test AUC: mean over seeds (range)")
    failed = [{"cell": str(one.cell), "reason": one.reason} for one in outcomes if one.reason]
    if failed:
        create_table_artifact(_cells(failed), key=key(name, "failed"), description="cells that did not come through")


def _beside(metrics: Public) -> str:
    return f". {beside_real(metrics)}"


def _counts(file: Path) -> tuple[list[dict[str, Any]], str]:
    rows = [
        {
            "of": unit,
            "in": count["in"],
            "kept": count["kept"],
            "set aside": "; ".join(f"{reason}: {n}" for reason, n in count["set_aside"].items()) or "none",
        }
        for unit, count in read_json(file)["counts"].items()
    ]
    return rows, "what came in, what was kept, and why the rest was set aside"


def _worth(file: Path) -> tuple[list[dict[str, Any]], str]:
    metrics = Training.load(file)
    rows = [
        {
            "trained on": TRAINING_SETS.get(name, name),
            "test AUC (95 % interval)": interval(found),
            **{_plain(network): f"{score.mean:.3f}" for network, score in found.by_network.items()},
        }
        for name, found in metrics.test_auc.items()
    ]
    return rows, f"test AUC, mean over {len(metrics.mean_over)} networks, and of each network"


def _attacks(file: Path) -> tuple[list[dict[str, Any]], str]:
    audit = Audit.load(file)
    rows = [
        {"attack": _plain(name), "verdict": found.verdict, "found": in_words(found), "why": reason(found)}
        for name, found in audit.attacks.items()
    ]
    return rows, f"privacy attacks on the condensed records; {together(audit.settings.confidence)}"


def _gate(file: Path) -> tuple[list[dict[str, Any]], str]:
    rows = [
        {"condition": one.name, "found": one.found, "required": one.required}
        for one in map(sentence, Public.load(file).gate)
    ]
    return rows, "what the release had to satisfy"


ROWS = {"ingestion": _counts, "training": _worth, "privacy": _attacks, "release": _gate}


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [headings, ["---"] * len(headings), *([markdown(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _cells(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a table, in whose cells Prefect's pages read Markdown."""
    return [{name: markdown(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows]
