"""Which test patients a bundle's figures are about, and which figures earlier releases leave no room for."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recondense.bundle.subgroups import of_variables
from recondense.cohorts import panel
from recondense.cohorts.panel import Panel, Panels
from recondense.models.part import Part
from recondense.models.predictions import Results, ensemble
from recondense.models.reliability import reliability
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.records.cohort import Normalised
from recondense.results.public import Public
from recondense.stages.layout import Layout

Members = NDArray[np.bool_]


def panel_of(layout: Layout, metrics: Public) -> Panel:
    """Whom the candidate's ``metrics`` are about: held-out patients by split, test patients by group that is told.

    Of each variable the patients in none of its groups are a group too: they can be had by subtraction.
    """
    ingested = layout.folder("ingestion")
    subjects = pd.read_parquet(ingested / "subjects.parquet")
    own = panel.digests(layout.cohort, pd.read_parquet(ingested / "events.parquet"), subjects)
    groups: dict[str, Members] = {}
    for variable, told in _told(layout, metrics, subjects).items():
        rest = ~np.any(list(told.values()), axis=0)
        groups |= {f"{variable}: {name}": members for name, members in (*told.items(), ("none", rest)) if members.any()}
    test = own[_test(layout).rows]
    return Panel(
        splits={split: sorted(set(own[(subjects["split"] == split).to_numpy()])) for split in panel.HELD_OUT},
        groups={name: sorted(set(test[members])) for name, members in groups.items()},
    )


def without_close(metrics: Public, own: Panel, earlier: Panels) -> Public:
    """``metrics`` without the groups that differ from those of an earlier release by some, but too few, patients.

    With one group of a variable go all of it, and all bins of a calibration: the one could be had from the others.
    Releases of just these test patients are not compared: nobody came or left.
    """
    others = [one for one in earlier.releases.values() if one.splits["test"] != own.splits["test"]]
    close = {
        name.split(": ")[0]
        for name, members in own.groups.items()
        if panel.close(
            {name: members}, [{name: one.groups[name]} for one in others if name in one.groups], metrics.fewest_patients
        )
    }
    stated = metrics.as_json()
    told, withheld = stated["subgroups"]["groups"], stated["subgroups"]["withheld"]
    for group in told:
        if group["variable"] in close:
            withheld.setdefault(group["variable"], []).append(group["group"])
    stated["subgroups"]["groups"] = [group for group in told if group["variable"] not in close]
    bins = stated["calibration"]["of"]
    stated["calibration"]["of"] = {name: bins[name] for name in bins if _calibration(name) not in close}
    return Public.read(stated, "the figures of the bundle")


def _told(layout: Layout, metrics: Public, subjects: pd.DataFrame) -> dict[str, dict[str, Members]]:
    """Which of the test part are in each group that ``metrics`` tell of, ``(n_test,)``, by variable and group."""
    test = _test(layout)
    preprocessing = Preprocessing.load(layout.folder("normalisation") / "preprocessing.json")
    results = Results.load(layout.folder("training")).joined(Results.load(layout.folder("reference")))
    about = subjects.iloc[test.rows].reset_index(drop=True)
    told: dict[str, dict[str, Members]] = {}
    names = {(group.variable, group.group) for group in metrics.subgroups.groups} if metrics.subgroups else set()
    for kind, of_variable in of_variables(preprocessing.variables, about):
        found = {name: chosen for name, chosen in of_variable.items() if (kind, name) in names}
        if found:
            told[kind] = found
    if metrics.calibration is None:
        return told
    for name in metrics.calibration.of:
        risks = ensemble(results.risks(name, test)[metrics.calibration.network])
        sizes = [found["patients"] for found in reliability(test.labels, risks, metrics.fewest_patients)]
        order = np.argsort(risks if risks.ndim == 1 else risks.max(axis=1), kind="stable")
        bins = np.split(order, np.cumsum(sizes)[:-1].astype(int))
        told[_calibration(name)] = {f"bin {n}": np.isin(np.arange(len(order)), own) for n, own in enumerate(bins)}
    return told


def _calibration(training_set: str) -> str:
    return f"calibration {training_set}"


def _test(layout: Layout) -> Part:
    return Part.of(Normalised.load(layout.folder("normalisation") / "normalised.safetensors"), "test")
