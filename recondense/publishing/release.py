"""Make a release of a cohort's candidate.

The order of the steps, so that a kill at any moment loses nothing and a rerun goes on under the same version:

1. Refuse, or choose the version: one that was begun and not finished, else the next of this month. What refuses last is
   that audit and bundle do not come out again in a clone of a commit to which no branch leads.
2. The bundle is made from the candidate, in a scratch folder that is swapped in, and described in ``VERSION.dvc``. From
   here on that file says which version was begun. Which patients its figures are about is added to the panels.
3. A commit takes dvc.lock, params.yaml, metrics, panels and ``VERSION.dvc``: the tree that all of the rest refers to.
4. Records go to the vault, then the bundle to the release remote. Nothing lists it there yet. Before it leaves, the
   noisy answers that it is made of are marked as given: from here on they serve this candidate and no other.
5. The ledger gets the line ``released``, in one rename. It names the commit of step 3. From here on the version cannot
   be given to anything else, and a rerun goes on from here without looking at the work tree again.
6. A commit on that of step 3 adds the ledger; the tag is created on it, which git does once and for one process only;
   then the branch follows.
7. The published ledger, then the index, are replaced on the release remote. Now the version is visible.

Steps 2 to 4 are done again where a rerun finds no ledger line, since what they leave is replaced whole. A version with
a line and without a tag, or not in the index, is finished before anything else is done. Two locks keep other releases
of the project and runs of the cohort out. They are free again when their process is gone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException

from recondense.bundle.make import write_version
from recondense.cohorts import panel
from recondense.engines.dvc import Pipeline, one_at_a_time
from recondense.engines.mlflow import tag
from recondense.errors import InputError
from recondense.files import secret
from recondense.files.hashes import sha256
from recondense.files.strict_json import read_json
from recondense.git import git
from recondense.ledger import Entry, keys
from recondense.ledger.population import entries_of_population
from recondense.ledger.provenance import FILE, provenance, signed
from recondense.ledger.spending import statement
from recondense.private.askings import serve
from recondense.progress import working
from recondense.publishing import vault
from recondense.publishing.public import RELEASE, PublicRemote
from recondense.publishing.published import listing, so_far
from recondense.publishing.ready import (
    WRITTEN_BY_RUNS,
    candidate_panel,
    check_bundle,
    check_ready,
    check_remotes,
    last_passed,
)
from recondense.publishing.remake import check_remade
from recondense.publishing.signature import sign
from recondense.publishing.versions import Releases, Version, in_turn
from recondense.results.public import Public
from recondense.results.releases import Summary
from recondense.stages.layout import Layout
from recondense.stages.stage import whole_or_nothing


def release(root: Path, cohort: str) -> dict[str, Any]:
    """Release ``cohort``'s candidate, or finish a release that was interrupted. Raises `InputError`.

    Returns ``cohort``, ``version``, ``tag``, ``commit``, ``bundle`` (its folder, from the root), ``manifest`` (its
    SHA-256), ``published`` (where, on the release remote), and ``resumed``: whether it had been begun before.
    """
    with _opened(root, cohort) as (releases, pipeline, public):
        return _release(releases, pipeline, public)


def release_if_new(root: Path, cohort: str) -> dict[str, Any] | None:
    """`release` where the candidate is not released yet, or a release was interrupted; else None."""
    with _opened(root, cohort) as (releases, pipeline, public):
        manifest = Layout(root, cohort).folder("release") / "manifest.json"
        new = manifest.is_file() and releases.of_candidate(sha256(manifest)) is None
        return _release(releases, pipeline, public) if new or _unfinished(releases, public) else None


@contextmanager
def _opened(root: Path, cohort: str) -> Iterator[tuple[Releases, Pipeline, PublicRemote]]:
    """What a release works on, while other releases of the project and runs of the cohort are kept out."""
    releases = Releases(root, cohort)
    with in_turn(root), one_at_a_time(Layout(root, cohort)):
        pipeline = Pipeline(root, cohort)
        check_remotes(pipeline)
        yield releases, pipeline, PublicRemote(pipeline.repo, cohort)


def _release(releases: Releases, pipeline: Pipeline, public: PublicRemote) -> dict[str, Any]:
    """The steps."""
    root, cohort = releases.root, releases.cohort
    version = _unfinished(releases, public)
    resumed = version is not None
    if version is None:
        check_ready(releases, pipeline, public)
        head = git.head(root)
        check_remade(pipeline, git.commit(root, _own(root), f"{cohort}: a candidate", head))
        version = releases.upcoming()
        resumed = version in releases.begun()
        _prepare(releases, pipeline, version)
        with working("records to the vault"):
            vault.push(pipeline)
        _serve(releases)
        with working("the bundle to the release remote"):
            public.put_bundle(root / f"{releases.path(version)}.dvc", root / releases.path(version), str(version))
        releases.ledger.append("released", _details(releases, version))
    commit = _tag(releases, version)
    public.check_complete(releases.ledger.entries())  # of a release that is finished, too; a withdrawal never waits
    public.publish(releases.ledger.entries())
    entry = releases.released()[version]
    tag(root, entry.details.get("mlflow_run"), version=str(version))
    return {
        "cohort": cohort,
        "version": str(version),
        "tag": releases.tag(version),
        "commit": commit,
        "bundle": releases.path(version),
        "manifest": entry.details["manifest"],
        "published": public.fs.unstrip_protocol(public.fs.join(public.place, str(version))),
        "resumed": resumed,
    }


def _unfinished(releases: Releases, public: PublicRemote) -> Version | None:
    """The last version in the ledger, where its tag or its place in the index is still missing."""
    released = releases.released()
    last = max(released, default=None)
    if last is None or (last in releases.tagged() and public.lists(str(last))):
        return None
    return last


def _prepare(releases: Releases, pipeline: Pipeline, version: Version) -> None:
    """Make the version's bundle and DVC file, and commit them with all else that the release is made of."""
    root, folder = releases.root, releases.root / releases.path(version)
    entries = releases.ledger.entries()
    with whole_or_nothing(folder) as scratch:
        write_version(
            Layout(root, releases.cohort).folder("release"),
            scratch,
            str(version),
            provenance_of(releases),
            listing(entries),
            privacy(releases)["cumulative_epsilon"],
            answers_for(last_passed(releases)),
        )
        sign(scratch, _key())
    check_bundle(folder)
    panel.save(root, releases.cohort, str(version), candidate_panel(releases))
    try:
        (stage,) = pipeline.repo.add(str(folder))
        stage.outs[0].remote = RELEASE  # where `dvc get` and `dvc pull` look for it
        stage.dump()
    except DvcException as error:
        raise InputError(f"DVC cannot take up {releases.path(version)}: {error}") from error
    before, own = git.head(root), _own(root)
    after = git.commit(root, own, f"{releases.cohort} {version}: what it is made of", before)
    git.advance(root, after, before, own)


def _own(root: Path) -> list[str]:
    """What runs wrote and git has not: what a release commits."""
    return [path for path in git.changed(root) if WRITTEN_BY_RUNS.fullmatch(path)]


def answers_for(passed: Entry | None) -> dict[str, str] | None:
    """Who overrode the gate, by name and by the fingerprint of her key; None where nobody did."""
    override = passed and passed.details.get("override")
    return {"by": str(override["by"]), "key": passed.key} if passed and override else None


def provenance_of(releases: Releases) -> Callable[[dict[str, str]], dict[str, bytes]]:
    """What makes the provenance of a bundle from the hashes of its files, signed with this user's key.

    Data is named in it without its hash, as in the published ledger and for the same reason.
    """

    def documents(files: dict[str, str]) -> dict[str, bytes]:
        key = _key()
        statement = provenance(releases.ledger.entries(), files)
        definition = statement["predicate"]["buildDefinition"]
        definition["resolvedDependencies"] = [
            item if item["uri"].startswith(("git+", "dvc:tasks/")) else {"uri": item["uri"]}
            for item in definition["resolvedDependencies"]
        ]
        return {FILE: signed(statement, key)}

    return documents


def _key() -> keys.Key:
    key = keys.own()
    if key is None:
        raise InputError(f"{secret.folder()} holds no key to sign with: `recondense keys create` makes one")
    return key


def _details(releases: Releases, version: Version) -> dict[str, Any]:
    """The details of the ``released`` line; all of them are published."""
    folder, candidate = releases.root / releases.path(version), Layout(releases.root, releases.cohort).folder("release")
    manifest, entries = read_json(folder / "manifest.json"), releases.ledger.entries()
    return {
        "version": str(version),
        "tag": releases.tag(version),
        "candidate": sha256(candidate / "manifest.json"),
        "manifest": sha256(folder / "manifest.json"),
        "files": {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != "manifest.json"},
        "mlflow_run": manifest["mlflow_run"],
        "figures": Summary.of(Public.load(folder / "metrics.json")).as_json(),
        "privacy": privacy(releases),
        "panel": candidate_panel(releases).digest,
        "published": so_far(entries),
    }


def privacy(releases: Releases) -> dict[str, Any]:
    """What the candidate costs by its own guarantee, and all releases of the population together with it."""
    metrics = Layout(releases.root, releases.cohort).folder("release") / "metrics.json"
    entries = entries_of_population(releases.root, releases.cohort)
    return statement(read_json(metrics)["privacy"].get("guarantee"), entries)


def _serve(releases: Releases) -> None:
    """Mark the candidate's noisy answers as given, where it has any."""
    stated = privacy(releases)
    if stated.get("asked"):
        manifest = Layout(releases.root, releases.cohort).folder("release") / "manifest.json"
        serve(releases.cohort, stated["statistics"], sha256(manifest))


def _tag(releases: Releases, version: Version) -> str:
    """The version's tag on a commit that adds the ledger to the commit which the ledger names. Returns that commit."""
    root, ledger, entry = releases.root, releases.ledger.name, releases.released()[version]
    base = str(entry.versions["commit"])
    target = releases.tagged().get(version)
    if target is None:
        if entry.line.decode() in (git.content(root, "HEAD", ledger) or "").split("\n"):
            raise InputError(
                f"the tag {releases.tag(version)} is missing, though git has that release: `git fetch --tags`"
            )
        target = git.commit(root, [ledger], f"Release {releases.cohort} {version}", base)
        git.tag(
            root, releases.tag(version), target, f"{releases.cohort} {version}, manifest {entry.details['manifest']}"
        )
    head = git.head(root)
    if head in (base, target):  # else somebody committed meanwhile, and the ledger goes with their next commit
        git.advance(root, target, head, [ledger])
    return target
