"""Held-out patients whom a release's figures are about, so that no two releases tell by subtraction of a few of them.

A *panel* is the patients of one held-out split, each as a keyed digest of her id and her record: a record that was
corrected is another's. Comparing the panels of all releases cuts patients into cells: those in the same releases. Any
figure that subtracting releases could give is about whole cells, so each must be of at least ``fewest`` patients. Hence
a panel loses nobody alone: with one who leaves go as many others as make ``fewest``, and those who come wait until they
are as many. Who goes along is chosen by the digests, which nobody without the key can foresee.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.common import secret
from tasks.common.errors import InputError
from tasks.common.params import of_room

HELD_OUT = ("validation", "test")
FEWEST = 10  # patients behind any figure; a cohort's gate may ask for more
DIGITS = 24  # of a digest: far more than would let two of a cohort's patients be taken for one


class Panel(BaseModel):
    """One release's: digests of the patients of each held-out split, and of each published group of test patients."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    splits: dict[str, list[str]]
    groups: dict[str, list[str]]

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal, of all of it: what a ledger's ``released`` entry holds it to."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()


class Panels(BaseModel):
    """The panels of a cohort's releases, by version; ``key``: which key the digests are under."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    releases: dict[str, Panel]

    def splits(self, split: str) -> list[list[str]]:
        """The panel of one split, of every release."""
        return [panel.splits.get(split, []) for panel in self.releases.values()]

    def before(self, version: str) -> "Panels":
        """Without that of ``version``."""
        return Panels(key=self.key, releases={name: p for name, p in self.releases.items() if name != version})


def place(cohort: str) -> str:
    """The file of a cohort's panels, from the project's root: beside its ledger, in git, never published."""
    return f"data/ledger/{cohort}.panels.json"


def load(root: Path, cohort: str) -> Panels | None:
    """The panels of ``cohort``'s releases, None where there are none. Raises `InputError` where they cannot be used."""
    path = root / place(cohort)
    try:
        found = Panels.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise InputError(f"{place(cohort)} cannot be read: restore it from git") from error
    if found.key != _name_of_key(cohort):
        raise InputError(
            f"{place(cohort)} was written under another {secret.NOISE} than yours: put the cohort's into "
            f"{secret.folder()}, or nobody can tell which patients earlier releases were about"
        )
    return found


def save(root: Path, cohort: str, version: str, panel: Panel) -> None:
    """Add the panel of ``version`` to the cohort's file, whole or not at all; it replaces one of that version."""
    earlier = load(root, cohort)
    releases = {**(earlier.before(version).releases if earlier else {}), version: panel}
    path = root / place(cohort)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}")
    scratch.write_text(Panels(key=_name_of_key(cohort), releases=releases).model_dump_json(indent=1) + "\n")
    scratch.replace(path)


def fewest_patients(root: Path, cohort: str) -> int:
    """How many patients must stand behind any figure of ``cohort``'s bundle. Raises `InputError` for wrong params."""
    return max(FEWEST, int(of_room(root, cohort, "release").min_patients_per_class))


def digests(cohort: str, events: pd.DataFrame, subjects: pd.DataFrame) -> NDArray[np.str_]:
    """The digest of each subject's patient, ``(n_subjects,)``: of her id and of all that is recorded of her.

    ``events``, ``subjects``: as `tasks.common.records.Ingested` has them.
    """
    key = secret.derived(secret.noise_key(), b"panel", cohort.encode())
    patient = patients(subjects)
    of_subject = pd.Series(patient, index=subjects["subject_id"].to_numpy())
    held_out = subjects["split"].isin(HELD_OUT).to_numpy()
    rows = [
        (patient, subjects.drop(columns="split")),
        (events["subject_id"].map(of_subject).to_numpy(), events),
    ]
    told: dict[str, list[bytes]] = {one: [] for one in np.unique(patient[held_out])}
    for whose, table in rows:
        own = np.isin(whose, list(told))
        hashed = pd.util.hash_pandas_object(_plain(table[own]), index=False).to_numpy()
        for one, places in pd.Series(range(len(hashed))).groupby(whose[own]).groups.items():
            told[str(one)].append(np.sort(hashed[places]).tobytes())
    found = {one: secret.derived(key, one.encode(), *content).hex()[:DIGITS] for one, content in told.items()}
    return np.array([found.get(one, "") for one in patient], dtype=np.str_)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """The table in types that do not depend on whether it was just made or read from a file."""
    numeric = {name for name in table if pd.api.types.is_numeric_dtype(table[name])}
    return pd.DataFrame(
        {name: table[name].astype("float64" if name in numeric else "str").astype(object) for name in table}
    ).reset_index(drop=True)


def patients(subjects: pd.DataFrame) -> NDArray[np.str_]:
    """Whose each subject is: the patient's id, or the subject's where each is another patient."""
    return subjects.get("patient", subjects["subject_id"]).to_numpy(dtype=np.str_)


def settled(available: Collection[str], earlier: Sequence[Collection[str]], fewest: int) -> set[str]:
    """The largest part of ``available`` that can be a panel after those of ``earlier`` releases.

    >>> before = [f"{n:02}" for n in range(9)]
    >>> sorted(settled(before[1:], [before], fewest=3))  # one has left: two go along
    ['03', '04', '05', '06', '07', '08']
    >>> sorted(settled([*before, "20", "21"], [before], fewest=3)) == before  # two who came wait for a third
    True
    """
    if not earlier:
        return set(available)
    panel: list[str] = []
    for seen, cell in _cells(available, earlier):
        here = sorted(cell & set(available))
        gone = len(cell) - len(here)
        stay = here[max(0, fewest - gone) :] if gone else here
        changes = gone or not seen
        panel += stay if len(stay) >= fewest or not changes else []
    return set(panel)


def close(panel: Collection[str], earlier: Sequence[Collection[str]], fewest: int) -> bool:
    """Whether comparing ``panel`` with ``earlier`` ones would tell of some patients, but fewer than ``fewest``."""
    members = set(panel)
    for seen, cell in _cells(members, earlier) if earlier else ():
        parts = [len(cell - members), len(cell & members)] if seen else [len(cell & members)]
        if all(parts) and min(parts) < fewest:  # a cell that stays, or goes, as a whole tells nothing new
            return True
    return False


def _cells(available: Collection[str], earlier: Sequence[Collection[str]]) -> Iterable[tuple[bool, set[str]]]:
    """Patients by the earlier releases that they were in, and whether they were in any."""
    releases = [set(one) for one in earlier]
    cells: dict[tuple[bool, ...], set[str]] = defaultdict(set)
    for one in set(available).union(*releases):
        cells[tuple(one in release for release in releases)].add(one)
    return [(any(pattern), cell) for pattern, cell in cells.items()]


def _name_of_key(cohort: str) -> str:
    """What tells one key from another and gives nothing of it away."""
    return secret.derived(secret.noise_key(), b"name of the panel's key", cohort.encode()).hex()
