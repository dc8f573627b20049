"""The commands about keys and the ledger: `keys`, `ledger`, `trace`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from recondense.cli.shared import Cohort, Json, echo
from recondense.errors import InputError
from recondense.files import secret
from recondense.stages.layout import find_root

keys = typer.Typer(no_args_is_help=True, help="The keys that sign ledgers: yours, and whom each ledger admits.")


@keys.command()
def create(json_: Json = False) -> None:
    """Make your key in $RECONDENSE_KEYS or ~/.config/recondense/keys, and print its public half.

    Example: recondense keys create
    """
    from recondense.ledger import keys as own

    try:
        key = own.create()
    except FileExistsError as error:
        raise InputError(
            f"{secret.folder()} holds a key already: a person has one. To change it, make the new one in another "
            "folder (RECONDENSE_KEYS), let the old one admit it, then let the new one revoke the old one"
        ) from error
    if json_:
        print(json.dumps({**key.public.admission, "folder": str(secret.folder())}, indent=2))
        return
    echo(f"{key.public.pem}fingerprint {key.fingerprint}")
    echo(f"in {secret.folder()}: {own.PRIVATE} is for nobody else, {own.PUBLIC} for whoever admits you", err=True)


@keys.command(name="list")
def list_(json_: Json = False) -> None:
    """List your key, and the keys that each cohort's ledger admits.

    Example: recondense keys list
    """
    from recondense.cli.console import table
    from recondense.ledger import keys as own
    from recondense.ledger.trust import key_rows

    mine = own.own()
    rows = key_rows(find_root(), mine.fingerprint if mine else None)
    if json_:
        print(json.dumps({"own": mine and mine.public.admission, "admitted": rows}, indent=2))
        return
    echo(f"yours: {mine.fingerprint}" if mine else "you have no key yet: `recondense keys create` makes one")
    if rows:
        table(rows)


@keys.command()
def admit(
    cohort: Cohort,
    file: Annotated[Path, typer.Argument(help="The public.pem of another person.", show_default=False)],
    json_: Json = False,
) -> None:
    """Let another person's key sign COHORT's ledger from now on.

    Example: recondense keys admit pbcseq ada.pem
    """
    from recondense.ledger.trust import admit as admit_key

    try:
        pem = file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as a public key: give the public.pem of another person") from error
    _told(admit_key(_ledger(cohort), pem, str(file)), json_)


@keys.command()
def revoke(
    cohort: Cohort,
    fingerprint: Annotated[str, typer.Argument(help="As `keys list` shows it.", show_default=False)],
    json_: Json = False,
) -> None:
    """End a key: what it signed stays valid, it signs COHORT's ledger no more.

    Example: recondense keys revoke pbcseq 3178b0808317d04c66d30959a0f3aefc771cac4e89e4840c231544ded5655cbd
    """
    from recondense.ledger.trust import revoke as revoke_key

    _told(revoke_key(_ledger(cohort), fingerprint), json_)


@keys.command(name="correct-clock")
def correct_clock(cohort: Cohort, json_: Json = False) -> None:
    """Record in COHORT's ledger that the clock which wrote its last entries was ahead, and go on by the clock here.

    For a ledger that takes no entry since its last one is of a time yet to come. The correction is signed, published
    with the releases, and shown by `audit` and `verify`.

    Example: recondense keys correct-clock pbcseq
    """
    entry = _ledger(cohort).correct_clock()
    if json_:
        print(json.dumps(entry.model_dump(), indent=2))
        return
    first, last = entry.details["entries"]
    typer.echo(
        f"a clock that was ahead wrote entries {first} to {last} of {cohort}'s ledger; "
        f"entry {entry.n} goes on at {entry.time}"
    )


def ledger(
    cohort: Cohort,
    key: Annotated[
        str | None,
        typer.Option(metavar="FINGERPRINT", help="The key that the ledger must begin with.", show_default=False),
    ] = None,
    json_: Json = False,
) -> None:
    """Show COHORT's ledger and verify it from the first line; exit status 1 where anything is not as it says.

    Example: recondense ledger pbcseq
    """
    from recondense.cli.console import checks as show_checks
    from recondense.cli.console import trail
    from recondense.ledger.artifacts import check_artifacts

    own = _ledger(cohort)
    entries = own.readable()
    found = own.verify(key)
    if not own.path.exists() and all(check.holds for check in found[1:]):  # nor does git know one
        raise InputError(f"{cohort} has no ledger yet: `recondense run {cohort}` begins one")
    sound = all(check.holds for check in found)
    if sound:  # what a broken ledger says of files is worth nothing
        found += check_artifacts(own.root, cohort, entries)
    good = all(check.holds for check in found)
    if json_:
        shown = [entry.model_dump() for entry in entries]
        print(json.dumps({"holds": good, "checks": [vars(check) for check in found], "entries": shown}, indent=2))
    else:
        trail(entries)
        show_checks(found)
        echo("everything is as the ledger says" if good else "not everything is as it was recorded: see FAIL")
    if not good:
        raise typer.Exit(1)


def trace(
    path: Annotated[Path, typer.Argument(help="A file or folder that turned up.", exists=True, show_default=False)],
    json_: Json = False,
) -> None:
    """Say which release of which cohort a file or a folder is from; exit status 1 where it is from none.

    Example: recondense trace condensed.safetensors
    """
    from recondense.ledger.trace import trace as releases_of

    found, faults = releases_of(find_root(), path)
    if json_:
        print(json.dumps({"matches": [asdict(match) for match in found], "not_asked": faults}, indent=2))
    else:
        for fault in faults:
            echo(f"not asked: {fault}", err=True, fg="red")
        for match in found:
            what = "a candidate" if match.version == "candidate" else f"release {match.version}"
            echo(f"{what} of {match.cohort}, {match.time}, entry {match.entry} of its ledger")
            for file, name in match.same.items():
                echo(f"  same     {file}{f' (there {name})' if Path(file).name != name else ''}")
            for word, names in (("differs", match.differ), ("absent", match.absent if path.is_dir() else ())):
                for name in names:
                    echo(f"  {word:<8} {name}")
        if not found:
            echo(f"no release has {'a file of this folder' if path.is_dir() else 'this file'}")
    if not found:
        raise typer.Exit(1)


def _ledger(cohort: str) -> Any:
    from recondense.ledger import Ledger
    from recondense.stages.params import block

    root = find_root()
    block(root, cohort)
    return Ledger(root, cohort)


def _told(entry: Any, json_: bool) -> None:
    if json_:
        print(json.dumps(entry.model_dump(), indent=2))
    else:
        echo(f"{entry.event}: {entry.details['fingerprint']}, entry {entry.n} of {entry.cohort}'s ledger")
