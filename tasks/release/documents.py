"""Everything in a bundle that is written from what it holds: equal contents give equal bytes."""

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from tasks.common.hashes import sha256
from tasks.release.contents import Contents
from tasks.release.croissant import CSV, PARQUET, croissant
from tasks.release.dictionary import dictionary
from tasks.release.readme import readme
from tasks.release.report import report
from tasks.release.scripts import SCRIPTS
from tasks.release.templates import render
from tasks.release.terms import citation, licence
from tasks.release.words import MAY, MAY_NOT, beside_real, guarantee, nobody, notices


def datasheet(contents: Contents) -> str:
    """DATASHEET.md: the questions of Gebru et al. 2021 (arXiv 1803.09010), and the model card of Mitchell et al. 2019
    (arXiv 1810.03993)."""
    words = {
        "may": MAY,
        "may_not": MAY_NOT,
        "guarantee": guarantee(contents),
        "nobody": nobody(contents.metrics),
        "beside_real": beside_real(contents.metrics),
    }
    return render(
        "datasheet.md.jinja", its=contents, metrics=contents.metrics, notices=notices(contents.metrics), **words
    )


WRITTEN: dict[str, Callable[[Contents], str]] = {
    "README.md": readme,
    "report.html": report,
    "DATASHEET.md": datasheet,
    "CITATION.cff": citation,
    "LICENSE": licence,
    "dictionary.csv": lambda contents: dictionary(contents.preprocessing, contents.predicted),
}


CROISSANT = "croissant.json"
DOCUMENTS = (*WRITTEN, *(script.name for script in SCRIPTS), CROISSANT)
ROOMS, WRITE = Path(__file__).parents[1], ("release", "results", "common", "networks")


def documents(contents: Contents, parquet: str) -> dict[str, bytes]:
    """Every document but the scripts, by name; ``parquet``: the SHA-256 of condensed.parquet."""
    made = {name: text(contents).encode() for name, text in WRITTEN.items()}
    hashes = {PARQUET: parquet, CSV: hashlib.sha256(made[CSV]).hexdigest()}
    return {**made, CROISSANT: croissant(contents, hashes).encode()}


def write_documents(folder: Path, contents: Contents) -> None:
    """Write `DOCUMENTS` into ``folder``, in place of those of another version; the data is there already."""
    for script in SCRIPTS:
        (folder / script.name).write_bytes(script.read_bytes())
    for name, content in documents(contents, sha256(folder / PARQUET)).items():
        (folder / name).write_bytes(content)


@cache
def writer() -> str:
    """What stands for all that decides how documents are written, a SHA-256: where two are equal, so are documents."""
    code = [path for room in WRITE for kind in ("*.py", "*.jinja") for path in (ROOMS / room).rglob(kind)]
    told = [f"{path.relative_to(ROOMS).as_posix()} {sha256(path)}" for path in sorted(code)]
    told += [f"{name} {version(name)}" for name in ("jinja2", "markupsafe", "numpy")]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
