"""What a person sees while a flow runs and when it ends."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from recondense.bundle.phrases import in_words, interval, notices, together
from recondense.bundle.refused import epsilon, to_change, worth
from recondense.checks import Check
from recondense.diagnostics import Finding
from recondense.escape import printable
from recondense.ledger import Entry
from recondense.models.predictions import TRAINING_SETS
from recondense.results.public import Public
from recondense.results.releases import Strongest
from recondense.stages.layout import Layout
from recondense.sweeps.outcomes import CellOutcome, Group, smallest
from recondense.terminal import Terminal

MARKS = {True: "[green]ok  [/]", False: "[red]FAIL[/]", None: "[yellow]?   [/]"}
_err = Terminal(stderr=True, highlight=False)
_out = Terminal(highlight=False)


def say_cell(outcome: CellOutcome, done: int, of: int) -> None:
    """How a cell of a sweep ended, and how many have."""
    words = outcome.reason or f"test AUC {outcome.scores['test_auc']['condensed']['mean']:.3f}"
    style = {"Cached": "green", "Completed": "bold green"}.get(outcome.state, "bold red")
    _err.print(f"  {done:>{len(str(of))}}/{of} {outcome.cell}: [{style}]{outcome.state}[/] ", end="", markup=True)
    _err.print(words, markup=False)


def sweep_results(groups: Sequence[Group], target: float | None = None) -> None:
    """Test AUC of every cohort, method and size over the seeds, beside all real records; below it what failed, and
    with ``target`` the smallest size of each method that retains so much on the validation part."""
    drawn = Table(
        title="test AUC of models trained on condensed records: mean over seeds (range)", title_justify="left"
    )
    drawn.add_column("cohort")
    drawn.add_column("method")
    for heading in ("a class", "seeds", "failed"):
        drawn.add_column(heading, justify="right")
    drawn.add_column("condensed")
    drawn.add_column("all real")
    drawn.add_column("retained", justify="right")
    for group in groups:
        spread = f" ({min(group.aucs):.3f} to {max(group.aucs):.3f})" if len(group.aucs) > 1 else ""
        drawn.add_row(
            group.cohort,
            group.method.replace("_", " "),
            str(group.records_per_class),
            str(len(group.aucs)),
            str(len(group.reasons) or ""),
            f"{group.mean:.3f}{spread}" if group.aucs else "",
            f"{group.all_real['mean']:.3f}" if group.all_real else "",
            f"{group.retained:.1%}" if group.retained is not None else "",
        )
    _out.print(drawn)
    for reason in dict.fromkeys(reason for group in groups for reason in group.reasons):
        _out.print(f"failed: {reason}", soft_wrap=True, markup=False)
    for cohort, method, least in smallest(groups, target) if target else []:
        found = "no size tried" if least is None else f"{least.records_per_class} a class"
        _out.print(f"{cohort}, {method}: {found} retains {target:.1%} of the validation AUC of all real records")


def results(layout: Layout) -> None:
    """What the run is worth: test AUC by training set, privacy verdicts, where the bundle is."""
    bundle = layout.folder("release")
    metrics = Public.load(bundle / "metrics.json")
    auc = Table(
        title=f"{layout.cohort}: test AUC, mean over {len(metrics.mean_over)} networks",
        title_justify="left",
    )
    for heading in ("trained on", "AUC", "95 % interval", "calibration error"):
        auc.add_column(heading)
    for key, words in TRAINING_SETS.items():
        if key in metrics.test_auc:
            found, error = metrics.test_auc[key], metrics.test_calibration_error[key].mean
            auc.add_row(words, f"{found.mean:.3f}", f"{found.low:.3f} to {found.high:.3f}", f"{error:.3f}")
    for key, several in metrics.ensembles.items():
        found, error = several.test_auc, several.test_calibration_error.mean
        words = f"{TRAINING_SETS[key]}, ensembles of {several.size}"
        auc.add_row(words, f"{found.mean:.3f}", f"{found.low:.3f} to {found.high:.3f}", f"{error:.3f}")
    privacy = Table(title="privacy attacks on the condensed records", title_justify="left")
    for heading in ("attack", f"found ({together(metrics.privacy.settings.confidence)})", "verdict"):
        privacy.add_column(heading)
    for name, attack in metrics.privacy.attacks.items():
        privacy.add_row(name.replace("_", " "), in_words(attack), attack.verdict)
    if target := metrics.cohort.target:
        _out.print(f"what is predicted: {target.in_words()}", markup=False, soft_wrap=True)
    _out.print(auc)
    _out.print(privacy)
    if guarantee := metrics.privacy.guarantee:
        _out.print(f"differential privacy: epsilon {guarantee.epsilon:g} at delta {guarantee.delta:g}")
    for notice in notices(metrics):
        _out.print(notice, style="bold red", markup=False, soft_wrap=True)
    _out.print(f"bundle: {bundle.relative_to(layout.root)}", soft_wrap=True)
    _out.print(f"check it with: recondense verify {bundle.relative_to(layout.root)}", soft_wrap=True)


def refused(layout: Layout, metrics: Public) -> None:
    """Why the gate refused, on standard error: AUCs of the set and of what it is compared with, epsilon, each reason
    and what to change."""
    auc = Table(title=f"{layout.cohort}: test AUC, mean over {len(metrics.mean_over)} networks", title_justify="left")
    reasons = Table(title="the gate's reasons", title_justify="left")
    for drawn, headings, rows in (
        (auc, ("trained on", "AUC (95 % interval)"), worth(metrics)),
        (reasons, ("looked at", "found", "required", "what to change"), to_change(metrics)),
    ):
        for heading in headings:
            drawn.add_column(heading, overflow="fold")
        for row in rows:
            drawn.add_row(*row)
        _err.print(drawn)
    for line in epsilon(metrics):
        _err.print(line, soft_wrap=True)


def compared(found: dict[str, Any]) -> None:
    """What `recondense compare` found, a row a condensed set, and where its page and picture are."""
    table(
        [
            {
                "set": f"{one['label']} ({one['state']})",
                "seeds": len(one["aucs"]),
                "test AUC": interval(one["auc"]),
                "seconds": one["seconds"] and f"{one['seconds']:.3g}",
                "epsilon": one["epsilon"],
                "strongest attack": one["attack"]
                and f"{one['attack']['name'].replace('_', ' ')}, {in_words(Strongest.model_validate(one['attack']))}",
            }
            for one in found["candidates"]
        ]
    )
    if found["unrecorded"]:
        _out.print(f"released, but by no run in this MLflow: {', '.join(found['unrecorded'])}", soft_wrap=True)
    _out.print(f"page {found['page']}\npicture {found['picture']}", soft_wrap=True, markup=False)


def checks(found: Sequence[Check]) -> None:
    """What was verified, a line a claim; a question mark where nothing here could tell."""
    for check in found:
        _out.print(f"{MARKS[check.holds]} ", end="", markup=True)
        said = printable(check.claim + (f" ({check.detail})" if check.detail else ""))  # on one line, whoever wrote it
        _out.print(said, markup=False, soft_wrap=True)


def findings(found: Mapping[str, Sequence[Finding]]) -> None:
    """What `recondense doctor` found, by what it looked at, and what to do next."""
    styles = {"ok": "green", "warning": "yellow", "fault": "red"}
    for about, several in found.items():
        _out.print(about, style="bold")
        for one in several:
            _out.print(f"  [{styles[one.level]}]{one.level:<7}[/] ", end="", markup=True)
            _out.print(one.found, markup=False, soft_wrap=True)
            for line in filter(None, one.next.splitlines()):
                _out.print(f"          {line}", style="dim", markup=False, soft_wrap=True)
    counts = {level: sum(one.level == level for several in found.values() for one in several) for level in styles}
    faults, warnings = (f"{n or 'no'} {word}{'s' if n > 1 else ''}" for word, n in list(counts.items())[:0:-1])
    advice = ": mend what is marked fault, then look again" if counts["fault"] else ""
    _out.print(f"{faults}, {warnings}{advice}")


def trail(entries: Sequence[Entry]) -> None:
    """The entries of a ledger, oldest first: when, what, who, and the essentials of each."""
    drawn = Table()
    for heading in ("n", "time", "event", "by", "key"):
        drawn.add_column(heading, no_wrap=True)
    drawn.add_column("what", overflow="fold")
    for entry in entries:
        cells = [
            str(entry.n),
            f"{entry.time[:19]}Z",
            entry.event,
            entry.actor.name or "",
            entry.key[:8],
            essentials(entry),
        ]
        drawn.add_row(*(Text(cell) for cell in cells))  # as it stands: no markup in it
    _out.print(drawn)


def essentials(entry: Entry) -> str:
    """What one wants to know of an entry at a glance."""
    details = entry.details
    said = []
    if details.get("stage"):
        seconds = details.get("seconds")
        done = f"in {seconds:.1f} s" if isinstance(seconds, int | float) else "made outside a flow"
        said.append(f"{details['stage']}{'' if entry.event == 'gate refused' else f' {done}'}")
    for name in ("version", "fingerprint", "manifest", "mlflow_run"):
        if details.get(name):
            said.append(f"{name.replace('_', ' ')} {str(details[name])[:12]}")
    privacy = details.get("privacy")
    if entry.event == "released" and isinstance(privacy, dict) and privacy.get("epsilon") is not None:
        together = privacy.get("cumulative_epsilon")
        said.append(
            f"epsilon {privacy['epsilon']}" + (f", {together} with all releases before" if together is not None else "")
        )
    reasons = details.get("reasons")
    said += [str(reason) for reason in reasons] if isinstance(reasons, list) else []
    return "; ".join(said)


def table(rows: list[dict[str, Any]]) -> None:
    """Rows that share their keys, as a table on standard output."""
    drawn = Table()
    for heading in rows[0] if rows else []:
        drawn.add_column(heading, overflow="fold")
    for row in rows:
        drawn.add_row(*(_cell(value) for value in row.values()))
    _out.print(drawn)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else printable(str(value), keep="\n")  # rich makes tabs spaces
