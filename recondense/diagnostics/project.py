"""The project: its history, keys, stages and cohorts."""

import os
from pathlib import Path

from recondense.errors import InputError
from recondense.files import secret
from recondense.probes.finding import Finding, Found, kind, section_of
from recondense.project.sections import check_cohort
from recondense.stages import params
from recondense.stages.layout import Layout

PRIVATE = "private_statistics"
LET_READ = "let this user read them; `recondense doctor` says who you are"


def git_history(root: Path) -> Found:
    from recondense.git import git
    from recondense.publishing.ready import check_work_tree

    try:
        yield Finding("ok", f"at commit {git.head(root)[:12]}")
    except InputError as error:
        yield Finding("fault", f"no commit: {error}", "git init && git add -A && git commit")
        return
    who = {name: git.setting(root, name) for name in ("user.name", "user.email")}
    if missing := [name for name, value in who.items() if not value]:
        mend = " && ".join(f'git config {name} "..."' for name in missing)
        yield Finding("warning", f"no {' and no '.join(missing)}: ledger and releases name who did what", mend)
    else:
        yield Finding("ok", f"you are {who['user.name']} <{who['user.email']}>")
    try:
        check_work_tree(root)
    except InputError as error:
        yield Finding("warning", "a release would be refused", str(error))


def signing(root: Path) -> Found:
    from recondense.ledger import Ledger, keys
    from recondense.ledger.ledger import with_ledger

    key = keys.own()
    if key is None:
        mend = "your first run makes one; if you had one, restore it, or let RECONDENSE_KEYS name its folder"
        yield Finding("warning", f"none to sign with in {secret.folder()}", mend)
    else:
        yield Finding("ok", f"you sign with {key.fingerprint}")
    for cohort in with_ledger(root) if key else []:
        try:
            Ledger(root, cohort).check_admission()
        except InputError as error:
            yield Finding("fault", f"{cohort}: no run can be recorded", str(error))
        else:
            yield Finding("ok", f"{cohort}: its ledger is whole and admits you")
    private = [
        name for name, block in params.read(root).items() if section_of(block, "condensation").get("method") == PRIVATE
    ]
    if private and secret.read(secret.folder() / secret.NOISE) is None:
        mend = "the first run makes one; where a ledger knows one, restore that: another is refused"
        yield Finding("warning", f"no {secret.NOISE} in {secret.folder()}, for {', '.join(private)}", mend)


def dvc_stages(root: Path) -> Found:
    from recondense.engines.dvc import Pipeline
    from recondense.publishing.public import RELEASE
    from recondense.publishing.ready import check_remotes
    from recondense.publishing.vault import VAULT

    pipelines = [Pipeline(root, cohort) for cohort in params.read(root)]
    yield Finding("ok", f"dvc.yaml has every stage of {len(pipelines)} cohorts")
    if pipelines and {VAULT, RELEASE} <= set(
        pipelines[0].repo.config["remote"]
    ):  # where one is absent, its own check says so
        try:
            check_remotes(pipelines[0])
        except InputError as error:
            yield Finding("fault", "a release would be refused", str(error))


def cohorts(root: Path) -> Found:
    """Each cohort's block of params.yaml, its raw folder, and whom it tells of failures."""
    for cohort, block in params.read(root).items():
        try:
            check_cohort(root, cohort)
        except InputError as error:
            yield Finding("fault", f"{cohort}: its params are not valid", str(error))
            continue
        yield _raw(root, cohort, str(block["ingestion"]["raw"]))
        yield from _notices(Layout(root, cohort))
        receiver = section_of(block, "schedule").get("notify")
        if receiver and "/" not in receiver and not os.environ.get(receiver):
            mend = f"export {receiver}=URL where `recondense serve` runs"
            yield Finding("warning", f"{cohort}: schedule.notify names ${receiver}, which is not set here", mend)


def _notices(layout: Layout) -> Found:
    """Why the last ingestion of a cohort was refused; what the last good one lost or found odd; who withdrew since;
    which keys of its params have other names now."""
    from recondense.cohorts.notices import of_cohort, refusal, still_in

    if why := refusal(layout):
        yield Finding("warning", f"{layout.cohort}: {why}")
    yield from (Finding("ok", text) for text in params.old_words(layout.root, layout.cohort))
    try:
        for text in still_in(layout):
            yield Finding("warning", f"{layout.cohort}: {text}")
    except InputError as error:
        yield Finding("fault", f"{layout.cohort}: {error}")
    for notice in of_cohort(layout):
        yield Finding("warning" if notice.lost else "ok", f"{layout.cohort}: {notice.text}")


def _raw(root: Path, cohort: str, raw: str) -> Finding:
    if closed := unreadable(root / raw, raw):
        return Finding("fault", f"{cohort}: {closed}", LET_READ)
    files = [path for path in _files(root / raw) if path.name != "README.md"]
    if files:
        return Finding("ok", f"{cohort}: {raw} has records ({len(files):,} file{'s' if len(files) > 1 else ''})")
    if (Layout(root, cohort).folder("ingestion") / "metrics.json").exists():
        return Finding("fault", f"{cohort}: {raw} has no records, and had some", "mount its disk, or put them back")
    return Finding("ok", f"{cohort}: {raw} has no records yet")


def unreadable(folder: Path, name: str) -> str:
    """What of the raw ``folder``, called ``name``, this user cannot read: how many files, since a file's name may be a
    patient's id; "" where all can be read."""
    as_it_runs = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
    try:
        files = _files(folder)
        closed = sum(not os.access(path, os.R_OK, **as_it_runs) and path.exists() for path in files)
    except OSError as error:
        return f"{name} cannot be read: {kind(error)}"
    return f"{closed} of {len(files)} files in {name} cannot be read: Permission denied" if closed else ""


def _files(folder: Path) -> list[Path]:
    """All files below ``folder``, none where it is not there. Raises `OSError` where a folder cannot be looked into."""

    def stop(error: OSError) -> None:
        raise error

    walk = os.walk(folder, onerror=stop, followlinks=True) if folder.exists() else []
    return [Path(place) / name for place, _, names in walk for name in names]
