"""The page of `benchmarks.utility_privacy`: a table and a figure."""

from typing import Any

from matplotlib.figure import Figure

from benchmarks.harness import headers
from recondense.charts.picture import paper, rule
from recondense.condensation.methods import unrolled

COLUMNS = (  # attack, figure, heading
    ("lira_online", "auc", "LiRA, AUC"),
    ("lira_online", "0.01", "TPR at 1 %"),
    ("lira_online", "0.001", "at 0.1 %"),
    ("lira_online, the rarer class", "auc", "of the rarer class, AUC"),
    ("lira_offline", "0.001", "offline, at 0.1 %"),
    ("tracing", "auc", "tracing, AUC"),
    ("tracing", "0.01", "TPR at 1 %"),
    ("tracing", "0.001", "at 0.1 %"),
    ("tracing, the rarer class", "0.001", "of the rarer class, at 0.1 %"),
    ("nearest_record", "auc", "nearest record, AUC"),
    ("nearest_record", "0.001", "at 0.1 %"),
)


def line(name: str, row: dict[str, Any]) -> str:
    """One row of the table, in Markdown."""
    steps = f" x {row['steps']}" if row["steps"] else ""
    cells = [name, f"{row['shadows']}{steps}" if row["shadows"] else ""]
    for attack, figure, _ in COLUMNS:
        found = row.get("attacks", {}).get(attack)
        cells.append(auc(found) if found and figure == "auc" else rate(found["tpr_at_fpr"][figure]) if found else "")
    worth = row.get("validation_auc")
    cells.append(f"{worth['mean']:.3f} ({worth['low']:.3f} to {worth['high']:.3f})" if worth else "")
    return "| " + " | ".join(cells) + " |"


def auc(found: dict[str, Any]) -> str:
    """An AUC with its interval."""
    return f"{found['auc']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def rate(found: dict[str, Any]) -> str:
    """A true positive rate with its interval, in percent."""
    if found["tpr"] is None:
        return ""
    return f"{100 * found['tpr']:.2f} ({100 * found['low']:.2f} to {100 * found['high']:.2f})"


def page(cohort: str, rows: dict[str, Any]) -> str:
    """The table with its headers."""
    tested = [
        f"Test AUC of {name}: {found['mean']:.3f} ({found['low']:.3f} to {found['high']:.3f})."
        for name, row in rows.items()
        if (found := row.get("test_auc"))
    ]
    return f"""# Utility against privacy on {cohort}

`python -m benchmarks.utility_privacy --cohort {cohort} --scratch FOLDER`; RMIA's figures are in the JSON beside this.

Each row is condensed from many random draws of patients ("shadows x steps"), and each of these sets is attacked with
the others for its shadows, but for the nearest record, which needs none: who was it made from? TPR: in percent, at
false positive rates of 1 % and 0.1 %, which is what a guesser finds. 95 % intervals over patients and shadows.
Releases and shadows take the same number of steps, so that attack and worth are of the same thing; `unrolled` takes
{unrolled.DEFAULT_STEPS} by default. With the seed known, the attacker condenses her shadows with the release's own.
Validation AUC: mean over five networks, trained by recipes chosen on the same patients, so a little optimistic; 95 %
bootstrap interval over these patients, which rows have in common. {" ".join(tested)}

Of random records, those drawn from but not in the release left no trace; the row below it asks about the rest.

| condensed by | shadows | {" | ".join(heading for *_, heading in COLUMNS)} | validation AUC |
{"|---" * (len(COLUMNS) + 3)}|
{chr(10).join(line(name, row) for name, row in rows.items())}

![Validation AUC over the true positive rate of LiRA](utility_privacy_{cohort}.png)

Measured:
{headers(rows.values())}
"""


def figure(rows: dict[str, Any]) -> Figure:
    """A dot a row: validation AUC over what LiRA finds at 0.1 % false alarms, and over the AUC of tracing."""
    drawn, (left, right) = paper(11, 4.5, columns=2, sharey=True)
    shown = {name: row for name, row in rows.items() if _drawn(row)}
    for place, (name, row) in enumerate(shown.items()):
        worth, colour = row["validation_auc"], f"C{place}"
        tpr, found = row["attacks"]["lira_online"]["tpr_at_fpr"]["0.001"], row["attacks"]["tracing"]
        for axes, value, low, high in (
            (left, *(100 * tpr[key] for key in ("tpr", "low", "high"))),
            (right, *(found[key] for key in ("auc", "low", "high"))),
        ):
            axes.plot([low, high], [worth["mean"]] * 2, color=colour, linewidth=1)
            axes.plot([value] * len(worth["by_release"]), worth["by_release"], "_", color=colour)
            axes.plot(value, worth["mean"], "o", color=colour, label=name)
    rule(left, 0.1, upright=True, line="--")
    rule(right, 0.5, upright=True, line="--")
    left.set_xlabel("members found by LiRA at 0.1 % false alarms, % (dashed: by a guesser)")
    right.set_xlabel("AUC of tracing")
    left.set_ylabel("validation AUC, mean over five networks")
    right.legend(fontsize=8, loc="lower right")
    for axes in (left, right):
        axes.grid(color="#dddddd")
    return drawn


def _drawn(row: dict[str, Any]) -> bool:
    """Whether a row has what the figure shows; of a small cohort there is no rate at 0.1 % false alarms."""
    attacks = row.get("attacks", {})
    rates = attacks.get("lira_online", {}).get("tpr_at_fpr", {})
    return "validation_auc" in row and "tracing" in attacks and rates.get("0.001", {}).get("tpr") is not None
