"""New raw records onto a bundle's scale."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import save_file

from flows.console import say_notices
from tasks.common import params
from tasks.common.attrition import most_first
from tasks.common.errors import InputError
from tasks.common.layout import find_root
from tasks.common.preprocessing import Preprocessing
from tasks.common.progress import working
from tasks.common.records import read_json
from tasks.common.tables import share_of_memory
from tasks.ingestion.params import Params
from tasks.ingestion.read import ingest

IN_WORK = 10  # bytes for each number on a scale, a quarter of what it takes while it is put there


def transform(bundle: Path, cohort: str, raw: Path, out: Path) -> dict[str, dict[str, Any]]:
    """Read the records in ``raw`` as ``cohort``'s ingestion would, and write them on ``bundle``'s scale to ``out``.

    ``out`` holds ``values`` float32 and ``observed`` bool ``(n_subjects, n_steps, n_features)``; ``subject_ids``, int64
    where every id is a whole number, else UTF-8 bytes padded with zeros, ``(n_subjects, width)``; and, where any
    outcome is known, ``labels`` float32 in the form of condensed labels, NaN for unknown. Returns counts of what was
    set aside.
    """
    preprocessing = Preprocessing.load(bundle / "preprocessing.json")
    settings = ingestion_params(bundle, cohort, raw)
    with working("reading records"):
        ingested, attrition = ingest(raw, settings, outcome_required=False)
        values, observed = on_scale(preprocessing, ingested.events, ingested.subjects)
    say_notices(most_first(attrition.notices))
    labels = ingested.labels
    tensors: dict[str, NDArray[Any]] = {
        "values": values,
        "observed": observed,
        "subject_ids": encode_ids(list(ingested.subjects["subject_id"])),
    }
    if not np.isnan(labels).all():
        tensors["labels"] = labels
    scratch = out.with_name(f".{out.name}.partial")
    save_file(tensors, scratch)
    scratch.replace(out)
    return attrition.summary()


def on_scale(
    preprocessing: Preprocessing, events: pd.DataFrame, subjects: pd.DataFrame
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """As `Preprocessing.apply`. Raises `InputError` where the bundle asks for more steps than there is memory for."""
    numbers = len(subjects) * preprocessing.n_steps * max(len(preprocessing.features), len(preprocessing.variables))
    if numbers * IN_WORK > share_of_memory():
        raise InputError(
            f"preprocessing.json: {preprocessing.n_steps:,} steps for each of {len(subjects):,} subjects take more "
            "memory than is free: is the bundle whole (`recondense verify`)? If so, give fewer records at a time"
        )
    return preprocessing.apply(events, subjects)


def ingestion_params(bundle: Path, cohort: str, raw: Path) -> Params:
    """How to read ``cohort`` in ``raw``: by the project's params.yaml, or by the bundle's manifest where that is of the
    same cohort and params.yaml knows none of this name.

    A manifest is its author's word, so by it only files inside ``raw`` are read. Raises `InputError`.
    """
    own = _own_params(bundle, cohort)
    if own is not None:
        return own.model_copy(update={"raw": str(raw.resolve())})
    manifest = read_json(bundle / "manifest.json") if (bundle / "manifest.json").is_file() else {}
    if manifest.get("cohort") != cohort:
        raise InputError(
            f"no params.yaml here has a cohort '{cohort}', and this bundle is of cohort '{manifest.get('cohort')}': "
            "name one that either of them knows"
        )
    found = params.validate(Params, manifest["params"]["ingestion"], "manifest.json: params.ingestion", stranger=True)
    _check_links(raw)
    return found.model_copy(update={"raw": str(raw.resolve())})


def _own_params(bundle: Path, cohort: str) -> Params | None:
    """What the recipient's own params.yaml says of ``cohort``; None where it, or the cohort, is not there."""
    try:
        root = find_root()
        known = cohort in params.read(root)
    except InputError:
        return None
    if not known or root.is_relative_to(bundle.resolve()):  # a params.yaml in the bundle is its author's
        return None
    return params.section(root, cohort, "ingestion", Params)


def _check_links(raw: Path) -> None:
    """Raise `InputError` where a link in ``raw`` leads out of it: a stranger's file names would follow it."""
    inside = raw.resolve()
    for folder, folders, files in os.walk(inside):
        for path in (Path(folder, name) for name in (*folders, *files)):
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                raise InputError(
                    f"{raw} holds a link that leads out of it, and a bundle's manifest may name files in it only: copy "
                    "what it leads to, or declare the cohort in a params.yaml of your own"
                )


def encode_ids(ids: list[str]) -> NDArray[Any]:
    """Subject ids as a tensor, since safetensors holds no strings.

    >>> encode_ids(["7", "12"]).tolist()
    [7, 12]
    >>> [bytes(row).rstrip(bytes(1)).decode() for row in encode_ids(["a7", "b"])]
    ['a7', 'b']
    """
    if all(one.isascii() and one.isdigit() and str(int(one)) == one and len(one) < 19 for one in ids):
        return np.array([int(one) for one in ids], dtype=np.int64)
    width = max(len(one.encode()) for one in ids)
    return np.array([list(one.encode().ljust(width, b"\0")) for one in ids], dtype=np.uint8)
