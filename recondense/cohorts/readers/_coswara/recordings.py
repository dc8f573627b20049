"""Where the recordings are, and what listeners thought of them."""

from pathlib import Path

import pandas as pd

from recondense.cohorts.csv_lines import read_lines
from recondense.errors import InputError
from recondense.files.folders import visible
from recondense.records.attrition import Attrition

FOLDER, ANNOTATIONS = "Extracted_data", "annotations"
QUALITIES = ("0", "1", "2")


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
    table = read_lines(path, columns, attrition, "annotations", encoding="utf-8")
    if list(table) != columns:
        raise InputError(f"{path} does not begin with FILENAME, QUALITY: download it again")
    named, judged = table["FILENAME"].str.endswith(f"_{recording}"), table["QUALITY"].isin(QUALITIES)
    for reason, chosen in (("malformed line", ~named), ("quality not 0, 1 or 2", named & ~judged)):
        lines = table.index[chosen].to_numpy()
        attrition.set_aside("annotations", reason, len(lines), file=f"{ANNOTATIONS}/{path.name}", line=lines)
    table = table[named & judged]
    attrition.kept("annotations", len(table))
    qualities = table["QUALITY"].astype(int).groupby(table["FILENAME"].str.removesuffix(f"_{recording}"))
    return {str(name): int(of_one.iloc[0]) for name, of_one in qualities if of_one.nunique() == 1}
