"""The remote ``release``: finished bundles, for anyone, as DVC's objects and as plain files.

    files/md5/..                          DVC's objects, for `dvc get`
    releases/COHORT/VERSION/..            the bundle's files
    releases/COHORT/ledger.jsonl          what of the ledger is published
    releases/COHORT/index.json            the releases there are: a version is visible once it is listed here

Written in this order, each file whole or not at all: on a file system by a rename, on an object store by the store.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException

from recondense.errors import InputError
from recondense.ledger.entry import Entry
from recondense.publishing.published import digest, listing, published

RELEASE = "release"


class PublicRemote:
    """A cohort's part of the remote ``release`` of ``repo``. Raises `InputError` where the remote cannot be used."""

    def __init__(self, repo: Any, cohort: str) -> None:
        self.repo = repo
        self.cohort = cohort
        try:
            remote = repo.cloud.get_remote(RELEASE, "push")
        except (DvcException, OSError) as error:
            raise InputError(f"the remote '{RELEASE}' cannot be used: {error}") from error
        self.fs: Any = remote.fs
        self.root: str = remote.path
        self.place = self.fs.join(remote.path, "releases", cohort)

    def ledger(self) -> bytes:
        """The published ledger; nothing where there is none yet."""
        return self._read("ledger.jsonl")

    def lists(self, version: str) -> bool:
        """Whether the index lists ``version``."""
        try:
            return any(release["version"] == version for release in json.loads(self._read("index.json"))["releases"])
        except (ValueError, KeyError, TypeError):  # none yet, or not ours: the next `publish` writes it
            return False

    def check_continues(self, entries: list[Entry]) -> None:
        """Raise `InputError` where the published ledger has lines that ``entries`` lack: somebody else released."""
        if not published(entries).startswith(self.ledger()):
            raise InputError(
                f"the remote '{RELEASE}' has a ledger of {self.cohort} with other lines than yours: somebody released "
                "from another clone. `git pull` their commits and tags, then try again"
            )

    def check_complete(self, entries: list[Entry]) -> None:
        """Raise `InputError` where a release that is not withdrawn is not there: nobody could get what is listed."""
        valid = [release["version"] for release in listing(entries) if not release["withdrawn"]]
        if missing := [version for version in valid if not self._read(f"{version}/manifest.json")]:
            raise InputError(
                f"the remote '{RELEASE}' lacks {self.cohort} {', '.join(missing)}, which the ledger lists: copy "
                "`files` and `releases` from where that remote was before, then try again"
            )

    def put_bundle(self, followed: Path, folder: Path, version: str) -> None:
        """Upload the bundle in ``folder``, which the DVC file ``followed`` describes, and nothing else."""
        try:
            self.repo.push(targets=[str(followed)], remote=RELEASE)
            target = self.fs.join(self.place, version)
            for path in sorted(folder.iterdir()):
                self.fs.makedirs(target, exist_ok=True)
                self.fs.put_file(str(path), self.fs.join(target, path.name))
            present = {path.name for path in folder.iterdir()}
            for stale in list(self.fs.find(target)):  # of an attempt under the same version that came to nothing
                if self.fs.name(stale) not in present:
                    self.fs.remove(stale)
            self._for_anyone()
        except (DvcException, OSError) as error:
            raise InputError(f"the remote '{RELEASE}' cannot be written to: {error}") from error

    def publish(self, entries: list[Entry]) -> None:
        """Make visible what ``entries``, the cohort's ledger, say was released and withdrawn."""
        self.check_continues(entries)
        lines = published(entries)
        self._write("ledger.jsonl", lines)
        index = {"cohort": self.cohort, "ledger": digest(lines), "releases": listing(entries)}
        self._write("index.json", (json.dumps(index, indent=2, ensure_ascii=False) + "\n").encode())
        self._for_anyone()

    def _for_anyone(self) -> None:
        """In a folder of this machine, let others read what was written with this user's umask."""
        if self.fs.protocol != "local":
            return
        for folder, _, names in os.walk(self.root):
            for path, needed in [(Path(folder), 0o555), *((Path(folder, name), 0o444) for name in names)]:
                mode = path.stat().st_mode
                if mode & needed != needed:
                    self._open(path, mode | needed)

    @staticmethod
    def _open(path: Path, mode: int) -> None:
        try:
            path.chmod(mode)
        except OSError as error:
            raise InputError(f"{path} is closed to others, and not yours: its owner has to open it") from error

    def _read(self, name: str) -> bytes:
        try:
            return bytes(self.fs.cat_file(self.fs.join(self.place, name)))
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise InputError(f"the remote '{RELEASE}' cannot be read: {error}") from error

    def _write(self, name: str, content: bytes) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / name
            path.write_bytes(content)
            try:
                self.fs.makedirs(self.place, exist_ok=True)
                self.fs.put_file(str(path), self.fs.join(self.place, name))
            except OSError as error:
                raise InputError(f"the remote '{RELEASE}' cannot be written to: {error}") from error
