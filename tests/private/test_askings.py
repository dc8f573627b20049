"""Noise over several askings and releases: what repeats, what is new, and what comparing two answers can tell."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from recondense.errors import InputError
from recondense.files import secret
from recondense.files.strict_json import write_json
from recondense.private.askings import AGAIN, Answer, draws, recorded, serve, served
from recondense.private.guarantee import epsilon, sigma_for
from recondense.private.statistics import GRID, Plan, noisy_sums
from recondense.publishing.reproduce import asked_then
from recondense.records.cohort import Normalised
from recondense.stages.layout import Layout
from tasks.condensation import condensation
from tests.support.condensing import FAST, cohort, condensed, project

QUESTION, SIGMA = b"how many", 50
SUMS = np.arange(40, dtype=np.int64)


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "project").mkdir()
    return Layout(tmp_path / "project", "tiny")


def write(layout: Layout, event: str, **details: Any) -> None:
    """A line of the ledger, of which a stage reads no more than this."""
    path = layout.root / "data/ledger" / f"{layout.cohort}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text() if path.exists() else ""
    path.write_text(before + json.dumps({"n": before.count("\n"), "event": event, "details": details}) + "\n")


def ask(layout: Layout, sums: np.ndarray = SUMS, records: bytes = b"all", **options: Any) -> Answer:
    answers, _ = recorded(layout, records, options.get("known_key"), options.get("reuse"))
    return answers(options.get("question", QUESTION), lambda: sums, SIGMA)


def book(layout: Layout, answer: Answer) -> None:
    """What a flow records of a condensation."""
    assert answer.asked is not None
    known = secret.commitment(secret.noise_key())
    write(
        layout,
        "condensed",
        noise_key=known,
        privacy={"statistics": answer.statistics, "asked": answer.asked.model_dump()},
    )


def numbers(answer: Answer) -> tuple[int, int]:
    assert answer.asked is not None
    return answer.asked.number, answer.asked.draws


def test_a_rerun_before_a_release_repeats_and_after_it_noise_is_new(layout: Layout) -> None:
    first, again = ask(layout), ask(layout)
    assert np.array_equal(first.values, again.values) and numbers(first) == numbers(again) == (1, 1)
    write(layout, "released", manifest="a" * 64)
    second = ask(layout)
    assert numbers(second) == (2, 1)
    assert not np.array_equal(first.values, second.values) and first.statistics != second.statistics


def test_no_answer_that_went_out_is_given_again_whatever_clone_or_project_asks_and_where_the_ledger_was_rolled_back(
    layout: Layout, tmp_path: Path
) -> None:
    """Their ledgers know nothing of each other's releases, their records and keys are the same."""
    first = ask(layout)
    clone = Layout(tmp_path / "clone", layout.cohort)
    assert np.array_equal(ask(clone).values, first.values), "not released yet"
    serve(layout.cohort, first.statistics, "a" * 64)
    for place in (layout, clone):
        again = ask(place)
        assert again.statistics != first.statistics and numbers(again) == (2, 2)
    assert served(layout.cohort, first.statistics) == "a" * 64
    serve(layout.cohort, first.statistics, "b" * 64)
    assert served(layout.cohort, first.statistics) == "a" * 64, "the first it went out with"


def test_no_noise_serves_two_different_sums_or_two_different_sets_of_records(layout: Layout) -> None:
    noises = [
        (ask(layout).values - SUMS).tolist(),
        (ask(layout, SUMS + 1).values - SUMS - 1).tolist(),  # a train patient came
        (ask(layout, records=b"without a test patient").values - SUMS).tolist(),
        (ask(layout, question=b"how old").values - SUMS).tolist(),
    ]
    assert len({tuple(noise) for noise in noises}) == 4
    assert numbers(ask(layout)) == (1, 4), "the first asking is repeated, and all four are counted"


def test_a_lost_or_rolled_back_file_never_lets_noise_come_again(layout: Layout, keys: Path) -> None:
    first = ask(layout)
    book(layout, first)
    (keys / "askings/tiny/1.json").unlink()
    second = ask(layout, SUMS + 1)
    assert numbers(second) == (2, 2), "a number above all that the ledger knows, and the lost answer still counts"
    (layout.root / "data/ledger/tiny.jsonl").unlink()  # and where the ledger is gone, too
    (keys / "askings/tiny/2.json").unlink()
    third = ask(layout, SUMS + 2)
    noises = {tuple(a.values - SUMS - place) for place, a in enumerate((first, second, third))}
    assert len(noises) == 3


def test_a_reproduction_repeats_an_asking_for_the_same_records_and_never_for_others(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(layout)
    book(layout, first)
    write(layout, "released", manifest="a" * 64)
    later = ask(layout, SUMS + 1)
    monkeypatch.setenv(AGAIN, "1")
    again = ask(layout)
    assert np.array_equal(again.values, first.values) and again.asked == first.asked
    for sums, records in ((SUMS + 1, b"all"), (SUMS, b"others")):
        with pytest.raises(InputError, match="asking 1 of tiny was of other records"):
            ask(layout, sums, records)
    monkeypatch.setenv(AGAIN, "3")
    with pytest.raises(InputError, match=r"askings/tiny/3\.json is not there"):
        ask(layout)
    assert numbers(later) == (2, 1)


def test_a_reproduction_of_a_release_begins_no_asking_whatever_was_released_since(
    layout: Layout, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(layout)
    assert first.asked is not None
    layout.folder("condensation").mkdir(parents=True)
    for guarantee in (None, {"asked": None}, {"asked": first.asked.model_dump()}):
        write_json(layout.folder("condensation") / "metrics.json", {"guarantee": guarantee})
        environment = asked_then(layout)  # of the stages that are run again in the clone at the release's tag
        assert environment == ({AGAIN: "1"} if guarantee and guarantee["asked"] else {})
    for release in "ab":  # the tag's ledger has the release itself
        write(layout, "released", manifest=release * 64)
    monkeypatch.setenv(*next(iter(environment.items())))
    again = ask(layout)
    assert np.array_equal(again.values, first.values) and again.asked == first.asked
    assert [path.name for path in (keys / "askings/tiny").iterdir()] == ["1.json"]


def test_answers_are_released_again_by_choice_alone_and_then_no_patient_is_asked(layout: Layout) -> None:
    first = ask(layout)
    write(layout, "released", manifest="a" * 64)

    def nobody() -> np.ndarray:
        raise AssertionError("patients were asked")

    answers, _ = recorded(layout, b"others", None, reuse=1)
    again = answers(QUESTION, nobody, SIGMA)
    assert again.statistics == first.statistics and again.asked is not None
    assert again.asked.model_dump() == {"number": 1, "draws": 0, "reused": True}
    with pytest.raises(InputError, match="was another question"):
        answers(b"how old", nobody, SIGMA)


def test_sets_of_answers_are_counted_from_one_release_to_the_next_by_ledger_and_files(layout: Layout) -> None:
    for change in range(3):
        book(layout, ask(layout, SUMS + change))
    assert draws(layout) == 3
    write(layout, "released", manifest="a" * 64)
    assert draws(layout) == 0
    write(  # by a colleague, whose files are not here
        layout, "condensed", privacy={"statistics": "b" * 64, "asked": {"number": 9, "draws": 1, "reused": False}}
    )
    assert numbers(ask(layout)) == (10, 2)


def test_a_key_that_is_missing_or_another_is_refused_until_the_change_is_said(layout: Layout, keys: Path) -> None:
    book(layout, ask(layout))
    path = keys / "noise.key"
    path.unlink()
    with pytest.raises(InputError, match=r"noise\.key is missing"):
        ask(layout)
    assert not path.exists(), "a key was made silently"
    secret.create(path, os.urandom(32))
    with pytest.raises(InputError, match="is not the key that earlier noise came from"):
        ask(layout)
    other = ask(layout, known_key=secret.commitment(path.read_bytes()))
    assert numbers(other) == (2, 2), "a draw under another key is a draw"


def test_what_the_steward_keeps_is_hers_alone(layout: Layout, keys: Path) -> None:
    ask(layout)
    kept = keys / "askings/tiny/1.json"
    assert kept.stat().st_mode & 0o077 == 0 and kept.parent.stat().st_mode & 0o077 == 0
    assert str(SUMS.tolist())[1:-1] not in kept.read_text()


# What an attacker makes of two releases

TOY = Plan(n_features=1, n_classes=2, windows=1, length=1.0, shares=(0.5, 0.49, 0.01))
WANTED, DELTA, ROUNDS = 1.0, 1e-5, 200


def patients(n: int) -> Normalised:
    values = np.ones((n, 1, 1), np.float32)
    return Normalised(values, values > 0, np.ones(n, np.float32), np.zeros(n, np.uint8))


def two_releases(layout: Layout, after: Normalised) -> np.ndarray:
    """The difference of what is released of six patients, and then of those in ``after``; each a world of its own."""
    answers = []
    for number, train in enumerate((patients(6), after)):
        asked = recorded(layout, str(number).encode(), None, None)[0]
        answers.append(noisy_sums(train, TOY, int(sigma_for(WANTED, DELTA) * GRID), asked).values)
        write(layout, "released", manifest=str(number))
    return (answers[1] - answers[0]) / GRID


Rule = Callable[[np.ndarray], np.ndarray]
RULES: dict[str, Rule] = {  # the attacker says "somebody left the train split"
    "the answers are not byte by byte the same": lambda found: (found != 0).any(axis=1),
    "the count fell": lambda found: found[:, 1] < -0.35,
    "all sums fell": lambda found: found @ np.array([0, 0.7, 0, 0.7, 0.1]) < -0.5,
    "the difference is whole": lambda found: np.all(np.abs(found - np.round(found)) < 1e-3, axis=1),
}


def test_no_rule_that_compares_two_releases_tells_who_left_better_than_epsilon_allows(
    tmp_path: Path, keys: Path
) -> None:
    worlds: dict[str, np.ndarray] = {}
    for name, left in (("a test patient", 6), ("a train patient", 5)):
        found = []
        for number in range(ROUNDS):
            root = tmp_path / name / str(number)
            root.mkdir(parents=True)
            found.append(two_releases(Layout(root, f"c{len(worlds)}-{number}"), patients(left)))
        worlds[name] = np.array(found)
    cost = epsilon(TOY.queries(sigma_for(WANTED, DELTA)), DELTA)
    assert cost <= WANTED
    for rule, says in RULES.items():
        hits, false = says(worlds["a train patient"]), says(worlds["a test patient"])
        # By (epsilon, delta) P(hit) <= e^epsilon P(false alarm) + delta, and the same of silence. The first release is
        # the same in both worlds, so that one release's epsilon bounds what two tell of who left between them
        for one, other in ((hits, false), (~false, ~hits)):
            least = binomtest(int(one.sum()), ROUNDS).proportion_ci(0.999, method="exact").low
            most = binomtest(int(other.sum()), ROUNDS).proportion_ci(0.999, method="exact").high
            assert least <= np.exp(cost) * most + DELTA, rule
    assert not (worlds["a test patient"] == 0).all(axis=1).any(), "who left was no train patient: answers tell it"


# The stage


def options(**more: Any) -> dict[str, Any]:
    return {"method": "private_statistics", "records_per_class": 2, "steps": 2, "options": FAST, **more}


def test_after_a_release_the_stage_asks_anew_whoever_left_or_nobody(tmp_path: Path) -> None:
    """The issue's own scenario: release, one patient of test or of train or nobody leaves, condense again."""
    everyone = cohort(n=120)
    for name, gone in (("nobody", None), ("test", 119), ("train", 0)):
        (tmp_path / name).mkdir()
        layout = project(tmp_path / name, everyone, **options())
        before, first = condensation(layout)["guarantee"], condensed(layout).values.tobytes()
        assert condensation(layout)["guarantee"] == before and condensed(layout).values.tobytes() == first
        write(layout, "released", manifest=name)
        if gone is not None:
            everyone.only(np.arange(120) != gone).save(layout.folder("normalisation") / "normalised.safetensors")
        after = condensation(layout)["guarantee"]
        assert condensed(layout).values.tobytes() != first, name
        assert after["statistics"] != before["statistics"] and after["asked"]["draws"] == 1


@pytest.mark.parametrize("kind", ["random", "paper"])
def test_a_guarantee_needs_a_split_that_moves_nobody_else(kind: str, tmp_path: Path) -> None:
    layout = project(tmp_path, cohort(n=120), **options())
    params = tmp_path / "params.yaml"
    params.write_text(params.read_text().replace("hashed", kind))
    with pytest.raises(InputError, match=rf"ingestion\.split is {kind}: write ingestion\.split=\{{kind: hashed"):
        condensation(layout)


def test_under_a_guarantee_nothing_is_refused_for_what_only_exact_counts_tell(tmp_path: Path) -> None:
    """Whether a class has as many patients as records were asked for is an exact count of train patients."""
    layout = project(tmp_path, cohort(n=60), **options(records_per_class=11))  # ten of outcome 1
    assert condensation(layout)["records"] == 22
