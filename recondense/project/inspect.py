"""Look at a cohort before anything is condensed: what there is, and what looks wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from recondense.cohorts.params import Params as Ingestion
from recondense.engines.dvc import Pipeline, one_at_a_time
from recondense.files import atomic
from recondense.inspection.cohort import Cohort
from recondense.inspection.found import Flow, Inspection, Measured, Prevalence
from recondense.inspection.inspection import inspect as look_at
from recondense.inspection.page import best, page
from recondense.preprocessing.params import Params as Normalisation
from recondense.progress import working
from recondense.project.follow import follow
from recondense.stages.layout import Layout
from recondense.stages.params import section
from recondense.terminal import Terminal, say_stage

PAGE = "inspection.html"
PERCENTILES = ("1", "5", "50", "95", "99")  # a terminal has no room for all


@dataclass(frozen=True)
class Inspected:
    """What was ``found`` in ``cohort``, and the ``page`` that shows it in pictures."""

    cohort: str
    page: Path
    found: Inspection

    def as_json(self) -> dict[str, Any]:
        """For who reads it by program."""
        return {"cohort": self.cohort, "page": str(self.page), **self.found.as_json()}


def inspect(root: Path, cohort: str) -> Inspected:
    """Look at ``cohort``, and write the page.

    Runs ingestion first where it is not current. The page lies in ingestion's restricted folder, which a later
    ingestion replaces as a whole, so it never stands beside records that it does not describe. Raises `InputError`,
    `StageFailed`.
    """
    layout = Layout(root, cohort)
    follow(root)
    section(root, cohort, "ingestion", Ingestion)
    grid = section(root, cohort, "normalisation", Normalisation)
    with one_at_a_time(layout):
        pipeline, stage = Pipeline(root, cohort), f"ingestion@{cohort}"
        if pipeline.key(stage) is None:
            say_stage("ingestion", "Running")
            say_stage("ingestion", "Completed", pipeline.run(stage))
        folder = layout.folder("ingestion")
        with working("looking at the cohort"):
            found = look_at(Cohort.load(folder, grid.step_hours, grid.n_steps))
        atomic.write(folder / PAGE, page(cohort, found))
    return Inspected(cohort, folder / PAGE, found)


def show(inspected: Inspected) -> None:
    """The same on the steward's terminal: what was not found and what looks wrong, then tables, then what is fine."""
    out = Terminal(highlight=False)
    found = inspected.found
    steps, fine = found.steps, [look.check for look in found.checks if not look.alarms]
    out.print(f"{inspected.cohort}: {found.title}")
    out.print(f"what is predicted: {found.predicted}")
    grid = f"; {steps.number} steps of {steps.hours:g} h" if found.over_time else ""
    out.print(f"{found.subjects:,} subjects, {found.measurements:,} measurements{grid}")
    if found.notices:
        out.print("[bold red]![/] declared and not found, or changed", markup=True)
    for notice in found.notices:
        out.print(f"    {notice.text}")
    for look in found.checks:
        if look.alarms:
            out.print(f"[bold red]![/] {look.check}", markup=True)
        for alarm in look.alarms:
            out.print(f"    {alarm.what}: {alarm.seen}")
    out.print(f"best single variable: {best(found.alone)}")
    for table in (_flow(found.flow), _prevalence(found.prevalence), _variables(found)):
        out.print(table)
    for check in fine:
        out.print(f"[green]✓[/] no {check}", markup=True)
    out.print(f"page: {inspected.page}", soft_wrap=True)


def _flow(rows: Sequence[Flow]) -> Table:
    table = Table(title="what came in, what was set aside, what was kept", title_justify="left", box=SIMPLE)
    table.add_column("unit")
    table.add_column("", overflow="fold")
    table.add_column("number", justify="right")
    for row in rows:
        table.add_row(row.unit, "in", f"{row.in_:,}")
        for reason, count in row.set_aside.items():
            table.add_row("", f"set aside: {reason}", f"{count:,}", style="yellow")
        table.add_row("", "kept", f"{row.kept:,}", end_section=True)
    return table


def _prevalence(rows: Sequence[Prevalence]) -> Table:
    table = Table(title="outcome", title_justify="left", box=SIMPLE)
    for heading in ("split", "subjects", "with outcome", "prevalence"):
        table.add_column(heading, justify="left" if heading == "split" else "right")
    for row in rows:
        share = "" if row.prevalence is None else f"{row.prevalence:.1%}"
        table.add_row(row.name, f"{row.subjects:,}", f"{row.with_outcome:,}", share)
    return table


def _variables(found: Inspection) -> Table:
    title = "variables: how often measured, AUC of train subjects by it alone, and percentiles of the values"
    table = Table(title=title, title_justify="left", box=SIMPLE)
    table.add_column("variable", overflow="fold")
    for heading in ("subjects", "steps", "AUC", *(f"{percent} %" for percent in PERCENTILES)):
        table.add_column(heading, justify="right", no_wrap=True)
    aucs = {variable: f"{auc:.2f}" for variable, auc in found.aucs.items()}
    for row in found.variables:
        steps = "" if row.share_of_steps is None else f"{row.share_of_steps:.1%}"
        values = {percent: row.percentiles[percent] for percent in PERCENTILES}
        words = {percent: "" if value is None else f"{value:g}" for percent, value in values.items()}
        words["50"] = words["50"] or _commonest(row)
        name = f"{row.variable}, {row.unit}" if row.unit else row.variable
        table.add_row(name, f"{row.share_of_subjects:.1%}", steps, aucs.get(row.variable, ""), *words.values())
    return table


def _commonest(row: Measured) -> str:
    """How many are "yes", or have a categorical variable's most frequent level; nothing where they are few."""
    shares = {level: share for level, share in (row.levels or {}).items() if share is not None}
    level = "yes" if row.kind == "binary" else max(shares, key=lambda one: shares[one], default="")
    return f"{shares[level]:.0%} {level}" if level in shares else ""
