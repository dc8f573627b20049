"""What releases cost together: booked from the bundle itself, over all cohorts with the same patients."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recondense.errors import InputError
from recondense.files.hashes import sha256
from recondense.ledger import Ledger, keys
from recondense.ledger.artifacts import check_artifacts
from recondense.ledger.entry import NO_GUARANTEE
from recondense.ledger.population import entries_of_population
from recondense.ledger.spending import cost, spent, statement, together
from recondense.private.askings import serve, unrecorded
from recondense.private.guarantee import Asked, Guarantee, Query, epsilon
from recondense.private.statistics import Plan, ask
from recondense.publishing.examine import check_against
from recondense.publishing.published import published, so_far
from recondense.publishing.ready import check_answers, check_budget
from recondense.publishing.release import privacy
from recondense.publishing.versions import Releases
from tests.support.condensing import cohort

PLAN = Plan(n_features=3, n_classes=2, windows=2, length=2.0, shares=(0.01, 0.83, 0.16))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "keys"))
    keys.create()
    root = tmp_path / "project"
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / "dvc.yaml").touch()
    return root


def params(root: Path, **cohorts: Any) -> None:
    (root / "params.yaml").write_text(json.dumps({"cohorts": cohorts}))


def release(statistics: str, sigma: float) -> dict[str, Any]:
    """What the ledger says of the privacy of one."""
    query = Query(name="sum", what="patients", values=1, sensitivity=1, sigma=sigma)
    cost = epsilon([query], 1e-5)
    return {"epsilon": cost, "delta": 1e-5, "statistics": statistics, "queries": [query.model_dump()]}


def guarantee(wanted: float, number: int = 1, **changes: Any) -> dict[str, Any]:
    """Of a condensed set whose patients were asked for the ``number``-th time."""
    train = cohort().part("train")
    stated = ask(train, PLAN, wanted, 1e-5, unrecorded(number.to_bytes(32, "big"))).guarantee
    asked = Asked(number=number, draws=changes.pop("draws", 0), reused=changes.pop("reused", False))
    return Guarantee.model_validate({**stated.model_dump(), "asked": asked}).model_dump(mode="json")


def bundle(folder: Path, given: dict[str, Any] | None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps({"privacy": {"guarantee": given}}))
    files = {"metrics.json": sha256(folder / "metrics.json")}
    (folder / "manifest.json").write_text(json.dumps({"cohort": "tiny", "files": files}))
    return folder


def test_costs_of_releases_add_up_by_composition_and_the_same_answers_cost_once() -> None:
    first, second = release("a" * 64, 4.0), release("b" * 64, 5.0)
    assert together([]) == 0
    assert together([first, first]) == first["epsilon"]
    both = together([first, second])
    assert both is not None
    # Noise of 4 and of 5 is, for one patient, as good as the noise whose inverse square is the sum of theirs
    assert both == pytest.approx(release("c" * 64, (1 / 16 + 1 / 25) ** -0.5)["epsilon"], abs=2e-4)
    assert first["epsilon"] < both < first["epsilon"] + second["epsilon"]
    assert together([first, NO_GUARANTEE]) is None


def test_a_release_beyond_the_budget_is_refused_with_the_sum(root: Path) -> None:
    params(root, tiny={"schedule": {"budget": 1.5}})
    releases, first, second = Releases(root, "tiny"), release("a" * 64, 4.0), release("b" * 64, 4.0)
    check_budget(releases, first)
    releases.ledger.append("released", {"privacy": first})
    check_budget(releases, first)  # from the same answers: nothing is added
    check_budget(releases, second)
    third = release("c" * 64, 2.5)
    total = together([first, third])
    with pytest.raises(InputError, match=f"have spent {first['epsilon']:g}, this one costs .* come to {total:g} at"):
        check_budget(releases, third)
    with pytest.raises(InputError, match="this candidate gives no guarantee"):
        check_budget(releases, NO_GUARANTEE)
    releases.ledger.append("released", {"privacy": NO_GUARANTEE})
    with pytest.raises(InputError, match="an earlier release gave no guarantee"):
        check_budget(releases, first)


# The cost that is booked


def test_a_refused_run_after_the_candidate_does_not_change_what_its_release_costs(root: Path) -> None:
    """The scenario: epsilon 3 passes, .1 is refused, the first comes back by git and dvc checkout, and is released."""
    params(root, tiny={})
    releases, strong, weak = Releases(root, "tiny"), guarantee(3.0), guarantee(0.1, number=2)
    candidate = bundle(root / "data/7_released/tiny/candidate", strong)
    booked = statement(strong, [])
    releases.ledger.append("gate passed", {"stage": "release", "privacy": booked})
    releases.ledger.append("gate refused", {"stage": "release", "privacy": statement(weak, [])})
    check_answers(releases, booked, candidate)
    assert privacy(releases) == booked and 2.99 < booked["epsilon"] <= 3 == round(booked["cumulative_epsilon"])
    with pytest.raises(InputError, match=r"the ledger has epsilon 0\.1, the bundle 2\.9998"):
        check_answers(releases, statement(weak, []), candidate)
    with pytest.raises(InputError, match="the ledger has epsilon None, the bundle 2"):
        check_answers(releases, NO_GUARANTEE, candidate)


@pytest.mark.parametrize("wrong", [{"epsilon": 0.1}, {"statistics": "a" * 64}, {"delta": 1e-9}, {"queries": []}])
def test_audit_and_a_recipient_find_a_release_that_was_booked_at_another_cost(
    root: Path, wrong: dict[str, Any], tmp_path: Path
) -> None:
    params(root, tiny={})
    ledger, given = Ledger(root, "tiny"), guarantee(3.0)

    def released(version: str, booked: dict[str, Any]) -> tuple[list[str], list[str]]:
        made = bundle(root / "data/7_released/tiny" / version, given | {"mechanism": version})
        files = json.loads((made / "manifest.json").read_text())["files"]
        details = {"version": version, "manifest": sha256(made / "manifest.json"), "files": files, "privacy": booked}
        ledger.append("released", {**details, "published": so_far(ledger.entries())})
        (tmp_path / "ledger.jsonl").write_bytes(published(ledger.entries()))
        audited = check_artifacts(root, "tiny", ledger.entries())
        _, found = check_against(str(tmp_path / "ledger.jsonl"), made)
        return [c.claim for c in audited if not c.holds], [
            c.claim for c in found if "epsilon" in c.claim and not c.holds
        ]

    assert released("2026.11.1", cost(given)) == ([], [])
    assert released("2026.11.2", cost(given) | wrong) == (
        ["release 2026.11.2 costs the epsilon that its ledger books"],
        ["this bundle costs the epsilon that its ledger books"],
    )


def test_an_answer_serves_one_release_unless_somebody_chooses_to_give_it_again(root: Path) -> None:
    params(root, tiny={})
    releases, given = Releases(root, "tiny"), guarantee(1.0)
    candidate = bundle(root / "data/7_released/tiny/candidate", given)
    check_answers(releases, cost(given), candidate)
    releases.ledger.append("released", {"version": "2026.11.1", "manifest": "a" * 64, "privacy": statement(given, [])})
    with pytest.raises(InputError, match=r"served a release already.*set condensation.reuse to 1"):
        check_answers(releases, cost(given), candidate)
    again = guarantee(1.0, reused=True)
    check_answers(releases, cost(again), bundle(candidate, again))
    assert privacy(releases)["cumulative_epsilon"] == given["epsilon"], "it costs nothing more"


def test_an_answer_that_went_out_with_another_candidate_is_not_released_though_this_ledger_has_no_release(
    root: Path,
) -> None:
    """As after a release in another clone, or one that was killed once its bundle had left."""
    params(root, tiny={})
    releases, given = Releases(root, "tiny"), guarantee(1.0)
    candidate = bundle(root / "data/7_released/tiny/candidate", given)
    serve("tiny", given["statistics"], sha256(candidate / "manifest.json"))
    check_answers(releases, cost(given), candidate)  # the release that was killed may be finished
    other = bundle(candidate, given | {"mechanism": "other"})
    with pytest.raises(InputError, match="served a release already"):
        check_answers(releases, cost(given), other)
    again = guarantee(1.0, reused=True)
    check_answers(releases, cost(again), bundle(candidate, again))


def test_a_candidate_that_states_fewer_draws_than_there_were_is_not_released(root: Path) -> None:
    params(root, tiny={})
    releases = Releases(root, "tiny")
    for number in (1, 2):
        releases.ledger.append("condensed", {"privacy": cost(guarantee(1.0, number, draws=number))})
    for draws, refused in ((1, True), (2, False)):
        given = guarantee(1.0, draws=draws)
        candidate = bundle(root / "data/7_released/tiny/candidate", given)
        if refused:
            with pytest.raises(InputError, match=r"2 sets of answers were asked since the last release.* states 1"):
                check_answers(releases, cost(given), candidate)
        else:
            check_answers(releases, cost(given), candidate)


# One budget for the same patients


RAW = "data/1_raw/icu"


def block(raw: str, population: str | None = None) -> dict[str, Any]:
    return {
        "ingestion": {"raw": raw},
        "schedule": {"budget": 1.5, **({"population": population} if population else {})},
    }


@pytest.mark.parametrize(
    ("one", "other", "together_"),
    [
        (block(RAW), block(RAW), True),
        (block(RAW), block(f"{RAW}/../icu/"), True),
        (block(RAW), block(f"{RAW}/ward"), True),
        (block(RAW), block("data/1_raw/icu2"), False),
        (block(RAW, "hospital"), block("elsewhere", "hospital"), True),
        (block(RAW, "hospital"), block("elsewhere", "clinic"), False),
    ],
)
def test_cohorts_of_the_same_patients_share_one_budget(
    root: Path, one: dict[str, Any], other: dict[str, Any], together_: bool
) -> None:
    params(root, one=one, other=other, third=block("third"))
    first, costly = release("a" * 64, 4.0), release("b" * 64, 2.9)
    Ledger(root, "one").append("released", {"privacy": first})
    Ledger(root, "third").append("released", {"privacy": NO_GUARANTEE})
    assert spent(entries_of_population(root, "other")) == (first["epsilon"] if together_ else 0)
    if together_:
        with pytest.raises(InputError, match=f"releases so far have spent {first['epsilon']:g}"):
            check_budget(Releases(root, "other"), costly)
    else:
        check_budget(Releases(root, "other"), costly)


def test_a_cohort_that_never_ran_still_says_whose_patients_two_others_have(root: Path) -> None:
    params(root, one=block(RAW), never=block(RAW, "hospital"), other=block("elsewhere", "hospital"))
    Ledger(root, "one").append("released", {"privacy": release("a" * 64, 4.0)})
    assert spent(entries_of_population(root, "other"))


def test_a_symbolic_link_to_the_records_is_the_same_folder(root: Path) -> None:
    (root / RAW).mkdir(parents=True)
    (root / "alias").symlink_to(root / RAW)
    params(root, one=block(RAW), other=block("alias"))
    Ledger(root, "one").append("released", {"privacy": release("a" * 64, 4.0)})
    assert spent(entries_of_population(root, "other"))


def test_a_cohort_that_was_renamed_or_copied_takes_what_it_spent_along(root: Path) -> None:
    """params.yaml forgets the old name; its ledger keeps which folder was read, and what was in it."""
    details = {"stage": "ingestion", "inputs": {RAW: "aa.dir", "tasks/common": "bb.dir"}}
    old = Ledger(root, "old")
    old.append("ingested", {**details, "params": {"cohorts.old.ingestion": {"raw": RAW}}})
    old.append("released", {"privacy": release("a" * 64, 4.0)})
    params(root, new=block(RAW), copy=block("copied"), others=block("others"))
    assert spent(entries_of_population(root, "new"))
    Ledger(root, "copy").append("ingested", {**details, "inputs": {"copied": "aa.dir", "tasks/common": "bb.dir"}})
    Ledger(root, "others").append("ingested", {**details, "inputs": {"others": "cc.dir", "tasks/common": "bb.dir"}})
    assert spent(entries_of_population(root, "copy"))
    assert spent(entries_of_population(root, "others")) == 0


def test_a_bundle_of_before_askings_were_stated_still_stands() -> None:
    given = {key: value for key, value in guarantee(1.0).items() if key != "asked"}
    stated = Guarantee.model_validate(given)
    assert stated.stands() and stated.asked is None and np.isclose(stated.epsilon, 1.0, atol=0.01)
