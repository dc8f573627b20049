"""What a condensed set is worth against what it gives away: validation AUC beside attacks, method by method.

    python -m benchmarks.utility_privacy --scratch FOLDER                        # every row; days on two cores
    python -m benchmarks.utility_privacy --scratch FOLDER --rows default --shadows 64 --at-most 8
    python -m benchmarks.utility_privacy --scratch FOLDER --rows default --test  # the test split, of what was chosen

Shadows are drawn, asked for member signals and attacked by the pipeline's own code: each is attacked with the others
for its shadows. A shadow is a file in the scratch folder under a digest of all it depends on, and so are its signals: a
killed run goes on with what is missing, and ``--at-most`` new shadows are condensed in one call. Files there hold
records: remove the folder afterwards. Writes ``docs/results/utility_privacy_COHORT.{json,md,png}``, of as many shadows
as there are; rows measured earlier stay.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.condensation import average
from benchmarks.harness import OUT, digest, header, read, tensor
from benchmarks.utility_privacy_page import figure, line, page
from recondense.charts.picture import save
from recondense.condensation import baselines, methods
from recondense.condensation.methods import Request
from recondense.condensation.params import METHODS
from recondense.files.hashes import sha256
from recondense.files.store import Arrays, Store
from recondense.files.strict_json import write_json
from recondense.models.choose import choose
from recondense.models.fit import choose_device, fit
from recondense.models.part import Part
from recondense.models.pool import spread, worker_pool
from recondense.models.recipe import Recipe, RecipeSearch
from recondense.models.scores import resample, score
from recondense.privacy.attacks import FEWEST_SHADOWS, Shadows, Target
from recondense.privacy.audit import summary
from recondense.privacy.estimates import Scores
from recondense.privacy.params import ATTACKS, Params, Signals
from recondense.privacy.pooled import pooled
from recondense.privacy.shadows.draw import condensing_seed, members
from recondense.privacy.shadows.unit import subset
from recondense.privacy.signals import signals
from recondense.privacy.with_shadows import in_turn, needs_shadows, own_signals
from recondense.records.cohort import SPLITS, Normalised, Split
from recondense.records.condensed import CondensedSet
from recondense.records.labels import likeliest, per_class
from recondense.stages import plugins

NETWORKS = ("lstm_beta", "rnn_beta", "tcn_beta", "transformer_beta", "vit_beta")
ATTACKED = ("lira_online", "lira_offline", "rmia", "tracing", "nearest_record")
DEFAULT = "default"
INCLUDED = "random records: those in the release"


@dataclass(frozen=True)
class Row:
    """A method and its options, at a ``share`` of the steps asked for, with ``noise`` of that deviation on records.

    ``included``: who counts as a member is whoever's record stands in the set, not all whom it was drawn from.
    ``seed``: of all sets, as an attacker who knows the release's condenses her shadows; None: each has its own.
    """

    method: str = "unrolled"
    options: dict[str, Any] = field(default_factory=dict)
    share: float = 1.0
    noise: float = 0.0
    included: bool = False
    seed: int | None = None


ROWS = {
    DEFAULT: Row(),
    "random records": Row("random_records"),
    INCLUDED: Row("random_records", included=True),
    "k-means": Row("kmeans"),
    "group means": Row("group_means"),  # with --per-class 1 those of the classes
    "microaggregation": Row("microaggregation", {"noise": 0.0}, noise=0.5),  # the default, as files are shared so
    "microaggregation, noise of 0.25": Row("microaggregation", {"noise": 0.0}, noise=0.25),
    "microaggregation, no noise": Row("microaggregation", {"noise": 0.0}),
    "from k-means": Row(options={"initialisation": "kmeans"}),
    "from microaggregates": Row(options={"initialisation": "microaggregation"}),
    "from group means": Row(options={"initialisation": "group_means"}),
    "256 real records a class": Row(options={"real_batch": 256}),
    "no teacher": Row(options={"teacher": 0.0}),
    "teacher alone": Row(options={"teacher": 1.0}),
    "half of the steps": Row(share=0.5),
    "noise of 0.25 on records": Row(noise=0.25),
    "the seed known": Row(seed=0),
}


@dataclass(frozen=True)
class Making:
    """How the condensed sets of one row are made, and ``folder``, where they wait."""

    row: Row
    folder: Path
    per_class: int
    steps: int

    @classmethod
    def of(cls, row: Row, cohort: Normalised, arguments: argparse.Namespace) -> "Making":
        """Noise, and who counts as a member, come after condensing: rows that differ in these share their files."""
        steps = max(1, round(row.share * arguments.steps))
        code = [*sorted(Path(methods.__file__).parent.glob("*.py")), Path(baselines.__file__)]
        needed = {
            "tensor": digest(cohort),
            "method": row.method,
            "options": plugins.load(METHODS, row.method).Options(**row.options).model_dump(),
            "steps": steps,
            "per_class": arguments.per_class,
            "seed": row.seed,
            "code": [sha256(file) for file in code],
        }
        key = hashlib.sha256(json.dumps(needed, sort_keys=True, default=str).encode()).hexdigest()[:16]
        return cls(row, arguments.scratch / key, arguments.per_class, steps)

    def request(self, seed: int) -> Request:
        """What the method is asked for."""
        return Request(self.per_class, self.steps, seed, choose_device("auto"))

    @property
    def store(self) -> Store:
        """What is there of them now, under ``shadow-N``, ``signals-N-KEY`` and ``release-SEED``."""
        return Store(self.folder)

    def shadows(self, indices: Iterable[int]) -> list[Arrays]:
        """These shadows, as far as they are there."""
        store = self.store
        return [shadow for index in indices if (shadow := store.get(f"shadow-{index}")) is not None]

    def noisy(self, records: CondensedSet, seed: int) -> CondensedSet:
        """``records`` with the row's noise."""
        noise = np.random.default_rng([seed, 2]).standard_normal(records.values.shape)
        return replace(records, values=(records.values + self.row.noise * noise).astype(np.float32))


class Condenser:
    """Condenses shadows by their number, each into its file: what one worker does, on one core."""

    def __init__(self, cohort: Normalised, making: Making) -> None:
        self.cohort, self.making = cohort, making

    def __call__(self, index: int) -> float:
        row, cohort, started = self.making.row, self.cohort, time.perf_counter()
        method = plugins.load(METHODS, row.method)
        sizes = per_class(cohort.labels[cohort.split == SPLITS.index("train")])
        chosen = members(cohort.labels, sizes, index, seed=0)
        request = self.making.request(condensing_seed(index, seed=0) if row.seed is None else row.seed)
        made = method.condense(subset(cohort, chosen), request, method.Options(**row.options)).condensed
        seconds = time.perf_counter() - started
        arrays = {"values": made.values, "labels": made.labels, "members": chosen, "seconds": np.array([seconds])}
        self.making.store.keep(f"shadow-{index}", arrays)
        return seconds


@dataclass(frozen=True)
class Trained:
    """One network on one condensed set, asked about a part."""

    records: CondensedSet
    network: str
    recipe: Recipe
    seed: int
    part: Part

    def risks(self) -> NDArray[np.float64]:
        """Of the part's subjects."""
        records, device = self.records, choose_device("auto")
        risks: NDArray[np.float64] = fit(self.network, records.values, records.labels, self.recipe, self.seed, device)(
            self.part.values
        )
        return risks


def main() -> None:
    """Measure the rows asked for, then write the table and the figure of these and of those measured earlier."""
    arguments = parse()
    cohort = tensor(arguments.cohort).labelled()
    about = header(
        tensor=f"{arguments.cohort} {digest(cohort)}, {len(cohort.labels)} patients, "
        f"{int((cohort.split == 0).sum())} of them members",
        condensed=f"{2 * arguments.per_class} records, {arguments.steps} steps, {arguments.releases} releases, "
        f"{arguments.seeds} networks of each of {', '.join(NETWORKS)}",
        attacker=f"{arguments.signals.repeats} networks each of {', '.join(arguments.signals.networks)}, "
        f"{arguments.signals.recipe.steps} steps at {arguments.signals.recipe.learning_rate:g}",
    )
    path = OUT / f"utility_privacy_{arguments.cohort}.json"
    for name in arguments.rows:
        found = measure(name, cohort, arguments)
        rows = read(path).get("rows", {})
        before = rows.get(name, {})
        attacks = {**before.get("attacks", {}), **found.pop("attacks", {})}
        rows[name] = {**before, **found, "attacks": attacks, "measured": about}
        write_json(path, {"rows": {each: rows[each] for each in ROWS if each in rows}})
        print(line(name, rows[name]), flush=True)
    rows = read(path)["rows"]
    path.with_suffix(".md").write_text(page(arguments.cohort, rows), encoding="utf-8")
    save(figure(rows), path.with_suffix(".png"))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default="physionet2012")
    parser.add_argument("--scratch", type=Path, required=True, help="a folder for shadows, outside of git")
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS), metavar="ROW")
    parser.add_argument("--attacks", nargs="+", choices=ATTACKED, default=ATTACKED, metavar="ATTACK")
    parser.add_argument("--shadows", type=int, default=64)
    parser.add_argument("--at-most", type=int, help="new shadows in this call")
    parser.add_argument("--steps", type=int, default=100, help="of condensation, of shadows and releases alike")
    parser.add_argument("--per-class", type=int, default=10)
    parser.add_argument("--releases", type=int, default=2, help="condensations of the train split that are scored")
    parser.add_argument("--seeds", type=int, default=2, help="networks of each architecture")
    parser.add_argument("--test", action="store_true", help="score the test split too: of what was chosen, once")
    parser.add_argument("--attacker-steps", type=int, default=Signals().recipe.steps)
    parser.add_argument("--attacker-rate", type=float, default=Signals().recipe.learning_rate)
    arguments = parser.parse_args()
    arguments.signals = Signals(recipe=Recipe(steps=arguments.attacker_steps, learning_rate=arguments.attacker_rate))
    return arguments


def measure(name: str, cohort: Normalised, arguments: argparse.Namespace) -> dict[str, Any]:
    """Figures of one row, with as many of its shadows as are there after this call."""
    making = Making.of(ROWS[name], cohort, arguments)
    missing = [index for index in range(arguments.shadows) if not making.shadows([index])]
    with worker_pool(Condenser, (cohort, making), torch.get_num_threads(), choose_device("auto")) as work:
        for seconds in work(missing[: arguments.at_most]):
            print(f"a shadow in {seconds:.0f} s", flush=True)
    there = [index for index in range(arguments.shadows) if making.shadows([index])]
    learns = hasattr(plugins.load(METHODS, making.row.method), "DEFAULT_STEPS")
    found: dict[str, Any] = {"shadows": len(there), "steps": making.steps if learns else 0}
    if len(there) >= FEWEST_SHADOWS:
        found["attacks"] = attacked(making, cohort, there, arguments)
        found["seconds"] = round(mean(float(shadow["seconds"][0]) for shadow in making.shadows(there)), 1)
    if not making.row.included:
        found["validation_auc"] = worth(making, cohort, "validation", arguments)
        if arguments.test:
            found["test_auc"] = worth(making, cohort, "test", arguments)
    return found


def attacked(
    making: Making, cohort: Normalised, there: Sequence[int], arguments: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """Figures of each attack over all shadows together, each attacked with the others for its shadows."""
    sets = making.shadows(there)
    known = np.stack([one["members"] for one in sets]).astype(bool)
    if making.row.included:
        known = np.stack([inside(cohort.values, one["values"]) for one in sets])
    records = [making.noisy(CondensedSet(s["values"], s["labels"]), i) for s, i in zip(sets, there, strict=True)]
    found, params = {}, Params()
    looked_at = {name: own_signals(name) for name in arguments.attacks if needs_shadows(name)}
    confidences = None
    if not all(looked_at.values()):
        confidences = member_signals(making, cohort, there, arguments.signals)
    rarer = likeliest(cohort.labels) == np.argmin(per_class(cohort.labels))
    for name in arguments.attacks:
        attack = plugins.load(ATTACKS, name)

        def scores(shadows: Shadows | None, held: CondensedSet = records[0], attack: Any = attack) -> Scores:
            target = Target(held, cohort.values, cohort.labels, 0, choose_device("auto"), shadows=shadows)
            result: Scores = attack.scores(target, attack.Options())
            return result

        if name in looked_at:
            own = looked_at[name]
            signal = own(records, cohort.values, cohort.labels) if own else confidences
            assert signal is not None
            each = in_turn(scores, signal, known)
        else:
            each = np.stack([scores(None, held) for held in records])
        for label, people in ((name, np.full(len(rarer), True)), (f"{name}, the rarer class", rarer)):
            over = pooled(each[:, people], known[:, people], params)
            found[label] = summary(over.figures)
    return found


def member_signals(making: Making, cohort: Normalised, there: Sequence[int], params: Signals) -> NDArray[np.float64]:
    """What the attacker's networks make of all patients, trained on each shadow, ``(n_shadows, n_patients)``."""
    asked = json.dumps([params.model_dump(), making.row.noise], sort_keys=True, default=str)
    key = hashlib.sha256(asked.encode()).hexdigest()[:8]
    store = making.store
    known = {index: store.get(f"signals-{index}-{key}") for index in there}
    missing = [index for index, one in known.items() if one is None]
    sets = making.shadows(missing)
    noisy = [making.noisy(CondensedSet(s["values"], s["labels"]), i) for s, i in zip(sets, missing, strict=True)]
    if missing:
        found = signals(noisy, cohort.values, cohort.labels, params, 0, choose_device("auto"))
        for index, signal in zip(missing, found, strict=True):
            known[index] = {"signal": signal}
            store.keep(f"signals-{index}-{key}", {"signal": signal})
    return np.stack([one["signal"] for one in known.values() if one is not None])


def inside(values: NDArray[np.float32], records: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of ``values`` are among ``records``, bit by bit."""
    held = {record.tobytes() for record in records}
    return np.array([value.tobytes() in held for value in values])


def worth(making: Making, cohort: Normalised, split: Split, arguments: argparse.Namespace) -> dict[str, Any]:
    """AUC on ``split`` of networks trained by the recipe of each release; means over releases, of bounds, too."""
    found = [released(making, cohort, seed, split, arguments) for seed in range(arguments.releases)]
    return {**average(found), "by_release": [one["mean"] for one in found]}


def released(making: Making, cohort: Normalised, seed: int, split: Split, arguments: argparse.Namespace) -> Any:
    """The same of one release, from its file where it was scored before."""
    row, seeds = making.row, arguments.seeds
    path = making.folder / f"release-{seed}-{split}-{seeds}-{row.noise:g}.json"
    if path.exists():
        return read(path)
    method, device = plugins.load(METHODS, row.method), choose_device("auto")
    store, name = making.store, f"release-{seed}"
    found = store.get(name)
    if found is None:
        train = cohort.part("train")
        made = method.condense(train, making.request(seed), method.Options(**row.options)).condensed
        found = {"values": made.values, "labels": made.labels}
        store.keep(name, found)
    records, part = making.noisy(CondensedSet(**found), seed), Part.of(cohort, split)
    recipes = choose(records, Part.of(cohort, "validation"), RecipeSearch(networks=NETWORKS, seeds=1), device)
    jobs = [Trained(records, name, recipes.of(name), each, part) for name in NETWORKS for each in range(seeds)]
    risks = np.stack(list(spread(Trained.risks, jobs, device))).reshape(len(NETWORKS), seeds, -1)
    of_network = dict(zip(NETWORKS, risks, strict=True))
    result = score(part.labels, of_network, resample(part.labels, 1000, seed=0), NETWORKS)["auc"]
    write_json(path, result)
    return result


if __name__ == "__main__":
    main()
