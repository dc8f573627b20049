"""Held-out patients whom a release's figures are about, so that no two releases tell by subtraction of a few of them.

A *panel* is the patients of one held-out split, each as a keyed digest of her id and her record: a record that was
corrected is another's. Comparing the panels of all releases cuts patients into cells: those in the same split of each
release, since figures of one split add up with those of the other. Any figure that subtracting releases could give is
about whole cells, so each must be of at least ``fewest`` patients. Hence a panel loses nobody alone: with one who
leaves go as many others as make ``fewest``, and those who come wait until they are as many. Who goes along is chosen by
the digests, which nobody without the key can foresee.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from recondense.errors import InputError
from recondense.files import atomic, secret
from recondense.files.strict_json import Strict
from recondense.stages.params import block

HELD_OUT = ("validation", "test")
FEWEST = 10  # patients behind any figure; a cohort's gate may ask for more
ASKED = 20  # by a gate whose params say nothing: release.min_patients_per_class
Splits = Mapping[str, Collection[str]]  # patients by split, or by group
DIGITS = 24  # of a digest: far more than would let two of a cohort's patients be taken for one


class Panel(Strict):
    """One release's: digests of the patients of each held-out split, and of each published group of test patients."""

    splits: dict[str, list[str]]
    groups: dict[str, list[str]]

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal, of all of it: what a ledger's ``released`` entry holds it to."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()


class Panels(Strict):
    """The panels of a cohort's releases, by version; ``key``: which key the digests are under."""

    key: str
    releases: dict[str, Panel]

    @property
    def splits(self) -> list[dict[str, list[str]]]:
        """The panels of the splits, of every release."""
        return [panel.splits for panel in self.releases.values()]

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
    if not (secret.folder() / secret.NOISE).exists() or found.key != _name_of_key(cohort):  # and none is made here
        raise InputError(
            f"{place(cohort)} was written under another {secret.NOISE} than yours: put the cohort's into "
            f"{secret.folder()}, or nobody can tell which patients earlier releases were about"
        )
    return found


def save(root: Path, cohort: str, version: str, panel: Panel) -> None:
    """Add the panel of ``version`` to the cohort's file, whole or not at all; it replaces one of that version."""
    earlier = load(root, cohort)
    releases = {**(earlier.before(version).releases if earlier else {}), version: panel}
    text = Panels(key=_name_of_key(cohort), releases=releases).model_dump_json(indent=1)
    atomic.write(root / place(cohort), f"{text}\n")


def fewest_patients(root: Path, cohort: str) -> int:
    """How many patients must stand behind any figure of ``cohort``'s bundle. Raises `InputError` for wrong params."""
    return max(FEWEST, int((block(root, cohort).get("release") or {}).get("min_patients_per_class", ASKED)))


def digests(cohort: str, events: pd.DataFrame, subjects: pd.DataFrame) -> NDArray[np.str_]:
    """The digest of each subject's patient, ``(n_subjects,)``: of her id and of all that is recorded of her.

    ``events``, ``subjects``: as `recondense.records.cohort.Ingested` has them.
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


def settled(available: Splits, earlier: Sequence[Splits], fewest: int) -> dict[str, set[str]]:
    """The largest part of each split of ``available`` that can be its panel after those of ``earlier`` releases.

    >>> before = [f"{n:02}" for n in range(9)]
    >>> sorted(settled({"test": before[1:]}, [{"test": before}], fewest=3)["test"])  # one has left: two go along
    ['03', '04', '05', '06', '07', '08']
    >>> more = {"test": [*before, "20", "21"]}
    >>> sorted(settled(more, [{"test": before}], fewest=3)["test"]) == before  # two who came wait for a third
    True
    """
    if not earlier:
        return {split: set(members) for split, members in available.items()}
    panel: dict[str, set[str]] = {split: set() for split in available}
    for seen, cell in _cells(available, earlier):
        here = {split: sorted(cell & set(members)) for split, members in available.items()}
        gone = len(cell) - sum(map(len, here.values()))
        if not (seen and not gone and _whole(here)):
            small = {split for split in here if len(here[split]) < fewest}
            gone += sum(len(here[split]) for split in small)
            here = {split: [] if split in small else members for split, members in here.items()}
            if seen and 0 < gone < fewest:
                most = max(here, key=lambda split: len(here[split]))
                left = here[most][fewest - gone :]
                here[most] = left if len(left) >= fewest else []
        for split, members in here.items():
            panel[split].update(members)
    return panel


def close(panel: Splits, earlier: Sequence[Splits], fewest: int) -> bool:
    """Whether comparing ``panel`` with ``earlier`` ones would tell of some patients, but fewer than ``fewest``."""
    for seen, cell in _cells(panel, earlier) if earlier else ():
        here = {split: cell & set(members) for split, members in panel.items()}
        gone = cell.difference(*here.values())
        if seen and not gone and _whole(here):  # a cell that stays, or goes, as a whole tells nothing new
            continue
        parts = list(filter(None, [gone, *here.values()]))
        if parts != [gone] and min(map(len, parts)) < fewest:
            return True
    return False


def _whole(parts: Mapping[str, Collection[str]]) -> bool:
    return sum(map(bool, parts.values())) == 1


def _cells(available: Splits, earlier: Sequence[Splits]) -> Iterable[tuple[bool, set[str]]]:
    """Patients by where in each earlier release they were, and whether they were in any."""
    releases = [{one: split for split, members in release.items() for one in members} for release in earlier]
    found: dict[tuple[str | None, ...], set[str]] = defaultdict(set)
    for one in set().union(*available.values(), *releases):
        found[tuple(release.get(one) for release in releases)].add(one)
    return [(any(pattern), cell) for pattern, cell in found.items()]


def _name_of_key(cohort: str) -> str:
    """What tells one key from another and gives nothing of it away."""
    return secret.derived(secret.noise_key(), b"name of the panel's key", cohort.encode()).hex()
