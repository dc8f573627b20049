"""What a flow writes into its cohort's ledger: each stage that ran, and each verdict of the gate."""

import contextlib
from collections.abc import Mapping
from typing import Any

from recondense.bundle.params import Params as Release
from recondense.engines.dvc import Pipeline
from recondense.engines.process import StageRefused
from recondense.errors import InputError
from recondense.files import secret
from recondense.files.hashes import sha256
from recondense.files.strict_json import read_json
from recondense.ledger import Ledger, keys
from recondense.ledger.artifacts import evidence, portable, ran
from recondense.ledger.entry import NO_GUARANTEE, PASSED
from recondense.ledger.origin import actor
from recondense.ledger.population import entries_of_population
from recondense.ledger.spending import statement
from recondense.results.public import Public
from recondense.results.stages import Condensation
from recondense.stages.catalogue import METRICS
from recondense.stages.layout import Layout
from recondense.stages.params import block, section
from recondense.terminal import say

EVENTS = {
    "ingestion": "ingested",
    "normalisation": "normalised",
    "reference": "trained",  # on the real records; `stage` tells the two apart
    "condensation": "condensed",
    "shadows": "audited",  # a part of the audit: nothing of them is released, so nothing is spent
    "training": "trained",
    "privacy": "audited",
    "release": PASSED[0],
}

OF_CONDENSED = ("condensation", "training", "privacy", "release")  # stages that make something of the condensed set


def open_ledger(layout: Layout) -> Ledger:
    """The cohort's ledger, once it is certain that this user may append to it; makes a key for one who has none.

    Raises `InputError` where the ledger does not hold or does not admit the user's key.
    """
    if keys.own() is None:
        with contextlib.suppress(FileExistsError):  # another flow was faster
            key = keys.create()
            say(f"made you a key in {secret.folder()}, which signs the ledger: {key.fingerprint}")
    ledger = Ledger(layout.root, layout.cohort)
    ledger.check_admission()
    return ledger


def check_override(layout: Layout) -> None:
    """Raise `InputError` where the gate is to be overridden in another name than that of who signs the ledger now."""
    override, signer = section(layout.root, layout.cohort, "release", Release).override, actor(layout.root).name
    if override and override.by != signer:
        raise InputError(
            f"params.yaml: cohorts.{layout.cohort}.release.override.by is '{override.by}', but the ledger's entry "
            f"will be signed by '{signer}', as git's user.name has it: whoever answers for a release runs it"
        )


class Recorder:
    """Appends to ``ledger`` what one flow run does; ``runs``: its ids in Prefect and MLflow, if it has any."""

    def __init__(self, pipeline: Pipeline, ledger: Ledger, runs: Mapping[str, str | None]) -> None:
        self.pipeline = pipeline
        self.ledger = ledger
        self.runs = runs
        self.layout = Layout(pipeline.root, pipeline.cohort)
        self.last = {entry.details.get("stage"): entry.details for entry in ledger.entries()}

    def stage(self, stage: str, seconds: float | None) -> dict[str, str]:
        """Record a finished stage: one that ran for ``seconds``, or, with None, one that was current.

        Of the latter only what the ledger lacks: the work of `dvc repro`, or of a flow that was killed before it could
        record it. Returns DVC's hashes of what it read, by path, of which none names this machine.
        """
        name = stage.split("@")[0]
        found = evidence(self.pipeline.locked(stage))
        known = self.last.get(name, {})
        if seconds is None and all(known.get(key) == value for key, value in found.items()):
            return found["inputs"]
        details = {
            "stage": name,
            "ran": seconds is not None,
            "seconds": seconds,
            **found,
            "privacy": self._privacy(name),
        }
        if name == "condensation":
            details |= {"noise_key": Condensation.load(METRICS[name].path(self.layout)).noise_key}
        if name == "release":
            bundle = self.layout.folder(name)
            manifest = bundle / "manifest.json"
            details |= {"manifest": sha256(manifest), "files": read_json(manifest)["files"]}
        override = Public.load(bundle / "metrics.json").override if name == "release" else None
        if override:
            details |= {"override": override.as_json()}
        self._append(PASSED[1] if override else EVENTS[name], details)
        return found["inputs"]

    def ran(self, stage: str) -> bool:
        """Whether a flow ran the stage and recorded just what dvc.lock has of it now."""
        return ran(self.ledger.entries(), stage.split("@")[0], evidence(self.pipeline.locked(stage)))

    def refused(self, stage: str, refusal: StageRefused) -> None:
        """Record what the gate refused, and why."""
        name = stage.split("@")[0]
        read = self.pipeline.inputs(name)
        section = {f"cohorts.{self.layout.cohort}": block(self.layout.root, self.layout.cohort)}
        found = portable({"inputs": read, "params": section})
        self._append(
            "gate refused", {"stage": name, "reasons": refusal.reasons, **found, "privacy": self._privacy(name)}
        )

    def _privacy(self, stage: str) -> dict[str, Any]:
        """What the condensed set would cost to release, where ``stage`` makes it or something of it."""
        if stage not in OF_CONDENSED:
            return NO_GUARANTEE
        condensed = Condensation.load(METRICS["condensation"].path(self.layout))
        given = condensed.guarantee.model_dump(mode="json") if condensed.guarantee else None
        return statement(given, entries_of_population(self.layout.root, self.layout.cohort))

    def _append(self, event: str, details: dict[str, Any]) -> None:
        entry = self.ledger.append(event, {**details, **self.runs})
        self.last[details["stage"]] = entry.details
