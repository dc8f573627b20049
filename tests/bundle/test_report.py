"""What a bundle says of itself: figures of groups, none of few, in a page, a data sheet and forms for machines."""

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from recondense.bundle.aggregates import coverage
from recondense.bundle.contents import Contents
from recondense.bundle.documents import datasheet, write_documents
from recondense.bundle.make import write_version
from recondense.bundle.phrases import reason
from recondense.bundle.readme import readme
from recondense.bundle.releases import charts, rows
from recondense.bundle.report import report
from recondense.bundle.rounding import rounded
from recondense.bundle.subgroups import subgroups
from recondense.bundle.verify import verify
from recondense.files.hashes import sha256
from recondense.files.strict_json import read_json
from recondense.models.part import Part
from recondense.models.predictions import Results
from recondense.models.reliability import reliability
from recondense.preprocessing.preprocessing import Feature, Preprocessing
from recondense.private.guarantee import Guarantee, Query
from recondense.records.cohort import Ingested, Normalised, Variable
from recondense.records.condensed import CondensedSet
from recondense.results.attacks import OnMembers
from recondense.results.public import Outcome, Override, Public
from recondense.results.releases import Earlier
from recondense.stages.layout import Layout
from tests.support.browser import Page, check_page
from tests.support.results import guessing

SETS = ("condensed", "all_real")
RELEASED = {"version": "2026.10.1", "released": "2026-10-02T03:04:05.000000Z", "manifest": "00", "withdrawn": None}
WITHDRAWN = {
    **RELEASED,
    "version": "2026.10.2",
    "withdrawn": {"time": "2026-10-09T00:00:00Z", "reason": "wrong <units>"},
}


def earlier(place: int, auc: float, attack: float, together: float) -> dict[str, Any]:
    """A release with figures, epsilon 1 of its own."""
    return {
        **RELEASED,
        "version": f"2026.09.{place}",
        "figures": {
            "test_auc": {"mean": auc, "low": auc - 0.1, "high": auc + 0.1},
            "attack": {"name": "lira_online", "auc": attack, "low": attack - 0.02, "high": attack + 0.02},
        },
        "privacy": {"epsilon": 1.0, "cumulative_epsilon": together},
    }


@pytest.fixture(scope="session")
def contents(small: Layout) -> Contents:
    return Contents.load(small.folder("release"), "small", "candidate", ())


def without(contents: Contents, *paths: str) -> Contents:
    """The same contents where some of the metrics are null, or are not told of a training set."""
    metrics = contents.metrics.as_json()
    for path in paths:
        *keys, last = path.split(".")
        target = metrics
        for key in keys:
            target = target[key]
        if last in SETS:
            del target[last]
        else:
            target[last] = {"ensembles": {}, "gate": []}.get(last)
    return replace(contents, metrics=Public.model_validate(metrics))


def test_the_page_is_well_formed_and_fetches_and_runs_nothing(contents: Contents) -> None:
    text = report(contents)
    page = Page(text)
    assert page.open == []
    assert page.all("script", "link", "iframe", "object", "embed", "img", "form") == []
    assert not re.search(r"url\(|@import|\son\w+=|javascript:", text)
    assert len(text.encode()) < 2_000_000


def test_the_page_of_a_large_bundle_is_not_large(contents: Contents) -> None:
    features = tuple(Feature(name=f"band {i}", source="series", variable=f"band {i}") for i in range(64))
    values = np.random.default_rng(0).normal(size=(800, 96, 64)).astype(np.float32)
    condensed = CondensedSet(values, np.tile([0.1, 0.9], 400).astype(np.float32))
    wide = contents.preprocessing.model_copy(update={"features": features, "n_steps": 96, "step_hours": 0.1 / 3600})
    text = report(replace(contents, condensed=condensed, preprocessing=wide))
    assert len(text.encode()) < 2_000_000
    assert len(Page(text).all("figure")) > 20 and ">seconds<" in text


def test_the_page_can_be_read_without_eyes_or_mouse(contents: Contents) -> None:
    page = Page(report(contents))
    assert page.all("html")[0]["lang"] == "en"
    assert [len(page.all(one)) for one in ("main", "header", "footer", "h1")] == [1, 1, 1, 1]
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))
    assert len(page.all("table")) == len(page.all("caption")) > 4
    assert all(cell.get("scope") in ("row", "col") for cell in page.all("th"))
    assert all(one.get("aria-label") or one.get("aria-hidden") == "true" for one in page.all("svg"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [str(link["href"]) for link in page.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def luminance(colour: str) -> float:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_colours_contrast_with_the_paper_in_light_and_dark(contents: Contents) -> None:
    light, dark = re.findall(r":root \{(.*?)\}", report(contents), re.DOTALL)
    for theme in (light, dark):
        colour = {name: luminance(value) for name, value in re.findall(r"--([\w-]+): (#[0-9a-f]{6})", theme)}
        for paper in ("paper", "card", "accent-paper"):
            for ink in ("ink", "soft", "accent", "warn"):
                high, low = sorted([colour[ink], colour[paper]], reverse=True)
                assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, paper)


def test_equal_contents_give_equal_documents_and_a_version_says_which_came_before(
    small: Layout, tmp_path: Path
) -> None:
    made = []
    for place in ("one", "other"):
        (tmp_path / place).mkdir()
        write_version(small.folder("release"), tmp_path / place, "2026.11.1", lambda files: {}, [RELEASED, WITHDRAWN])
        made.append({path.name: sha256(path) for path in (tmp_path / place).iterdir()})
    assert made[0] == made[1]
    assert [check.claim for check in verify(tmp_path / "one") if not check.holds] == []
    text = (tmp_path / "one/report.html").read_text()
    for said in ("2026.10.1", "2026-10-02", "withdrawn on 2026-10-09", "wrong &lt;units&gt;", "2026.11.1"):
        assert said in text
    for name in ("README.md", "DATASHEET.md", "LICENSE", "CITATION.cff", "croissant.json"):
        assert "2026.11.1" in (tmp_path / "one" / name).read_text(), name


def test_page_and_metrics_agree(contents: Contents) -> None:
    text = report(contents)
    found, calibration, subgroups = (
        contents.metrics.test_auc["condensed"], contents.metrics.calibration, contents.metrics.subgroups
    )  # fmt: skip
    assert f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})" in text
    assert calibration and subgroups and subgroups.groups
    for bin in calibration.of["condensed"]:
        assert f"{100 * bin.observed:.1f} % ({100 * bin.low:.1f} to {100 * bin.high:.1f})" in text
    for group in subgroups.groups:
        assert f"{group.variable}: {group.group}" in text
    for attack in contents.metrics.privacy.attacks.values():
        assert reason(attack) in text.replace("&#39;", "'")


@pytest.mark.parametrize(
    ("paths", "gone"),
    [
        (["convergence"], 'id="learning"'),
        (["calibration"], 'id="calibration"'),
        (["subgroups"], 'id="groups"'),
        (["cohort.counts"], "what was set aside"),
        (["test_auc.all_real", "ensembles"], "networks together"),
        (["gate"], "What a release must satisfy"),
        (["cohort.subjects.train", "cohort.prevalence", "coverage"], "Patients by split"),
    ],
)
def test_what_is_not_told_leaves_no_hole(contents: Contents, paths: list[str], gone: str) -> None:
    less = without(contents, *paths)
    before, after = (report(each) + datasheet(each) + readme(each) for each in (contents, less))
    assert gone in before
    assert gone not in after
    assert "Undefined" not in after and "None" not in after and "nan" not in after.lower().split()


def test_the_course_over_releases_is_drawn_and_ends_with_this_bundle(contents: Contents) -> None:
    before = (earlier(1, 0.71, 0.55, 1.0), {**RELEASED, "figures": None}, earlier(2, 0.743, 0.53, 1.62))
    told = replace(contents, version="2026.11.1", history=tuple(map(Earlier.model_validate, before)), spent=2.4)
    found = rows(told)
    own = contents.metrics.test_auc["condensed"]
    assert [row.version for row in found] == ["2026.09.1", "2026.10.1", "2026.09.2", "2026.11.1"]
    assert found[0].auc == "0.710 (0.610 to 0.810)" and found[1].auc == "" and found[2].together == "1.62"
    assert found[-1].figures and found[-1].figures.test_auc.mean == own.mean and found[-1].together == "2.4"
    drawn = {title: str(picture) for title, picture in charts(found)}
    assert list(drawn) == ["AUC on test patients", "AUC of the strongest attack", "Epsilon of all releases together"]
    assert f"2026.09.2: 0.743; 2026.11.1: {own.mean:.3f}" in drawn["AUC on test patients"]
    assert "1.000; 2026.09.2: 1.620; 2026.11.1: 2.400" in drawn["Epsilon of all releases together"]
    attacks = contents.metrics.privacy.attacks
    aucs = {name: attack.auc for name, attack in attacks.items() if isinstance(attack, OnMembers)}
    assert found[-1].attack.startswith(max(aucs, key=lambda name: aucs[name]).replace("_", " "))
    assert "1 (1.62)" in report(told) and "of all so far" not in report(contents)
    assert not list(charts(rows(contents)))  # nothing to compare with


def test_a_private_release_states_its_guarantee_and_its_budget(contents: Contents) -> None:
    query = Query(name="class sums", what="of windows", values=12, sensitivity=0.9, sigma=4.25)
    given = Guarantee(
        unit="one patient", mechanism="a Gaussian", epsilon=1, delta=1e-5, groups={2: 2.2}, queries=(query,),
        statistics="0" * 64, counts=(30, 20), outside=("scores on test patients",),
    )  # fmt: skip
    metrics = contents.metrics.as_json()
    metrics["privacy"] |= {
        "guarantee": given.model_dump(mode="json"),
        "attacks": {**metrics["privacy"]["attacks"], "guesses<script>": {**guessing(), "risk": 0.02, "high": 0.1}},
    }
    private = replace(contents, metrics=Public.model_validate(metrics))
    text = report(private)
    assert "epsilon 1 and delta 1e-05" in text and "carries no differential-privacy" not in text
    for document in (text, readme(private)):
        assert "4.250" in document and "class sums" in document and "scores on test patients" in document
    assert "risk 0.020 (0.000 to 0.100)" in text
    assert "<script" not in text
    assert "epsilon 1 and delta 1e-05" in readme(private) and "epsilon 1 and delta 1e-05" in datasheet(private)


def test_who_released_against_the_gate_and_why_stands_on_the_first_page(contents: Contents) -> None:
    override = Override(by="Ada Steward", reason="the board agreed to it", against=("attacks_succeeded",))
    refused = Outcome(id="attacks_succeeded", value=("lira_online",), limit=(), holds=False)
    metrics = contents.metrics.model_copy(update={"override": override, "gate": (refused,)})
    stated = replace(contents, metrics=metrics)
    for document in (report(stated), readme(stated), datasheet(stated)):
        start = document[: document.index("Ada Steward") + 200]
        assert "Released against the gate by Ada Steward: the board agreed to it" in start
        assert "privacy attacks that succeeded: lira online" in start and "AUC" not in start.split("</style>")[-1]


def test_bins_of_risk_hold_enough_patients_of_both_kinds_and_all_of_them() -> None:
    generator = np.random.default_rng(0)
    risks = generator.beta(1, 9, size=700)
    labels = (generator.random(700) < risks).astype(float)
    bins = reliability(labels, risks, fewest=20)
    assert sum(bin["patients"] for bin in bins) == 700
    for bin in bins:
        events = round(bin["observed"] * bin["patients"])
        assert bin["patients"] >= 70 and min(events, bin["patients"] - events) >= 5
        assert bin["low"] < bin["risk"] < bin["high"], "these risks are calibrated"
    assert reliability(labels[:4], risks[:4], fewest=20) == []
    (half,) = reliability(np.tile([0.0, 1], 5), np.full(10, 0.5), fewest=10)
    assert (half["low"], half["high"]) == (0.2366, 0.7634), "Wilson's (1927) 95 % interval of 5 in 10"


def test_no_figure_of_a_bundle_runs_over_features_and_steps_as_averages_do_that_tell_who_is_in_them(
    contents: Contents,
) -> None:
    names = {feature.name for feature in contents.preprocessing.features} | {
        variable.name for variable in contents.preprocessing.variables
    }

    def series(found: Any) -> Iterator[str]:
        for key, value in found.items() if isinstance(found, dict) else enumerate(found):
            if key in names and isinstance(value, dict | list):
                yield str(key)
            elif isinstance(value, dict | list):
                yield from series(value)

    assert not list(series(contents.metrics.as_json()))


def test_coverage_is_of_what_many_had_measured_and_never_tells_one() -> None:
    observed = np.zeros((60, 2, 1), bool)
    observed[:30, 0] = observed[30:34] = True
    labels = np.repeat([0.0, 1.0], 30).astype(np.float32)
    feature = Feature(name="pulse", source="series", variable="pulse", mean=80, std=10)
    preprocessing = Preprocessing(step_hours=1, n_steps=2, carry_forward=True, variables=(), features=(feature,))
    cohort = Normalised(np.zeros(observed.shape, np.float32), observed, labels, np.zeros(60, np.uint8))
    assert coverage(cohort, preprocessing, fewest=10) == {"pulse": round(34 / 60, 2)}
    assert coverage(cohort, preprocessing, fewest=35) == {"pulse": 0.0}


AGE = Variable(name="age", label="age", role="static", unit="years")
SEX = Variable(name="male", label="male sex", role="static", kind="binary")


def found_groups(ages: list[float], sex: list[float], fewest: int = 20) -> dict[str, Any]:
    n = len(ages)
    labels = np.tile([0.0, 1.0], n)[:n].astype(np.float32)
    rows = np.arange(n)
    risks = np.linspace(0.1, 0.9, n) * 0.5 + labels * 0.4
    predictions = pd.DataFrame({"training_set": "condensed", "network": "x", "seed": 0, "row": rows, "risk": risks})
    test = Part(np.zeros((n, 1, 1), np.float32), labels, rows)
    subjects = pd.DataFrame({"age": ages, "male": sex})
    return subgroups(Results(predictions, pd.DataFrame()), test, subjects, (AGE, SEX), ["x"], fewest)


def test_groups_of_few_are_not_told_nor_can_they_be_had_by_subtraction() -> None:
    found = found_groups([30.0] * 60 + [70.0] * 40 + [90.0] * 3, [0.0] * 93 + [1.0] * 10)
    assert [(group["variable"], group["group"], group["patients"]) for group in found["groups"]] == [
        ("age", "18 to 44", 60)
    ]
    assert found["withheld"] == {"age": ["65 to 79", "80 and over"], "sex": ["female", "male"]}


def test_groups_of_many_are_told_with_the_scores_of_their_own_patients() -> None:
    found = found_groups([30.0] * 50 + [70.0] * 50, [0.0, 0.0, 1.0, 1.0] * 25)
    assert [group["group"] for group in found["groups"]] == ["18 to 44", "65 to 79", "female", "male"]
    assert found["withheld"] == {}
    young = found["groups"][0]
    assert young["with_outcome"] == 25
    assert young["auc"]["condensed"]["low"] <= young["auc"]["condensed"]["mean"] <= young["auc"]["condensed"]["high"]
    risks = np.linspace(0.1, 0.9, 100)[:50] * 0.5 + np.tile([0, 0.4], 25)
    assert young["risk"]["condensed"] == pytest.approx(risks.mean(), abs=1e-4)
    assert young["auc"]["condensed"]["mean"] == pytest.approx(np.mean(risks[1::2][:, None] > risks[::2]), abs=1e-4)


def test_figures_of_a_cohort_are_of_its_test_patients_and_none_of_few(small: Layout, contents: Contents) -> None:
    metrics, subjects = contents.metrics.as_json(), Ingested.load(small.folder("ingestion")).subjects
    test = subjects[subjects["split"] == "test"]
    groups = {group["group"]: group for group in metrics["subgroups"]["groups"]}
    fewest = metrics["fewest_patients"]
    assert groups["female"]["patients"] == rounded(int((test["female"] == 1).sum()), fewest)
    assert groups["female"]["with_outcome"] == rounded(int(test.loc[test["female"] == 1, "outcome"].sum()))
    assert fewest == 10
    assert all(group["patients"] >= fewest for group in groups.values())
    for bins in metrics["calibration"]["of"].values():
        lost = len(test) - sum(bin["patients"] for bin in bins)
        assert 0 <= lost < 5 * len(bins), "everybody is in a bin, and each count is rounded down"
        assert all(bin["patients"] >= fewest for bin in bins)
    assert set(metrics["convergence"]) == {"condensed", "all_real"}
    reached = metrics["convergence"]["all_real"]
    assert reached["steps"][-1] == 20 and len(reached["steps"]) == len(reached["auc"])


def test_a_group_of_few_in_the_figures_does_not_verify(small: Layout, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(small.folder("release"), bundle)
    metrics, manifest = read_json(bundle / "metrics.json"), read_json(bundle / "manifest.json")
    metrics["calibration"]["of"]["condensed"][0]["patients"] = 9
    (bundle / "metrics.json").write_text(json.dumps(metrics))
    manifest["files"]["metrics.json"] = sha256(bundle / "metrics.json")
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    assert [check.detail for check in verify(bundle) if not check.holds] == [
        "1 are, the smallest of 9", "another text: report.html"
    ]  # fmt: skip


def test_the_dictionary_names_every_feature_with_its_unit_and_range(small: Layout, contents: Contents) -> None:
    rows = list(csv.DictReader(io.StringIO((small.folder("release") / "dictionary.csv").read_text())))
    names = [feature.name for feature in contents.preprocessing.features]
    assert [row["feature"] for row in rows] == [*names, "label"]  # the last row is what is predicted
    bilirubin = next(row for row in rows if row["feature"] == "bili")
    assert (bilirubin["unit"], float(bilirubin["low"]), float(bilirubin["high"])) == ("mg/dl", 0.05, 80)


def test_what_is_predicted_stands_on_every_page(small: Layout, contents: Contents) -> None:
    predicted = contents.predicted
    assert "death or liver transplant, within 1826 days; predicted 365 days after enrolment" in predicted
    pages = ("README.md", "DATASHEET.md", "report.html", "croissant.json", "dictionary.csv")
    for page in pages:
        assert predicted in (small.folder("release") / page).read_text().replace("\\", ""), page
    before = without(contents, "cohort.target")  # a bundle that does not say it
    assert before.predicted == "" and "What is predicted" not in readme(before) + datasheet(before)


def test_the_citation_can_be_read_and_the_licence_is_the_records_own(small: Layout) -> None:
    bundle = small.folder("release")
    cited = YAML(typ="safe").load(bundle / "CITATION.cff")
    source = read_json(bundle / "metrics.json")["cohort"]["source"]
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "dataset" and cited["authors"]
    assert cited["references"][0]["title"] == source["title"]
    terms = (bundle / "LICENSE").read_text()
    assert source["licence"] in terms and source["citation"] in terms


def test_croissant_describes_the_files_that_are_there(small: Layout) -> None:
    bundle = small.folder("release")
    described = read_json(bundle / "croissant.json")
    for file in described["distribution"]:
        assert file["sha256"] == sha256(bundle / file["contentUrl"])
    columns = [field["source"]["extract"]["column"] for field in described["recordSet"][0]["field"]]
    assert columns == list(pd.read_parquet(bundle / "condensed.parquet").columns)
    assert [field["name"] for field in described["recordSet"][1]["field"]] == list(
        pd.read_csv(bundle / "dictionary.csv").columns
    )


@pytest.mark.slow
def test_croissant_is_valid_and_its_records_can_be_read(small: Layout) -> None:
    croissant = pytest.importorskip("mlcroissant")
    bundle = small.folder("release")
    dataset = croissant.Dataset(jsonld=str(bundle / "croissant.json"))
    assert list(dataset.metadata.ctx.issues.errors) == []
    read = [row["condensed/value"] for row in dataset.records("condensed")]
    np.testing.assert_allclose(read, pd.read_parquet(bundle / "condensed.parquet")["value"])


def test_documents_of_another_version_are_replaced_whole(small: Layout, contents: Contents, tmp_path: Path) -> None:
    shutil.copytree(small.folder("release"), tmp_path / "bundle")
    write_documents(tmp_path / "bundle", replace(contents, version="2026.11.3"))
    assert "small candidate" not in "".join(
        (tmp_path / "bundle" / name).read_text() for name in ("README.md", "DATASHEET.md", "LICENSE", "report.html")
    )
    assert json.loads((tmp_path / "bundle/croissant.json").read_text())["version"] == "2026.11.3"


@pytest.mark.parametrize(("width", "dark"), [(400, True), (1600, False)])
def test_the_report_is_sound_in_a_browser(contents: Contents, tmp_path: Path, width: int, dark: bool) -> None:
    check_page(report(contents), tmp_path, width, dark)
