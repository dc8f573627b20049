"""What changed from one release of a cohort to another, or to its candidate: data, params, metrics, code, privacy.

All of it is read from git, at the releases' tags and in the work tree: no data has to be there.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from recondense.bundle.contents import CANDIDATE
from recondense.engines.named import flat
from recondense.git import git
from recondense.publishing.release import privacy
from recondense.publishing.versions import Releases, Version
from recondense.results.renamed import in_words_of_now
from recondense.stages.layout import STAGE_FOLDERS
from recondense.stages.renamed import renamed

DECIMALS = 6  # of a difference: the rest is how binary fractions are written
MAIN_DEPTH = 4
DETAILS = {"low", "high", "steps_to_plateau"}


@dataclass(frozen=True)
class Side:
    """One of the two: a version with its ``commit``, or the candidate (``version`` None) on the commit checked out."""

    releases: Releases
    version: Version | None
    commit: str

    def read(self, path: str) -> str:
        """What ``path`` holds on this side; nothing where it is not there."""
        if self.version:
            return git.content(self.releases.root, self.commit, path) or ""
        file = self.releases.root / path
        return file.read_text(encoding="utf-8") if file.is_file() else ""

    def data(self) -> dict[str, str]:
        """DVC's hashes, by path, of what the stages read and wrote of data."""
        stages = (YAML(typ="safe").load(self.read("dvc.lock")) or {}).get("stages", {})
        own = [stages.get(f"{stage}@{self.releases.cohort}", {}) for stage in STAGE_FOLDERS]
        files = [file for stage in own for kind in ("deps", "outs") for file in stage.get(kind, [])]
        return {
            str(file["path"]): str(file["md5"])
            for file in files
            if not str(file["path"]).startswith("tasks/") and not str(file["path"]).endswith("metrics.json")
        }

    def params(self) -> dict[str, Any]:
        """The cohort's params, by dotted name of now."""
        cohorts = (YAML(typ="safe").load(self.read("params.yaml")) or {}).get("cohorts", {})
        return dict(flat(renamed(cohorts.get(self.releases.cohort, {}))))

    def metrics(self, stage: str) -> dict[str, Any]:
        """The numbers in a stage's metrics, by dotted name of now, but for how long it took."""
        text = self.read(f"data/{STAGE_FOLDERS[stage]}/{self.releases.cohort}/metrics.json")
        found = flat(in_words_of_now(json.loads(text), stage) if text else {})
        numbers = {name: v for name, v in found if isinstance(v, int | float) and not isinstance(v, bool)}
        return {name: v for name, v in numbers.items() if not name.split(".")[-1].startswith("seconds")}

    def privacy(self) -> dict[str, Any]:
        """What it costs, and all releases with it, by then."""
        if self.version:
            return dict(self.releases.released()[self.version].details["privacy"])
        return privacy(self.releases)


def diff(root: Path, cohort: str, one: str, other: str) -> dict[str, Any]:
    """``one`` and ``other``: versions, or ``candidate``. Raises `InputError` where there is no such version.

    Returns ``data``, ``subjects``, ``params``, ``metrics`` and ``privacy``, each a list of what differs: ``name``,
    ``old``, ``new`` and for numbers ``difference``; and ``code``: commits between the two, with ``uncommitted``.
    """
    releases = Releases(root, cohort)
    old, new = _side(releases, one), _side(releases, other)
    measured = [stage for stage in STAGE_FOLDERS if stage not in ("ingestion", "release")]
    return {
        "data": _changes(old.data(), new.data()),
        "subjects": _changes(old.metrics("ingestion"), new.metrics("ingestion")),
        "params": _changes(old.params(), new.params()),
        "metrics": _changes(*({f"{s}.{k}": v for s in measured for k, v in x.metrics(s).items()} for x in (old, new))),
        "privacy": _changes(old.privacy(), new.privacy()),
        "code": {
            "commits": git.git(root, "log", "--format=%h %s", f"{old.commit}..{new.commit}").splitlines(),
            "uncommitted": git.changed(root) if not (old.version and new.version) else [],
        },
    }


def is_main(metric: str) -> bool:
    """Whether a metric is a figure that stands for itself: no interval's end, nor of one network or variant.

    >>> is_main("training.test_auc.condensed.mean"), is_main("training.test_auc.condensed.by_network.lstm_beta.mean")
    (True, False)
    """
    parts = metric.split(".")
    return len(parts) <= MAIN_DEPTH and not DETAILS & set(parts)


def _side(releases: Releases, text: str) -> Side:
    if text == CANDIDATE:
        return Side(releases, None, git.head(releases.root))
    version = Version.parse(text)
    return Side(releases, version, releases.commit(version))


def _changes(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before != after:
            difference = None
            if isinstance(before, int | float) and isinstance(after, int | float):
                difference = round(after - before, DECIMALS)
            rows.append({"name": name, "old": before, "new": after, "difference": difference})
    return rows
