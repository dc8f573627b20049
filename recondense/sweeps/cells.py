"""One cell of a sweep: a method, a size and a seed on one cohort. What it runs, checked, and the key of its result."""

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recondense.condensation.params import Params
from recondense.stages.params import block, validate

STAGES = ("condensation", "training")


@dataclass(frozen=True)
class Cell:
    """What to run. ``sections``: the params of `STAGES` that say so, as they would stand in params.yaml."""

    cohort: str
    method: str
    records_per_class: int
    seed: int
    sections: dict[str, dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.cohort} {self.method} {self.records_per_class} a class, seed {self.seed}"

    def key(self, inputs: dict[str, str], code: dict[str, dict[str, str]]) -> str:
        """A digest of all that the result depends on; ``inputs``: hashes of data by path; ``code``: as software.yaml
        has it."""
        run = [code["methods"][self.method], *(code["stages"][name] for name in STAGES)]
        content = json.dumps([inputs, run, self.sections], sort_keys=True)
        return f"sweep-{hashlib.sha256(content.encode()).hexdigest()}"


def plan(
    root: Path, cohorts: Sequence[str], methods: Sequence[str], sizes: Sequence[int] | None, seeds: int
) -> list[Cell]:
    """Every cell, in order; without ``sizes`` each cohort's own; seeds count from 0.

    Raises `InputError` for whatever can be known to be wrong before any work is done.
    """
    cells = []
    for cohort in cohorts:
        sections = block(root, cohort)
        own = sections["condensation"]
        of_cohort = [Params(**own).records_per_class] if sizes is None else sizes
        for method, size, seed in itertools.product(methods, of_cohort, range(seeds)):
            options = {name: value for name, value in own.get("options", {}).items() if name == method}
            changed = {**own, "method": method, "records_per_class": size, "seed": seed, "options": options}
            validate(Params, changed, f"sweep of {cohort}: condensation")
            # Sets are compared with each other, random records and k-means among them: no baselines of its own
            training = {**sections["training"], "baselines": []}
            cells.append(Cell(cohort, method, size, seed, {"condensation": changed, "training": training}))
    return cells
