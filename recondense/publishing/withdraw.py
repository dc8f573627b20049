"""Withdraw a release: a line in the ledger, committed and published.

Its files stay where they are, for those who have to look into it. A kill between the steps leaves the line; the same
command again does the rest.
"""

from dataclasses import dataclass
from pathlib import Path

from recondense.engines.dvc import Pipeline
from recondense.engines.mlflow import tag
from recondense.errors import InputError
from recondense.git import git
from recondense.publishing.public import PublicRemote
from recondense.publishing.published import published, so_far
from recondense.publishing.ready import check_remotes
from recondense.publishing.versions import Releases, Version, in_turn


@dataclass(frozen=True)
class Withdrawal:
    """What was withdrawn, and the commit that says so."""

    cohort: str
    version: str
    reason: str
    time: str
    commit: str


def withdraw(root: Path, cohort: str, version: str, reason: str) -> Withdrawal:
    """Say publicly that ``version`` must no longer be used, and why. Raises `InputError`."""
    if not reason.strip() or "\n" in reason:
        raise InputError("--reason: give one line, which is published; name no patient in it")
    releases, which = Releases(root, cohort), Version.parse(version)
    with in_turn(root):
        pipeline = Pipeline(root, cohort)
        check_remotes(pipeline)
        public = PublicRemote(pipeline.repo, cohort)
        releases.commit(which)
        ledger, before = releases.ledger, releases.withdrawn().get(which)
        if before is None:
            ledger.check_admission()
            public.check_continues(ledger.entries())
            released = releases.released()[which]
            details = {"version": version, "manifest": released.details["manifest"], "reason": reason.strip()}
            ledger.append("withdrawn", {**details, "published": so_far(ledger.entries())})
        elif public.ledger() == published(ledger.entries()):
            raise InputError(f"{cohort} {which} was withdrawn on {before.time[:10]}: {before.details['reason']}")
        head = git.head(root)
        commit = git.commit(root, [ledger.name], f"Withdraw {cohort} {which}", head)
        git.advance(root, commit, head, [ledger.name])
        public.publish(ledger.entries())
        entry = releases.withdrawn()[which]
    tag(root, releases.released()[which].details.get("mlflow_run"), withdrawn=str(entry.details["reason"]))
    return Withdrawal(cohort, version, entry.details["reason"], entry.time, commit)
