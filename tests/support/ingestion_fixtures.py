"""Tiny cohorts in the form of the real files, and where the real ones are."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recondense.cohorts.readers import physionet2012
from recondense.errors import InputError
from recondense.records.attrition import Attrition
from tests.support.paths import REAL_DATA

needs_physionet2012 = pytest.mark.skipif(
    not (REAL_DATA / "physionet2012" / "set-a.tar.gz").is_file(),
    reason=f"no PhysioNet 2012 files in {REAL_DATA / 'physionet2012'}; set RECONDENSE_DATA to the folder above them",
)
needs_coswara = pytest.mark.skipif(
    not (REAL_DATA / "coswara" / "combined_data.csv").is_file(),
    reason=f"no Coswara files in {REAL_DATA / 'coswara'}; set RECONDENSE_DATA to the folder above them",
)
# Events, subjects, counts by unit, rows set aside
Reading = tuple[pd.DataFrame, pd.DataFrame, dict[str, Any], pd.DataFrame]
OUTCOME_HEADER = "RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death\n"


def record(number: int, *lines: str, weight: str = "80") -> str:
    """A record file: header, six descriptor lines (age 54, female, height and unit unknown, surgical), ``lines``."""
    descriptors = [
        ("RecordID", str(number)),
        ("Age", "54"),
        ("Gender", "0"),
        ("Height", "-1"),
        ("ICUType", "4"),
        ("Weight", weight),
    ]
    below = [f"00:00,{name},{value}" for name, value in descriptors] + list(lines)
    return "\n".join(["Time,Parameter,Value", *below]) + "\n"


def outcome_lines(outcomes: Mapping[int, object]) -> str:
    """The text of an outcome file."""
    return OUTCOME_HEADER + "".join(f"{number},6,1,5,-1,{outcome}\n" for number, outcome in outcomes.items())


def write_set(raw: Path, name: str, files: Mapping[str, str | bytes], outcomes: Mapping[int, object] | None) -> None:
    """A set as an extracted folder, and its outcome file."""
    for path, content in files.items():
        target = raw / f"set-{name}" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode("ascii") if isinstance(content, str) else content)
    if outcomes is not None:
        (raw / f"Outcomes-{name}.txt").write_text(outcome_lines(outcomes))


def write_archive(path: Path, members: Mapping[str, str | tarfile.TarInfo]) -> None:
    """A ``.tar.gz`` of text files; a `TarInfo` among the members is written as it is."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode("ascii")))


def read_physionet2012(raw: Path, *, outcome_required: bool = True) -> Reading:
    """Events, subjects, counts by unit (checked to add up) and rows set aside; what is returned counts as kept."""
    attrition = Attrition()
    events, subjects = physionet2012.read(raw, physionet2012.Options(), attrition, outcome_required=outcome_required)
    attrition.kept("measurements", len(events))
    attrition.kept("subjects", len(subjects))
    return events, subjects, attrition.summary(), attrition.rows()


def message_of(raw: Path) -> str:
    """The text of the `InputError` that reading ``raw`` raises."""
    with pytest.raises(InputError) as caught:
        read_physionet2012(raw)
    return str(caught.value)
