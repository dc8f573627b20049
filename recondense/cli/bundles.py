"""Commands for whoever holds a bundle: is it what it claims to be, and what is it worth on her own records?"""

import json
from pathlib import Path
from typing import Annotated

import typer

from recondense.cli import completion
from recondense.cli.shared import Json, echo

Bundle = Annotated[Path, typer.Argument(help="The folder of a bundle.", show_default=False)]
ReadAs = Annotated[
    str,
    typer.Option(
        "--cohort",
        help="How to read the raw records: a cohort of params.yaml, or the bundle's own.",
        autocompletion=completion.cohorts,
    ),
]
Raw = Annotated[Path, typer.Option(help="The folder with the raw records.", exists=True)]
Mapping = Annotated[
    Path | None,
    typer.Option(help="YAML: your variable -> the bundle's, as `glu: {to: Glucose, factor: 18.016}`.", exists=True),
]
AcceptFew = Annotated[
    bool, typer.Option("--accept-few", help="Go on where fewer than a tenth of the bundle's variables match.")
]


def verify(
    bundle: Bundle,
    ledger: Annotated[
        str | None,
        typer.Option(
            metavar="URL|FILE",
            help="The published ledger, ledger.jsonl of the release remote: is the bundle known, current, withdrawn?",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="FINGERPRINT|FILE",
            help="The steward's key, as the steward told you: what signed the bundle, or the ledger begins with.",
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """Recompute what a bundle claims; exit status 1 where a claim does not hold.

    Without --key this finds a bundle that contradicts itself, and not one that somebody made up as a whole.

    Example: recondense verify BUNDLE --ledger https://example.org/releases/pbcseq/ledger.jsonl --key FINGERPRINT
    """
    from recondense.bundle.verify import ONLY_STATED
    from recondense.cli.console import checks as show_checks
    from recondense.publishing.examine import examine

    found = examine(bundle, ledger, key)
    if json_:
        checks = [vars(check) for check in found.checks]
        said = {"holds": found.holds, "checks": checks, "signed_by": found.signed_by, "ask_for": found.ask}
        print(json.dumps({**said, "only_stated": ONLY_STATED}, indent=2))
    else:
        show_checks(found.checks)
        echo(f"not recomputed, for that takes the patients' records: {ONLY_STATED}")
        echo(found.said)
    if not found.holds:
        raise typer.Exit(1)


def transform(
    bundle: Bundle,
    cohort: ReadAs,
    raw: Raw,
    out: Annotated[Path, typer.Option(help="The safetensors file to write.")],
    mapping: Mapping = None,
    accept_few: AcceptFew = False,
    json_: Json = False,
) -> None:
    """Map new raw records onto a bundle's scale: values, observed, subject_ids, and labels where known.

    Example: recondense transform BUNDLE --cohort physionet2012 --raw MY_RECORDS --out mine.safetensors
    """
    from recondense.diagnostics.preflight import before_reading
    from recondense.recipient.matched import show_variables
    from recondense.recipient.transform import transform as map_records
    from recondense.terminal import Terminal

    before_reading(raw)
    found = map_records(bundle, cohort, raw, out, mapping, accept_few)
    if json_:
        print(json.dumps({**found, "out": str(out)}, indent=2))
        return
    for unit, count in found["counts"]["read"].items():
        aside = ", ".join(f"{reason} {n}" for reason, n in count["set_aside"].items()) or "none"
        echo(f"{unit}: {count['in']} in, {count['kept']} kept, set aside: {aside}")
    show_variables(found, Terminal(highlight=False))
    echo(f"written: {out}")


def evaluate(
    bundle: Bundle,
    cohort: ReadAs,
    raw: Raw,
    mapping: Mapping = None,
    accept_few: AcceptFew = False,
    recalibrate: Annotated[
        int | None, typer.Option(metavar="N", help="Also refit slope and intercept on N random labelled records.")
    ] = None,
    propose: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Only write a mapping to FILE, from names, labels and units, to be checked."),
    ] = None,
    json_: Json = False,
) -> None:
    """Score a bundle's models on a cohort of your own, and say in what it differs from the bundle's.

    Example: recondense evaluate BUNDLE --cohort icu --raw MY_RECORDS --mapping names.yaml --recalibrate 200
    """
    from recondense.recipient.matched import propose_mapping

    if propose:
        propose_mapping(bundle, cohort, raw, propose)
        echo(f"written: {propose}. Check every line, then use it with --mapping")
        return
    from recondense.diagnostics.preflight import before_reading
    from recondense.recipient.evaluate import evaluate as score
    from recondense.recipient.evaluate import show

    before_reading(raw)
    found = score(bundle, cohort, raw, mapping, recalibrate, accept_few=accept_few)
    print(json.dumps(found, indent=2)) if json_ else show(found)
