"""New raw records onto a bundle's scale."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import save_file

from recondense.errors import InputError
from recondense.files import atomic
from recondense.files.tables import share_of_memory
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.progress import working
from recondense.recipient.found import Told
from recondense.recipient.matched import matched

IN_WORK = 10  # bytes for each number on a scale, a quarter of what it takes while it is put there


def transform(
    bundle: Path, cohort: str, raw: Path, out: Path, mapping: Path | None = None, accept_few: bool = False
) -> Told:
    """Read the records in ``raw`` as ``cohort``'s ingestion would, and write them on ``bundle``'s scale to ``out``.

    ``out`` holds ``values`` float32 and ``observed`` bool ``(n_subjects, n_steps, n_features)``; ``subject_ids``, int64
    where every id is a whole number, else UTF-8 bytes padded with zeros, ``(n_subjects, width)``; and, where any
    outcome is known, ``labels`` float32 in the form of condensed labels, NaN for unknown. Raises `InputError`.
    """
    found = matched(bundle, cohort, raw, mapping, accept_few)
    with working("putting records on the scale"):
        values, observed = on_scale(found.preprocessing, found.cohort.events, found.cohort.subjects)
    labels = found.cohort.labels
    tensors: dict[str, NDArray[Any]] = {
        "values": values,
        "observed": observed,
        "subject_ids": encode_ids(list(found.cohort.subjects["subject_id"])),
    }
    if not np.isnan(labels).all():
        tensors["labels"] = labels
    with atomic.replacing(out) as scratch:
        save_file(tensors, scratch)
    return found.told()


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
