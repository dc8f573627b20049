"""Condensation with a guarantee: what one patient can change, the noise, the accounting, and what a bundle may say."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest, norm
from sklearn.metrics import roc_auc_score

from recondense.cohorts.params import Params as Ingestion
from recondense.cohorts.read import ingest
from recondense.condensation.methods import Request, private_statistics
from recondense.errors import InputError
from recondense.preprocessing.fit import fit
from recondense.preprocessing.params import Params as Normalisation
from recondense.private.askings import unrecorded
from recondense.private.guarantee import Guarantee, epsilon, sigma_for
from recondense.private.lower_bound import NoisySum, lower_bound
from recondense.private.mechanism import Stream, answered, discrete_gaussian
from recondense.private.statistics import GRID, Plan, ask, exact_sums, noisy_sums
from recondense.private.synthesis import class_means, covariance, drawn, rule
from recondense.records.cohort import Normalised
from tasks.condensation import condensation
from tests.support.condensing import FAST, cohort, project
from tests.support.paths import REPO

KEY = bytes(range(32))
ANSWERS = unrecorded(KEY)
PLAN = Plan(n_features=3, n_classes=2, windows=2, length=2.0, shares=(0.01, 0.83, 0.16))


def extreme(rng: np.random.Generator) -> np.ndarray:
    """Records made to move sums as far as they can: at, just above and far above the length, and single spikes."""
    ordinary = rng.standard_normal((50, 4, 3))
    at_length = np.full((2, 4, 3), PLAN.length / np.sqrt(PLAN.size)) * [[[1]], [[-1]]]
    spikes = np.zeros((12, 4, 3))
    spikes[np.arange(12), np.arange(12) // 3] = [1e-30, 1e6, 1e30]
    return np.concatenate([ordinary, at_length, at_length * (1 + 1e-7), spikes, ordinary * 1e20]).astype(np.float32)


def test_no_record_moves_the_sums_by_more_than_the_sensitivity() -> None:
    values = extreme(np.random.default_rng(0))
    for outcome in (0, 1):
        asked = PLAN.asked(values, np.full(len(values), outcome))
        lengths = [sum(int(number) ** 2 for number in row) for row in asked]  # Python's own numbers do not overflow
        assert max(lengths) <= GRID**2
        assert max(lengths) > 0.999 * GRID**2, "the sensitivity is not reached: noise is wasted"
    assert PLAN.queries(1.0)[0].sensitivity == pytest.approx(0.1)
    assert sum(query.sensitivity**2 for query in PLAN.queries(1.0)) == pytest.approx(1)


def test_a_patient_with_many_records_counts_once() -> None:
    one = cohort(n=40)
    patient = np.arange(40, dtype=np.uint32)
    patient[30:] = 3
    many = Normalised(one.values, one.observed, one.labels, one.split, patient)
    without = Normalised(one.values[:30], one.observed[:30], one.labels[:30], one.split[:30])
    plan = Plan(3, 2, 2, 2.0, (0.01, 0.83, 0.16))
    assert np.array_equal(ask(many, plan, 8, 1e-5, ANSWERS).sums, ask(without, plan, 8, 1e-5, ANSWERS).sums)


def test_the_sampler_has_the_discrete_gaussian_s_probabilities() -> None:
    stream, sigma, n = Stream(KEY), 3, 20_000
    found = np.array([discrete_gaussian(sigma, stream) for _ in range(n)])
    support = np.arange(-12, 13)
    weights = np.exp(-(np.arange(-200, 201) ** 2) / (2 * sigma**2))
    expected = n * np.exp(-(support**2) / (2 * sigma**2)) / weights.sum()
    counts = np.array([(found == x).sum() for x in support])
    inside = expected > 5
    assert (
        chisquare([*counts[inside], n - counts[inside].sum()], [*expected[inside], n - expected[inside].sum()])[1]
        > 1e-3
    )
    wide = np.array([discrete_gaussian(4 * GRID, stream) for _ in range(5_000)]) / (4 * GRID)
    assert kstest(wide, norm.cdf).pvalue > 1e-3


def test_noise_comes_from_its_key_and_from_nothing_of_the_sums() -> None:
    sums = np.arange(200, dtype=np.int64)
    first = answered(sums, 100, KEY) - sums
    assert np.array_equal(first, answered(sums**2, 100, KEY) - sums**2)
    assert abs(np.corrcoef(first, answered(sums, 100, bytes(32)) - sums)[0, 1]) < 0.3


@pytest.mark.parametrize("wanted", [0.2, 1.0, 3.0, 8.0])
def test_the_accounting_is_no_less_than_the_gaussian_mechanism_s_exact_cost_and_near_it(wanted: float) -> None:
    sigma, delta = sigma_for(wanted, 1e-5), 1e-5
    # Balle and Wang 2018, arXiv 1805.06530, theorem 8
    exact = norm.cdf(0.5 / sigma - wanted * sigma) - np.exp(wanted) * norm.cdf(-0.5 / sigma - wanted * sigma)
    assert exact <= delta
    less = sigma / 1.2
    assert norm.cdf(0.5 / less - wanted * less) - np.exp(wanted) * norm.cdf(-0.5 / less - wanted * less) > delta


def test_a_guarantee_stands_only_with_the_noise_that_it_states() -> None:
    guarantee = ask(cohort(), PLAN, 1.0, 1e-5, ANSWERS).guarantee
    assert guarantee.stands() and 0.99 < guarantee.epsilon <= 1
    assert guarantee.groups[2] == epsilon(guarantee.queries, 1e-5, 2) > 2 * guarantee.epsilon
    noisy = [query.model_copy(update={"sigma": query.sigma / 2}) for query in guarantee.queries]
    for change in ({"epsilon": 0.5}, {"queries": tuple(noisy)}, {"delta": 1e-9}, {"groups": {2: 1.0}}):
        assert not guarantee.model_copy(update=change).stands()


def test_drawn_records_follow_the_rule_that_the_classes_follow() -> None:
    records = cohort(n=3000, distance=0.5)
    train, test = records.part("train"), records.part("test")
    statistics = ask(train, Plan(3, 2, 2, 2.0, (0.01, 0.83, 0.16)), 3.0, 1e-5, ANSWERS)
    found = drawn(statistics, 4000, 4, seed=0)
    assert found.cohort.values.shape == (4000, 4, 3) and np.isfinite(found.cohort.values).all()
    assert found.cohort.labels.mean() == pytest.approx(train.labels.mean(), abs=0.06)
    assert roc_auc_score(found.cohort.labels, found.risks) > 0.65
    weights, offsets = rule(statistics, class_means(statistics), covariance(statistics))
    logits = PLAN.summaries(test.values) * PLAN.length @ weights + offsets
    of_means = test.values.mean(axis=(1, 2))  # the best there is, by how the cohort was made
    auc = roc_auc_score(test.labels, logits[:, 1] - logits[:, 0])
    assert auc > roc_auc_score(test.labels, of_means) - 0.03


def test_without_answers_or_a_public_scale_nothing_is_asked(tmp_path: Path) -> None:
    request = Request(2, 2, 0, torch.device("cpu"))
    with pytest.raises(InputError, match="noisy answers"):
        private_statistics.condense(cohort().part("train"), request, private_statistics.Options())
    layout = project(tmp_path, cohort(), "train", method="private_statistics", records_per_class=2, steps=2)
    with pytest.raises(InputError, match=r"set normalisation\.scale to public"):
        condensation(layout)


def test_the_stage_states_its_guarantee_and_repeats_itself(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        layout = project(
            tmp_path / name, cohort(n=300), method="private_statistics", records_per_class=2, steps=2, options=FAST
        )
        found.append((condensation(layout), (layout.folder("condensation") / "condensed.safetensors").read_bytes()))
    guarantee = Guarantee.model_validate(found[0][0]["guarantee"])
    assert guarantee.stands() and guarantee.epsilon <= 1
    assert found[0][1] == found[1][1]


CANARIES = Plan(n_features=3, n_classes=1, windows=2, length=2.0, shares=(0.01, 0.83, 0.16))


def canaries_asked(sigma: float) -> NoisySum:
    """What the mechanism's answers say of patients of whom each has one number of a summary all to herself.

    That is their inner product with what each adds to the answers, but for the count, which all have in common. Each
    question is answered under a key of its own.
    """
    plan, drawn_keys = CANARIES, (number.to_bytes(32, "big") for number in itertools.count())

    def patients(vectors: np.ndarray) -> Normalised:
        values = plan.length * vectors.reshape(len(vectors), plan.windows, plan.n_features).astype(np.float32)
        return Normalised(values, values != 0, np.zeros(len(values), np.float32), np.zeros(len(values), np.uint8))

    everyone = patients(np.eye(plan.size))
    adds = plan.asked(everyone.values, everyone.labels.astype(np.int64)) / GRID
    adds[:, 0] = 0

    def noisy(vectors: np.ndarray) -> np.ndarray:
        answer = noisy_sums(patients(vectors), plan, int(sigma * GRID), unrecorded(next(drawn_keys))).values / GRID
        result: np.ndarray = adds @ answer / np.linalg.norm(adds, axis=1)
        return result

    return noisy


def test_canaries_find_half_of_the_noise_and_not_all_of_it() -> None:
    sigma = sigma_for(1.0, 1e-5)
    whole, half = (
        lower_bound(canaries_asked(each), 40_000, 1e-5, 0.95, 0, dimension=CANARIES.size) for each in (sigma, sigma / 2)
    )
    assert whole.epsilon < 1
    assert half.epsilon > 1, "a mechanism with a fault passes as sound"


def sums_of(folder: Path, lines: list[str]) -> tuple[np.ndarray, dict[str, str]]:
    """The exact sums of a cohort in ``folder``, from its raw file on, and in which split each patient is."""
    folder.mkdir()
    (folder / "pbcseq.csv").write_text("\n".join(lines) + "\n")
    split = {"kind": "hashed", "validation": 0.2, "test": 0.3}
    found, _ = ingest(folder, Ingestion.model_validate({"dataset": "pbcseq", "raw": ".", "split": split}))
    scale = fit(found, Normalisation(step_hours=2190, n_steps=4, scale="public"))
    values, observed = scale.apply(found.events, found.subjects)
    train = (found.subjects["split"] == "train").to_numpy()
    records = Normalised(values, observed, found.labels, np.where(train, 0, 1).astype(np.uint8))
    plan = Plan(values.shape[2], 2, 2, 5.0, (0.01, 0.83, 0.16))
    return exact_sums(records.part("train"), plan), dict(found.subjects[["subject_id", "split"]].to_numpy().tolist())


def test_one_patient_more_moves_nobody_else_and_the_sums_by_no_more_than_the_sensitivity(tmp_path: Path) -> None:
    header, *lines = (REPO / "data/1_raw/pbcseq/pbcseq.csv").read_text().splitlines()
    everyone, splits = sums_of(tmp_path / "all", [header, *lines])
    train, test = (next(one for one, split in splits.items() if split == part) for part in ("train", "test"))
    for gone, moved in ((train, True), (test, False)):
        kept = [line for line in lines if line.split(",")[0] != gone]
        without, others = sums_of(tmp_path / f"without {gone}", [header, *kept])
        assert others == {one: split for one, split in splits.items() if one != gone}
        squared = sum(int(number) ** 2 for number in everyone - without)
        assert squared <= GRID**2 and (squared > 0) is moved


def test_what_a_record_adds_does_not_depend_on_which_records_are_beside_it() -> None:
    values = np.random.default_rng(0).standard_normal((600, 48, 41)).astype(np.float32)
    plan, classes = Plan(41, 2, 2, 6.8, (0.01, 0.83, 0.16)), np.arange(600) % 2
    records = Normalised(values, values != 0, classes.astype(np.float32), np.zeros(600, np.uint8))
    everyone = exact_sums(records, plan)
    for place in (0, 1, 255, 256, 300, 599):  # at the ends of what is computed at a time, too
        without = exact_sums(records.only(np.arange(600) != place), plan)
        alone = plan.asked(values[[place]], classes[[place]])[0]
        assert np.array_equal(everyone - without, alone)
