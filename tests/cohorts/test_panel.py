"""Two releases around patients who leave, come or are corrected: what subtracting their figures could tell of."""

import importlib
import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recondense.bundle.differencing import panel_of
from recondense.bundle.rounding import STEP
from recondense.cohorts import panel
from recondense.cohorts.panel import Panel, close, digests, settled
from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.errors import InputError
from recondense.files import secret
from recondense.files.strict_json import read_json
from recondense.records.cohort import Ingested
from recondense.results.public import Public
from recondense.stages.layout import Layout
from tasks.ingestion import ingestion
from tests.support.paths import REPO
from tests.support.project import SMALL, STAGES

HASHED = {"kind": "hashed", "validation": 0.2, "test": 0.5}
FEWEST = 10


def cells(panels: list[dict[str, set[str]]]) -> list[int]:
    """How many patients an attacker can tell of who adds and subtracts the figures of some releases: all atoms."""
    everyone = set().union(*(members for panel in panels for members in panel.values()))
    patterns = [tuple(one in members for panel in panels for members in panel.values()) for one in everyone]
    return [patterns.count(pattern) for pattern in set(patterns)]


@pytest.mark.parametrize("seed", range(20))
def test_whoever_comes_goes_and_moves_over_ten_releases_no_sum_or_difference_of_figures_is_about_a_few(
    seed: int,
) -> None:
    chance = random.Random(seed)
    here = {"validation": {f"{one:04}" for one in range(100)}, "test": {f"{one:04}" for one in range(100, 300)}}
    n, panels = 300, list[dict[str, set[str]]]()
    for _ in range(10):
        panels.append(settled(here, panels, FEWEST))
        assert min(cells(panels)) >= FEWEST
        assert not close(panels[-1], panels[:-1], FEWEST)
        assert settled(here, panels, FEWEST) == panels[-1], "a rerun after the release"
        for members in here.values():
            members -= set(chance.sample(sorted(members), min(chance.choice([0, 0, 1, 1, 3, 15]), len(members))))
            come = chance.choice([0, 1, 4, 30])
            members |= {f"{one:04}" for one in range(n, n + come)}
            n += come
        moved = set(chance.sample(sorted(here["test"]), chance.choice([0, 0, 1, 12])))
        here = {"validation": here["validation"] | moved, "test": here["test"] - moved}
    assert len(panels[-1]["test"]) >= 50, "and figures are still about many"


def test_one_who_left_two_who_came_and_a_small_cell_are_close() -> None:
    def told(after: set[str], *earlier: set[str], fewest: int = FEWEST) -> bool:
        return close({"test": after}, [{"test": one} for one in earlier], fewest)

    before = {f"{one:02}" for one in range(30)}
    ten = {f"{one:02}" for one in range(10)}
    assert not told(before, before)
    assert told(before - {"00"}, before)
    assert told(before | {"40", "41"}, before)
    assert told(before - {"00"} | {f"4{one}" for one in range(9)}, before), "ten changed, but one of them left"
    assert not told(before - ten, before)
    assert told(before - ten, before, fewest=11)
    assert not told(before - ten, before, before - ten, fewest=11)


def test_validation_and_test_together_do_not_tell_of_one_who_left_while_others_moved() -> None:
    """Twelve move from validation to test while one leaves: each split has changed by enough, their union by one."""
    validation, test = {f"v{one:02}" for one in range(50)}, {f"t{one:02}" for one in range(50)}
    moved = {f"v{one:02}" for one in range(1, 13)}
    before = {"validation": validation, "test": test}
    after = {"validation": validation - moved - {"v00"}, "test": test | moved}
    assert close(after, [before], FEWEST)
    found = settled(after, [before], FEWEST)
    assert not close(found, [before], FEWEST)
    assert len((validation | test) - found["validation"] - found["test"]) == FEWEST
    assert moved & found["test"], "who moved is still in a figure"


def cohort(folder: Path, *withdrawn: str, without: str = "", corrected: str = "", fewest: int = FEWEST) -> Layout:
    """The embedded cohort after one release of all its held-out patients, with these changes of the raw records."""
    layout = Layout(folder, "small")
    raw = folder / "data/1_raw/pbcseq"
    if not raw.exists():
        shutil.copytree(REPO / "data/1_raw/pbcseq", raw)
        (folder / "dvc.yaml").touch()
        block = {
            **SMALL,
            "ingestion": {**SMALL["ingestion"], "split": HASHED},
            "release": {"min_patients_per_class": fewest},
        }
        (folder / "params.yaml").write_text(json.dumps({"cohorts": {"small": block}}))
    lines = (REPO / "data/1_raw/pbcseq/pbcseq.csv").read_text().splitlines()
    if without:
        lines = [line for line in lines if line.split(",")[0] != without]
    if corrected:
        lines = [line.replace(",0,", ",1,", 1) if line.split(",")[0] == corrected else line for line in lines]
    (raw / "pbcseq.csv").write_text("\n".join(lines) + "\n")
    (raw / "withdrawn.txt").write_text("".join(f"{one}\n" for one in withdrawn))
    return layout


def ingested(layout: Layout) -> tuple[Ingested, dict[str, set[str]]]:
    """What the stage makes, and its panels."""
    ingestion(layout)
    made = Ingested.load(layout.folder("ingestion"))
    own = digests(layout.cohort, made.events, made.subjects)
    return made, {split: set(own[(made.subjects["split"] == split).to_numpy()]) for split in panel.HELD_OUT}


def release(layout: Layout, version: str, panels: dict[str, set[str]]) -> None:
    panel.save(layout.root, layout.cohort, version, Panel(splits={k: sorted(v) for k, v in panels.items()}, groups={}))


def one_of(made: Ingested, split: str) -> str:
    return str(made.subjects.loc[made.subjects["split"] == split, "subject_id"].iloc[0])


@pytest.mark.parametrize("split", panel.HELD_OUT)
def test_with_one_held_out_patient_who_withdraws_go_others_and_all_are_counted(tmp_path: Path, split: str) -> None:
    before, first = ingested(cohort(tmp_path))
    release(cohort(tmp_path), "2026.12.1", first)
    leaver = one_of(before, split)
    layout = cohort(tmp_path, leaver)
    after, second = ingested(layout)
    assert len(first[split] - second[split]) == FEWEST
    assert second[split] < first[split]
    other = next(name for name in panel.HELD_OUT if name != split)
    assert second[other] == first[other]
    assert leaver not in set(after.subjects["subject_id"]) | set(after.events["subject_id"])
    counts = read_json(layout.folder("ingestion") / "metrics.json")["counts"]  # its sums are checked when it is made
    assert counts["subjects"]["set_aside"]["held back until more have changed"] == FEWEST - 1
    train = [made.subjects.query("split == 'train'")["subject_id"].tolist() for made in (before, after)]
    assert train[0] == train[1]
    release(layout, "2026.12.2", second)
    assert ingested(layout)[1] == second, "a rerun after the release leaves out nobody else"


def test_who_comes_waits_for_others_and_who_is_corrected_counts_as_gone(tmp_path: Path) -> None:
    everyone, _ = ingested(cohort(tmp_path))
    arrival = one_of(everyone, "test")
    _, first = ingested(cohort(tmp_path, without=arrival))
    release(cohort(tmp_path), "2026.12.1", first)
    assert ingested(cohort(tmp_path))[1] == first, "one arrival is held back"

    other = str(everyone.subjects.query("split == 'test'")["subject_id"].iloc[1])
    corrected, second = ingested(cohort(tmp_path, without=arrival, corrected=other))
    assert len(first["test"] - second["test"]) == FEWEST
    assert second["test"] < first["test"]
    assert other not in set(corrected.subjects["subject_id"])


def test_a_train_patient_who_withdraws_leaves_the_held_out_alone(tmp_path: Path) -> None:
    before, first = ingested(cohort(tmp_path))
    release(cohort(tmp_path), "2026.12.1", first)
    assert ingested(cohort(tmp_path, one_of(before, "train")))[1] == first


def test_where_too_few_would_be_left_nothing_is_made_of_it(tmp_path: Path) -> None:
    before, first = ingested(cohort(tmp_path, fewest=100))
    release(cohort(tmp_path), "2026.12.1", first)
    with pytest.raises(InputError, match=r"the validation split changed since a release.*make 100 nobody"):
        ingestion(cohort(tmp_path, one_of(before, "validation")))


def test_panels_hold_no_id_and_under_another_key_they_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, first = ingested(cohort(tmp_path))
    release(cohort(tmp_path), "2026.12.1", first)
    held_out = made.subjects.loc[made.subjects["split"] != "train", "subject_id"]
    assert not set(held_out) & {one for panels in first.values() for one in panels}
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "other keys"))
    with pytest.raises(InputError, match=r"written under another noise\.key"):
        ingestion(Layout(tmp_path, "small"))
    assert not (tmp_path / "other keys").exists(), "a key was made silently"
    secret.noise_key()
    with pytest.raises(InputError, match=r"written under another noise\.key"):
        ingestion(Layout(tmp_path, "small"))
    (tmp_path / panel.place("small")).write_text("{}")
    with pytest.raises(InputError, match="restore it from git"):
        ingestion(Layout(tmp_path, "small"))


def test_records_from_elsewhere_are_read_without_regard_to_releases(tmp_path: Path) -> None:
    made, first = ingested(cohort(tmp_path))
    release(cohort(tmp_path), "2026.12.1", first)
    layout = cohort(tmp_path, one_of(made, "test"))
    settings = {"dataset": "pbcseq", "raw": "data/1_raw/pbcseq", "split": HASHED}
    everyone, _ = ingest(layout.root, Params.model_validate(settings))
    assert len(everyone.subjects) == len(made.subjects) - 1


def numbers(found: object, name: str = "") -> dict[str, float]:
    """Every number of a bundle's figures, by dotted name."""
    if isinstance(found, dict | list):
        items = found.items() if isinstance(found, dict) else enumerate(found)
        return {k: v for key, each in items for k, v in numbers(each, f"{name}.{key}").items()}
    return {name: found} if isinstance(found, int | float) else {}


def test_two_bundles_around_a_test_patient_who_withdraws_tell_nothing_of_her(small: Layout, tmp_path: Path) -> None:
    shutil.copytree(small.root, tmp_path / "project")
    layout = Layout(tmp_path / "project", small.cohort)
    bundle = layout.folder("release") / "metrics.json"
    before, made = Public.load(bundle), Ingested.load(layout.folder("ingestion"))
    first = panel_of(layout, before)
    panel.save(layout.root, layout.cohort, "2026.12.1", first)

    leaver = one_of(made, "test")
    (layout.root / "data/1_raw/pbcseq/withdrawn.txt").write_text(f"{leaver}\n")
    for name in STAGES:
        getattr(importlib.import_module(f"tasks.{name}"), name)(layout)
    after = Public.load(bundle)
    second = panel_of(layout, after)

    fewest = after.fewest_patients
    gone = set(first.splits["test"]) - set(second.splits["test"])
    assert len(gone) == fewest == FEWEST
    assert set(second.splits["test"]) < set(first.splits["test"])
    for name, members in second.groups.items():
        changed = set(members) ^ set(first.groups.get(name, members))
        assert not changed or len(changed) >= fewest, name
    met = {name for name, members in first.groups.items() if 0 < len(gone & set(members)) < fewest}
    assert met, "some groups lost a few"
    assert before.subgroups
    assert before.calibration
    assert after.subgroups
    assert after.calibration
    assert {name.split(": ")[0] for name in met} & {one.variable for one in before.subgroups.groups}
    assert not {f"{one.variable}: {one.group}" for one in after.subgroups.groups} & met
    assert before.calibration.of
    assert not after.calibration.of

    for stated in (before, after):
        counts = numbers(stated.as_json()["cohort"]["counts"]) | numbers(stated.as_json()["cohort"]["subjects"])
        sizes: list[Any] = [] if stated.n is None else [stated.n.test, stated.n.test_cases]
        assert all(count % STEP == 0 for count in [*counts.values(), *sizes, *stated.cohort.train_patients_per_class])


# Whole numbers in a bundle's metrics that count no patients
OTHERS = {
    "schema", "size", "steps", "steps_to_plateau", "baselines", "records_per_class", "copied_records", "averaged",
    "resamples", "refused_before", "fewest_patients", "limits", "gate",
}  # fmt: skip


def texts(found: Any) -> Iterator[str]:
    """Every sentence in some JSON."""
    if isinstance(found, dict):
        for each in found.values():
            yield from texts(each)
    elif isinstance(found, list):
        for each in found:
            yield from texts(each)
    elif isinstance(found, str):
        yield found


def test_every_count_of_patients_that_a_bundle_states_is_rounded(small: Layout) -> None:
    """Whoever adds a count of patients to a bundle adds it to the rounding, or names it here as something else."""

    def counts(found: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
        if isinstance(found, dict):
            for name, each in found.items():
                yield from counts(each, (*place, name))
        elif isinstance(found, list):
            for each in found:
                yield from counts(each, place)
        elif isinstance(found, int) and not isinstance(found, bool):
            yield place, found

    metrics = read_json(small.folder("release") / "metrics.json")
    stated = list(counts(metrics))
    of_patients = [(place, n) for place, n in stated if not OTHERS & set(place) and place != ("n", "condensed")]
    assert ("evidence", "test_events") in dict(of_patients)
    assert [(place, n) for place, n in of_patients if n % STEP] == []
    sizes = Ingested.load(small.folder("ingestion")).subjects["split"].value_counts()
    exact = [str(n) for n in (*sizes, sizes.sum()) if n % STEP]
    assert exact and not re.findall(rf"(?<![\d.])({'|'.join(exact)})(?![\d.])", " ".join(texts(metrics)))
