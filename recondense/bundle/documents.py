"""Everything in a bundle that is written from what it holds: equal contents give equal bytes."""

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from recondense.bundle.contents import Contents
from recondense.bundle.croissant import CSV, PARQUET, croissant
from recondense.bundle.dictionary import dictionary
from recondense.bundle.phrases import MAY, MAY_NOT, beside_real, guarantee, nobody, notices
from recondense.bundle.readme import readme
from recondense.bundle.report import report
from recondense.bundle.scripts import SCRIPTS
from recondense.bundle.templates import render
from recondense.bundle.terms import citation, licence
from recondense.files.hashes import sha256
from recondense.stages import code


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
TEMPLATES = Path(__file__).parent


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
    told = [code.digest(__name__), *(sha256(path) for path in sorted(TEMPLATES.glob("*.jinja")))]
    told += [f"{name} {version(name)}" for name in ("jinja2", "markupsafe", "numpy")]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
