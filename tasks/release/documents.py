"""Everything in a bundle that is written from what it holds: equal contents give equal bytes."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tasks.common.hashes import sha256
from tasks.release.contents import Contents
from tasks.release.croissant import KINDS, croissant
from tasks.release.dictionary import dictionary
from tasks.release.readme import readme
from tasks.release.report import report
from tasks.release.scripts import SCRIPTS
from tasks.release.templates import render
from tasks.release.terms import citation, licence
from tasks.release.words import MAY, MAY_NOT, guarantee, nobody, notices


def datasheet(contents: Contents) -> str:
    """DATASHEET.md: the questions of Gebru et al. 2021 (arXiv 1803.09010), and the model card of Mitchell et al. 2019
    (arXiv 1810.03993)."""
    words = {"may": MAY, "may_not": MAY_NOT, "guarantee": guarantee(contents), "nobody": nobody(contents.metrics)}
    return render(
        "datasheet.md.jinja", its=contents, metrics=contents.metrics, notices=notices(contents.metrics), **words
    )


WRITTEN: dict[str, Callable[[Contents], str]] = {
    "README.md": readme,
    "report.html": report,
    "DATASHEET.md": datasheet,
    "CITATION.cff": citation,
    "LICENSE": licence,
    "dictionary.csv": lambda contents: dictionary(contents.preprocessing),
}
DOCUMENTS = (*WRITTEN, *(script.name for script in SCRIPTS), "croissant.json")


def write_documents(folder: Path, contents: Contents) -> None:
    """Write `DOCUMENTS` into ``folder``, in place of those of another version; the data is there already."""
    for script in SCRIPTS:
        shutil.copyfile(script, folder / script.name)
    for name, text in WRITTEN.items():
        (folder / name).write_text(text(contents), encoding="utf-8")
    described = croissant(contents, {name: sha256(folder / name) for name in KINDS})
    (folder / "croissant.json").write_text(described, encoding="utf-8")
