"""Two tables of people who do not exist, and what `new-cohort` proposes for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recondense.wizard import Proposal, propose

Columns = dict[str, Any] | None
N = 120


def cohort(visits: Columns = None, people: Columns = None, n: int = N) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables of people who do not exist, with further columns."""
    rng = np.random.default_rng(0)
    ids = [f"P{number}" for number in range(100, 100 + n)]
    who = pd.DataFrame({"id": ids, "age": rng.integers(20, 90, n), "died": rng.integers(0, 2, n)}).assign(
        **(people or {})
    )
    rows = pd.DataFrame(
        {"id": np.repeat(ids, 4), "day": np.tile(range(4), n), "crp": rng.uniform(1, 200, 4 * n).round(2)}
    )
    return rows.assign(**(visits or {})), who


def proposed(tmp_path: Path, tables: Mapping[str, pd.DataFrame | bytes], **known: Any) -> Proposal:
    folder = tmp_path / "raw"
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / name, index=False) if isinstance(table, pd.DataFrame) else (folder / name).write_bytes(
            table
        )
    return propose(tmp_path, "mine", folder, **known)


def two(tmp_path: Path, visits: Columns = None, people: Columns = None, **known: Any) -> Proposal:
    rows, who = cohort(visits, people)
    return proposed(tmp_path, {"visits.csv": rows, "people.csv": who}, **known)


def reasons(found: Proposal) -> dict[str, str]:
    return dict(line.removesuffix(")").split(" (", 1) for line in found.left_out)
