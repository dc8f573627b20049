"""Documents and scripts of a bundle, made again from its data and compared: nobody wrote anything else into them."""

from pathlib import Path
from typing import Any

from recondense.bundle.contents import CANDIDATE, Contents
from recondense.bundle.croissant import PARQUET
from recondense.bundle.documents import documents, writer
from recondense.bundle.scripts import SHIPPED
from recondense.checks import Check
from recondense.files.hashes import sha256
from recondense.results.releases import Earlier

CLAIM = "the documents are what is written from its data"
FIRST = 3  # the format since which a manifest holds all else that they are written from


def check_documents(bundle: Path, manifest: dict[str, Any]) -> Check:
    """Whether every document is, byte for byte, what this version writes from the bundle's data.

    A document that differs cannot be judged where another version says that it wrote it, nor in a format before 3.
    """
    if manifest["format"] < FIRST:
        told = f"format {manifest['format']} does not hold all that they were written from: they are its author's word"
        return Check(CLAIM, None, told)
    try:
        about = manifest["documents"]
        version, history = (
            manifest.get("version", CANDIDATE),
            tuple(Earlier.read(one, "history") for one in about["history"]),
        )
        contents = Contents.load(bundle, manifest["cohort"], version, history, about["spent"])
        made = documents(contents, sha256(bundle / PARQUET))
        other = ", ".join(name for name, content in made.items() if (bundle / name).read_bytes() != content)
        if other and about["writer"] != writer():
            by = manifest["environment"]["recondense"]
            return Check(CLAIM, None, f"written by other code, of recondense {by}, which alone could judge {other}")
    except Exception as error:
        return Check(CLAIM, False, f"cannot be recomputed ({type(error).__name__})")
    return Check(CLAIM, not other, f"another text: {other}" if other else "")


def check_scripts(bundle: Path) -> list[Check]:
    """Whether each program in ``bundle`` is one that some version of recondense put into bundles."""
    found = {name: sha256(bundle / name) for name in SHIPPED if (bundle / name).is_file()}
    strange = "code of somebody else, or of a version after this one: do not run it"
    return [
        Check(f"{name} is a program of recondense", digest in SHIPPED[name], "" if digest in SHIPPED[name] else strange)
        for name, digest in found.items()
    ]
