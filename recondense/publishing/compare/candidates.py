"""What there is to compare of a cohort: releases, runs of the pipeline and cells of sweeps, as MLflow recorded them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recondense.bundle.contents import CANDIDATE
from recondense.engines.datasets import NAMES
from recondense.engines.mlflow import EXPERIMENT, REFUSED, VERSION, client
from recondense.errors import InputError
from recondense.publishing.versions import Releases
from recondense.results.releases import Strongest
from recondense.stages.params import block

RELEASED, WITHDRAWN, SWEEP = "released", "withdrawn", "sweep"
PASSED, STOPPED = "passed the gate", "did not end"
BOUNDS = ("mean", "low", "high")


@dataclass(frozen=True)
class Candidate:
    """One condensed set, or in a sweep the sets that differ by seed only, and what they were found to be worth.

    ``auc``: test AUC, ``mean, low, high``, of several seeds the mean of each; ``aucs``: of each seed. ``all_real``: of
    models trained on all real records of the same cohort. ``networks``: test AUC by network. ``seconds``: to condense.
    ``epsilon``: None without a guarantee, and of cells that did not record it. ``attack``: the one
    with the highest AUC. ``data``: DVC's hash of the normalised records, None of a run that did not record
    it. ``runs``: MLflow's ids.
    """

    name: str
    state: str
    method: str
    records_per_class: int | None
    time: str
    auc: dict[str, float]
    aucs: tuple[float, ...]
    all_real: dict[str, float]
    networks: dict[str, float]
    seconds: float | None
    epsilon: float | None
    attack: Strongest | None
    data: str | None
    runs: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        """One line that tells it from the others."""
        size = f", {self.records_per_class} a class" if self.records_per_class else ""
        what = f"{self.method.replace('_', ' ')}{size}"
        return what if self.state == SWEEP else f"{self.name}: {what}"


def candidates(root: Path, cohort: str, last: int) -> list[Candidate]:
    """All releases, oldest first, the ``last`` other runs, and the sweeps' methods and sizes, best first.

    Runs that found the same of the same condensed set are one. Raises `InputError` where nothing was recorded.
    """
    block(root, cohort)
    runs = list(_recorded(client(root), cohort))
    flows = list({_identity(one): one for one in sorted(map(_of_flow, filter(_is_flow, runs)), key=_rank)}.values())
    versioned = sorted((one for one in flows if one.state in (RELEASED, WITHDRAWN)), key=lambda one: _number(one.name))
    others = sorted((one for one in flows if one.state not in (RELEASED, WITHDRAWN)), key=lambda one: one.time)
    cells = sorted(_of_cells([run for run in runs if _is_cell(run)], cohort), key=lambda one: -one.auc["mean"])
    found = [*versioned, *others[max(0, len(others) - last) :], *cells]
    if not found:
        raise InputError(f"MLflow has no finished run of {cohort}: `recondense run {cohort}` or `sweep` makes one")
    return found


def unrecorded(root: Path, cohort: str, found: Sequence[Candidate]) -> list[str]:
    """Releases that no run in this MLflow is known to have made."""
    return [str(one) for one in Releases(root, cohort).released() if str(one) not in {each.name for each in found}]


def other_data(found: Sequence[Candidate]) -> bool:
    """Whether they rest on different records, so that their AUCs are of different patients."""
    return len({one.data for one in found if one.data}) > 1


def _recorded(mlflow: Any, cohort: str) -> Iterator[Any]:
    experiment = mlflow.get_experiment_by_name(EXPERIMENT)
    token = None
    while experiment:
        page = mlflow.search_runs([experiment.experiment_id], f"tags.cohort = '{cohort}'", page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _is_flow(run: Any) -> bool:
    return "mlflow.parentRunId" not in run.data.tags and "training.test_auc.condensed.mean" in run.data.metrics


def _is_cell(run: Any) -> bool:
    return "mlflow.parentRunId" in run.data.tags and {"method", "seed"} <= set(run.data.params) and _scored(run)


def _scored(run: Any) -> bool:
    return "test_auc.condensed.mean" in run.data.metrics


def _of_flow(run: Any) -> Candidate:
    metrics, params, tags = run.data.metrics, run.data.params, run.data.tags
    version, passed = tags.get(VERSION), run.info.status == "FINISHED"
    if version and version != CANDIDATE:
        state = WITHDRAWN if WITHDRAWN in tags else RELEASED
    else:
        state = PASSED if passed else "refused by the gate" if REFUSED in tags else STOPPED
    time = _time(run)
    auc = _score(metrics, "training.test_auc.condensed")
    return Candidate(
        name=version if state in (RELEASED, WITHDRAWN) else f"run of {time}",
        state=state,
        method=params.get("condensation.method", tags.get("method", "")),
        records_per_class=_whole(params.get("condensation.records_per_class")),
        time=time,
        auc=auc,
        aucs=(auc["mean"],),
        all_real=_score(metrics, "training.test_auc.all_real"),
        networks=_by_network(metrics, "training.test_auc.condensed.by_network.", ".mean"),
        seconds=metrics.get("condensation.seconds"),
        epsilon=metrics.get("condensation.guarantee.epsilon"),
        attack=_strongest(metrics),
        data=_digest(run, "normalised.safetensors"),
        runs=(run.info.run_id,),
    )


def _of_cells(runs: Sequence[Any], cohort: str) -> Iterator[Candidate]:
    """By method, size and data; of each seed the last cell."""
    groups: dict[tuple[str, str, str | None], dict[str, Any]] = {}
    for run in sorted(runs, key=lambda run: run.info.start_time):
        params = run.data.params
        group = params["method"], params["records_per_class"], _digest(run, "normalised.safetensors")
        groups.setdefault(group, {})[params["seed"]] = run
    for (method, size, data), by_seed in groups.items():
        members = list(by_seed.values())
        every = [run.data.metrics for run in members]
        scores = [_score(metrics, "test_auc.condensed") for metrics in every]
        networks = [_by_network(metrics, "by_network.") for metrics in every]
        shared = [name for name in networks[0] if all(name in each for each in networks)]
        yield Candidate(
            name=SWEEP,
            state=SWEEP,
            method=method,
            records_per_class=_whole(size),
            time=max(map(_time, members)),
            auc={key: _mean([score[key] for score in scores]) for key in BOUNDS},
            aucs=tuple(score["mean"] for score in scores),
            all_real=_score(every[-1], "test_auc.all_real"),
            networks={name: _mean([each[name] for each in networks]) for name in shared},
            seconds=_mean([metrics.get("seconds.condensation", 0.0) for metrics in every]) or None,
            epsilon=every[-1].get("epsilon"),
            attack=None,
            data=data,
            runs=tuple(run.info.run_id for run in members),
        )


def _score(metrics: Mapping[str, float], name: str) -> dict[str, float]:
    return {key: metrics[f"{name}.{key}"] for key in BOUNDS if f"{name}.{key}" in metrics}


def _by_network(metrics: Mapping[str, float], start: str, end: str = "") -> dict[str, float]:
    named = {name.removeprefix(start): value for name, value in metrics.items() if name.startswith(start)}
    return {name.removesuffix(end): value for name, value in sorted(named.items()) if name.endswith(end)}


def _strongest(metrics: Mapping[str, float]) -> Strongest | None:
    start, end = "privacy.attacks.", ".auc"
    aucs = {name[len(start) : -len(end)]: metrics[name] for name in metrics if name.startswith(start)
            and name.endswith(end) and "." not in name[len(start) : -len(end)]}  # fmt: skip
    if not aucs:
        return None
    name = max(aucs, key=lambda each: aucs[each])
    bounds = {key: metrics.get(f"{start}{name}.{key}", aucs[name]) for key in ("low", "high")}
    return Strongest(name=name, auc=aucs[name], **bounds)


def _digest(run: Any, file: str) -> str | None:
    """DVC's hash of a data set that the run read."""
    named = (each.dataset for each in run.inputs.dataset_inputs) if run.inputs else ()
    return next((str(one.digest) for one in named if one.name.endswith(f": {NAMES[file]}")), None)


def _identity(one: Candidate) -> tuple[Any, ...]:
    """Equal for runs of which the later found everything current."""
    attack = one.attack and (one.attack.name, one.attack.auc)
    return one.method, one.records_per_class, one.data, one.auc["mean"], one.seconds, attack


def _rank(one: Candidate) -> tuple[bool, bool, str]:
    """Of equal runs the last in this order stands for all: one that was released before others, then the first run."""
    return one.state in (RELEASED, WITHDRAWN), one.state == PASSED, one.time


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _time(run: Any) -> str:
    return datetime.fromtimestamp(run.info.start_time / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
