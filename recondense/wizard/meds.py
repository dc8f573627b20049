"""A MEDS data set: which labels, which codes, how long before the prediction. See `recondense.cohorts.readers.meds`."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from recondense.cohorts.readers._declared import FEWEST
from recondense.cohorts.readers._meds.events import CODES, batches, in_the_window, shards
from recondense.cohorts.readers._meds.files import read_typed
from recondense.cohorts.readers._meds.labels import read_labels
from recondense.cohorts.readers._meds.options import Options
from recondense.errors import InputError
from recondense.files.folders import visible
from recondense.records.attrition import Attrition
from recondense.wizard.outcome import GIVES_AWAY, auc
from recondense.wizard.proposal import Proposal
from recondense.wizard.words import DEATH, FOLLOWS, named, plain

BIRTH = "MEDS_BIRTH"
SEX = ("gender", "sex", "geschlecht", "sexe", "sexo")
FEMALE = ("f", "female", "w", "weiblich", "femme", "femenino", "mujer", "8532")  # 8532 is OMOP's concept
MOST_CODES = 40
LOOKED_AT = 2000  # labelled subjects, by whom codes are counted
WINDOWS = (24, 48, 168, 720, 8766, 87660)  # hours: a day or two, a week, 30 days, a year, ten years
MOST = 0.8  # the share of subjects with a measurement in the window
N_STEPS = 24


def is_meds(folder: Path) -> bool:
    """Whether a folder has the form of a MEDS data set."""
    return bool(_parquet(folder / "data"))


def propose_meds(found: Proposal, folder: Path, outcome: str | None) -> None:
    """Declare labels, window and variables. ``outcome``: the labels' place in ``folder``. Raises `InputError`."""
    found.dataset = "meds"
    place = _labels(folder, outcome)
    known: dict[str, Any] = {"labels": place}  # and no variable yet
    labels = read_labels(folder, Options.model_construct(**known), Attrition(), outcome_required=True)
    found.said.append(f"labels: {place}; {len(labels)} subjects, of each the first label")
    chosen = labels.iloc[:: -(-len(labels) // LOOKED_AT)].reset_index(drop=True) if len(labels) else labels
    events = _last_events(folder, chosen)
    window = _window(events)
    found.options = {"labels": place, "window_hours": window, "use": "first"}
    step = window / N_STEPS
    found.step_hours, found.n_steps = int(step) if step.is_integer() else step, N_STEPS
    found.check.append(f"window: {window} hours before the prediction, in which most subjects have a measurement")
    _series(found, events, chosen, _described(folder))
    _statics(found, events)
    _tell_of_conditions(found, events)
    found.said.append(f"codes: by how many of {len(chosen)} labelled subjects have them before the prediction")


def _parquet(folder: Path) -> list[Path]:
    return visible(folder, folder.rglob("*.parquet")) if folder.is_dir() else []


def _labels(folder: Path, given: str | None) -> str:
    """The place of the labels in ``folder``: a file, or a folder of shards."""
    if given is not None:
        if not (folder / given).exists():
            raise InputError(f"{folder} has no labels at '{given}': name their file or folder at --outcome")
        return given
    names = [path.relative_to(folder) for path in _parquet(folder)]
    found = sorted({str(_task(name)) for name in names if name.parts[0] not in ("data", "metadata")})
    if not found:
        raise InputError(
            f"{folder} has no labels: put a Parquet file with subject_id, prediction_time, boolean_value beside data"
        )
    if len(found) > 1:
        raise InputError(f"{folder} has several labels ({', '.join(found)}): name one at --outcome")
    return found[0]


def _task(name: Path) -> Path:
    """The place of the whole task that a file of labels belongs to: shards have numbers, or names of splits.

    >>> [str(_task(Path(name))) for name in ("labels/death/train/0.parquet", "labels/death.parquet", "y.parquet")]
    ['labels/death', 'labels/death.parquet', 'y.parquet']
    """
    while name.parent != Path() and (name.stem.isdigit() or name.name in ("train", "tuning", "held_out")):
        name = name.parent
    return name


def _last_events(folder: Path, labels: pd.DataFrame) -> pd.DataFrame:
    """Of each code and subject the last event until the prediction, one with a number where there is one: ``code``,
    ``place`` in ``labels``, ``before`` in hours, ``numeric_value``, ``outcome``."""
    kept = [pd.DataFrame({"code": [], "place": [], "before": [], "numeric_value": []})]
    for batch in batches(shards(folder), None, labels["subject_id"]):
        found = in_the_window(batch, labels, np.inf)
        found = found.loc[~(found["before"] < 0), ["code", "place", "before", "numeric_value"]]
        both = pd.concat([*kept, found])
        order = np.lexsort((both["before"], both["numeric_value"].isna()))
        kept = [both.iloc[order].drop_duplicates(["code", "place"])]
    events = kept[0].astype({"place": int})
    return events.assign(outcome=(labels["outcome"] == 1).to_numpy()[events["place"]])


def _window(events: pd.DataFrame) -> int:
    measured = events[events["numeric_value"].notna()].groupby("place")["before"].min()
    enough = [hours for hours in WINDOWS if len(measured) and (measured <= hours).mean() >= MOST]
    return enough[0] if enough else WINDOWS[-1]


def _series(found: Proposal, events: pd.DataFrame, labels: pd.DataFrame, described: dict[str, str]) -> None:
    numeric = events[events["numeric_value"].notna()]
    counts = numeric["code"].value_counts()
    frequent = [str(code) for code in counts.index[counts >= FEWEST]]
    for code in frequent:
        rows = numeric[numeric["code"] == code]
        alone = auc(rows["numeric_value"].to_numpy(dtype=float), rows["outcome"].to_numpy(dtype=bool))
        if named([code], (*FOLLOWS, *DEATH)):
            found.leave_out(code, "known when the stay is over")
        elif alone > GIVES_AWAY:
            found.leave_out(code, f"it gives the outcome away: an AUC of {alone:.3f} alone")
        elif len(found.variables) == MOST_CODES:
            found.leave_out(code, f"{MOST_CODES} codes are more frequent")
        else:
            unit = code.split("//")[-1] if code.count("//") >= 2 and not code.endswith("//") else ""
            label = described.get(code) or code
            found.variables[code] = {"label": label, "role": "series", "unit": unit, "codes": [code]}
    if not found.variables:
        raise InputError(
            f"no code has numbers of {FEWEST} of the {len(labels)} labelled subjects before the prediction"
        )


def _statics(found: Proposal, events: pd.DataFrame) -> None:
    if (events["code"] == BIRTH).any():
        found.variables["age"] = {"label": "age", "role": "static", "unit": "years", "years_since": BIRTH}
    counts = events["code"].value_counts()
    sexes = [str(c) for c in counts.index if plain(str(c).split("//")[0]) in SEX and counts[c] >= FEWEST]
    if len(sexes) == 2:
        first, second = sorted(sexes, key=lambda code: plain(code.split("//")[-1]) not in FEMALE)
        found.variables[first] = {
            "label": first, "role": "static", "kind": "binary", "positive": [first], "negative": [second]
        }  # fmt: skip


def _tell_of_conditions(found: Proposal, events: pd.DataFrame) -> None:
    """Say how many codes have no numbers: diagnoses and drugs, which a person may declare."""
    used = {code for one in found.variables.values() for code in (*one.get("positive", ()), *one.get("negative", ()))}
    numeric = events.loc[events["numeric_value"].notna(), "code"]
    if without := set(events["code"]) - set(numeric) - used - {BIRTH}:
        reason = "no event of them has a number: declare those that you need as binary variables"
        found.leave_out(f"{len(without)} codes", reason)


def _described(folder: Path) -> dict[str, str]:
    if not (folder / CODES).is_file():
        return {}
    known: Any = read_typed(folder / CODES, {"code": pa.string()}, {"description": pa.string()}, "the schema of codes")
    rows = ((row["code"], row.get("description")) for row in known.to_pylist())
    return {code: said for code, said in rows if code and said}
