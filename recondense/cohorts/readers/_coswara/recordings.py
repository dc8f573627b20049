"""Where the recordings are, and what listeners thought of them."""

from pathlib import Path

import pandas as pd

from recondense.cohorts.csv_lines import read_lines
from recondense.errors import InputError
from recondense.files.folders import visible
from recondense.records.attrition import Attrition

FOLDER, ANNOTATIONS = "Extracted_data", "annotations"
QUALITIES = {"0": 0, "1": 1, "2": 2}


def find_recordings(raw: Path, recording: str) -> pd.DataFrame:
    """Columns ``id`` (the participant's folder), ``file`` (below ``raw``) and ``path``, by id, then date.

    The provider's layout: ``Extracted_data/<date>/<participant>/<recording>.wav``.
    """
    folder = raw / FOLDER
    paths = [path for path in visible(folder, folder.glob(f"*/*/{recording}.wav")) if path.is_file()]
    named = [(path.parent.name, path.relative_to(raw).as_posix()) for path in paths]
    # A name that is no Unicode could not be written down
    words = [[text.encode(errors="replace").decode() for text in pair] for pair in named]
    found = pd.DataFrame(words, columns=["id", "file"], dtype="str")
    return found.assign(path=pd.Series(paths, dtype=object)).sort_values(["id", "file"], ignore_index=True)


def read_qualities(raw: Path, recording: str, attrition: Attrition) -> dict[str, int]:
    """Quality by participant, 0 (worst) to 2 (best), as the provider's listeners judged it; the unit is "annotations".

    The provider's ``annotations/<recording>_labels.csv`` has the columns ``FILENAME`` (``<participant>_<recording>``)
    and ``QUALITY``; where it is not there, nothing is known. Contradicting lines count as none. Raises `InputError`.
    """
    path = raw / ANNOTATIONS / f"{recording}_labels.csv"
    if not path.is_file():
        return {}
    columns = ["FILENAME", "QUALITY"]
    header, rows = read_lines(path, columns, attrition, "annotations", mend="download it again", encoding="utf-8")
    if header != columns:
        raise InputError(f"{path} does not begin with FILENAME, QUALITY: download it again")

    found: dict[str, set[int]] = {}
    faulty: dict[str, list[int]] = {"malformed line": [], "quality not 0, 1 or 2": []}
    for line, row in rows:
        if not row[0].endswith(f"_{recording}"):
            faulty["malformed line"].append(line)
        elif row[1] not in QUALITIES:
            faulty["quality not 0, 1 or 2"].append(line)
        else:
            found.setdefault(row[0].removesuffix(f"_{recording}"), set()).add(QUALITIES[row[1]])
    for reason, lines in faulty.items():
        attrition.set_aside("annotations", reason, len(lines), file=f"{ANNOTATIONS}/{path.name}", line=lines)
    attrition.kept("annotations", len(rows) - sum(map(len, faulty.values())))
    return {name: qualities.pop() for name, qualities in found.items() if len(qualities) == 1}
