"""Whether a cohort's candidate may become a release: everything that refuses one, each with what to do."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from recondense.bundle.differencing import panel_of
from recondense.bundle.verify import verify
from recondense.cohorts import panel
from recondense.cohorts.panel import Panel, Panels
from recondense.engines.dvc import Pipeline
from recondense.errors import InputError
from recondense.files.hashes import sha256
from recondense.files.strict_json import read_json
from recondense.git import git
from recondense.ledger import Entry
from recondense.ledger.artifacts import check_stages
from recondense.ledger.entry import PASSED
from recondense.ledger.population import entries_of_population
from recondense.ledger.spending import differs, released, spent, together
from recondense.private.askings import draws, served
from recondense.publishing.public import RELEASE, PublicRemote
from recondense.publishing.vault import VAULT
from recondense.publishing.versions import Releases
from recondense.results.public import Public
from recondense.stages import software
from recondense.stages.layout import Layout
from recondense.stages.params import section
from recondense.unattended.params import Params as Schedule

# What runs write and a release commits; anything else that differs from the last commit is work of somebody
WRITTEN_BY_RUNS = re.compile(
    r"dvc\.lock|params\.yaml|software\.yaml|data/[2-7]_\w+/[^/]+/metrics\.json|data/ledger/[^/]+\.(jsonl|panels\.json)|data/7_released/[^/]+/[^/]+\.dvc"
)


def check_remotes(pipeline: Pipeline) -> None:
    """Raise `InputError` unless there are a vault and, apart from it, a release remote that is not the default."""
    remotes = pipeline.repo.config["remote"]
    for name, holds in ((VAULT, "the records"), (RELEASE, "the bundles that anyone may have")):
        if name not in remotes:
            raise InputError(
                f"DVC has no remote '{name}', which holds {holds}: `dvc remote add {name} URL`, then commit .dvc/config"
            )
    if _overlap(str(remotes[VAULT]["url"]), str(remotes[RELEASE]["url"])):
        raise InputError(
            f"the remotes '{VAULT}' and '{RELEASE}' are one place: records would lie where anyone may read"
        )
    if pipeline.repo.config["core"].get("remote") == RELEASE:
        raise InputError(
            f"'{RELEASE}' is DVC's default remote, so that a plain `dvc push` would publish the records: "
            f"`dvc remote default {VAULT}`, then commit .dvc/config"
        )


def check_ready(releases: Releases, pipeline: Pipeline, public: PublicRemote) -> None:
    """Raise `InputError` with what stands in the way of a release and how to clear it."""
    cohort, candidate = releases.cohort, Layout(releases.root, releases.cohort).folder("release")
    if not (candidate / "manifest.json").is_file():
        raise InputError(f"{cohort} has no candidate to release: `recondense run {cohort}` makes one")
    manifest = sha256(candidate / "manifest.json")
    if version := releases.of_candidate(manifest):
        raise InputError(f"this candidate is already released, as {cohort} {version}: a new run makes another")
    check_work_tree(releases.root)
    if software.named(releases.root) != software.installed(releases.root):
        raise InputError(f"code changed since: `recondense run {cohort}`, then release what it makes")
    if stale := pipeline.stale():
        raise InputError(f"not current: {', '.join(stale)}. `recondense run {cohort}`, then release what it makes")
    check_recorded(releases)
    check_bundle(candidate)
    passed = last_passed(releases)
    if passed is None or passed.details.get("manifest") != manifest:
        raise InputError(f"the ledger does not say that this candidate passed the gate: `recondense run {cohort}`")
    check_signed(passed)
    check_answers(releases, passed.details["privacy"], candidate)
    check_budget(releases, passed.details["privacy"])
    check_panel(releases)
    releases.ledger.check_admission()
    public.check_continues(releases.ledger.entries())
    public.check_complete(releases.ledger.entries())


def check_signed(passed: Entry) -> None:
    """Raise `InputError` where the gate was overridden by another than who signed that the candidate passed."""
    override = passed.details.get("override")
    if override and override.get("by") != passed.actor.name:
        raise InputError(
            f"the gate was overridden in the name of '{override.get('by')}', but '{passed.actor.name}' signed entry "
            f"{passed.n} of the ledger: whoever answers for it runs `recondense run {passed.cohort}`"
        )


def check_panel(releases: Releases) -> None:
    """Raise `InputError` where comparing this candidate with earlier releases would tell of a few held-out patients."""
    root, cohort = releases.root, releases.cohort
    earlier = panel.load(root, cohort) or Panels(key="", releases={})
    for version, entry in releases.released().items():
        stated, found = entry.details.get("panel"), earlier.releases.get(str(version))
        if stated and (found is None or found.digest != stated):
            raise InputError(f"{panel.place(cohort)} is not as {cohort} {version} left it: restore it from git")
    released = {str(version) for version in releases.released()}
    earlier = Panels(key=earlier.key, releases={v: each for v, each in earlier.releases.items() if v in released})
    own, fewest = candidate_panel(releases), panel.fewest_patients(root, cohort)
    if panel.close(own.splits, earlier.splits, fewest):
        raise InputError(
            f"the held-out patients are an earlier release's but for fewer than {fewest}, of whom subtracting figures "
            f"would tell. `dvc repro -f -s ingestion@{cohort}`, then `recondense run {cohort} --again`, leaves enough "
            "of them out"
        )


def candidate_panel(releases: Releases) -> Panel:
    """Which patients the candidate's figures are about."""
    layout = Layout(releases.root, releases.cohort)
    return panel_of(layout, Public.load(layout.folder("release") / "metrics.json"))


def check_answers(releases: Releases, booked: dict[str, Any], candidate: Path) -> None:
    """Raise `InputError` where the ledger booked another cost for the bundle in ``candidate`` than this states, where
    its answers served a release before without anybody choosing so, or where more were asked for than it states."""
    cohort, guarantee = releases.cohort, read_json(candidate / "metrics.json")["privacy"].get("guarantee")
    if wrong := differs(booked, guarantee):
        raise InputError(f"{wrong}: `recondense run {cohort}` records what the candidate is made of")
    if guarantee is None:
        return
    again = f"`dvc repro --force --single-item condensation@{cohort}`, then `recondense run {cohort} --again`"
    asked = guarantee.get("asked")
    if asked is None:
        raise InputError(f"the candidate's answers are of an earlier version, which did not number them: {again}")
    out = {one.get("statistics") for one in released(releases.ledger.entries())}
    with_other = served(cohort, booked["statistics"]) not in (None, sha256(candidate / "manifest.json"))
    if not asked["reused"] and (with_other or booked["statistics"] in out):
        raise InputError(
            f"this candidate's answers served a release already. To ask the patients anew, at its cost: {again}. To "
            f"release the same answers again, which costs nothing: set condensation.reuse to {asked['number']} and run"
        )
    if (found := draws(Layout(releases.root, cohort))) != asked["draws"]:
        raise InputError(
            f"{found} sets of answers were asked since the last release, and the candidate states {asked['draws']}: "
            f"{again}"
        )


def check_budget(releases: Releases, candidate: dict[str, Any]) -> None:
    """Raise `InputError` where releases of the population together would cost more than ``schedule.budget``;
    ``candidate``: its cost."""
    budget = section(releases.root, releases.cohort, "schedule", Schedule).budget
    if budget is None:
        return
    entries = entries_of_population(releases.root, releases.cohort)
    before, after = spent(entries), together([*released(entries), candidate])
    if after is None:
        which = "this candidate gives" if candidate["epsilon"] is None else "an earlier release gave"
        raise InputError(
            f"schedule.budget is {budget:g}, which cannot be kept: {which} no guarantee of differential privacy. "
            "Choose a private condensation.method, or take the budget out of params.yaml"
        )
    if after > budget:
        raise InputError(
            f"schedule.budget is epsilon {budget:g}: releases so far have spent {before:g}, this one costs "
            f"{candidate['epsilon']:g}, and together they come to {after:g} at delta {candidate['delta']:g}. Release "
            "one from answers that are out already, lower condensation.options, or raise the budget"
        )


def held_by_guarantee(releases: Releases) -> list[str]:
    """Why the candidate, where it is not released yet, would cost too much, or an answer would serve two releases."""
    manifest = Layout(releases.root, releases.cohort).folder("release") / "manifest.json"
    passed = last_passed(releases)
    if passed is None or not manifest.is_file() or releases.of_candidate(sha256(manifest)):
        return []
    try:
        check_answers(releases, passed.details["privacy"], manifest.parent)
        check_budget(releases, passed.details["privacy"])
    except InputError as error:
        return [str(error)]
    return []


def check_recorded(releases: Releases) -> None:
    """Raise `InputError` with the first stage whose results are not what a recorded run of a flow made."""
    wrong = [c for c in check_stages(releases.root, releases.cohort, releases.ledger.entries()) if not c.holds]
    if wrong:
        raise InputError(f"{wrong[0].claim}: {wrong[0].detail}")


def check_work_tree(root: Path) -> None:
    """Raise `InputError` where git holds back, or has changes that a release must not take along or leave out."""
    git.head(root)
    if git.in_progress(root):
        raise InputError("git is in the middle of a merge or rebase: bring that to its end first")
    foreign = [path for path in git.changed(root) if not WRITTEN_BY_RUNS.fullmatch(path)]
    if foreign:
        more = f" and {len(foreign) - 5} more" if len(foreign) > 5 else ""
        raise InputError(
            f"not committed: {', '.join(foreign[:5])}{more}. A release is made from code that git has: commit or stash"
        )


def check_bundle(bundle: Path) -> None:
    """Raise `InputError` with the first claim of ``bundle`` that does not hold."""
    wrong = [check for check in verify(bundle) if not check.holds]
    if wrong:
        raise InputError(f"{bundle} does not verify: {wrong[0].claim} ({wrong[0].detail}). `recondense run` it again")


def last_passed(releases: Releases) -> Entry | None:
    """The ledger's entry of the candidate that passed the gate last."""
    passed = [entry for entry in releases.ledger.entries() if entry.event in PASSED]
    return passed[-1] if passed else None


def _overlap(one: str, other: str) -> bool:
    """Whether two remotes are the same place, or one lies within the other."""
    first, second = (f"{_place(url)}/" for url in (one, other))
    return first.startswith(second) or second.startswith(first)


def _place(url: str) -> str:
    parts = urlsplit(url)
    return url.rstrip("/") if parts.scheme not in ("", "file") else str(Path(parts.path).resolve())
