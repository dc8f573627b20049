"""Keys of params.yaml that an earlier ``version`` of it called something else: those are read, and mean the same."""

from collections.abc import Iterator, Mapping
from typing import Any

from recondense.errors import InputError

VERSION = 2
# By section, what version 1 called a key: what it is called now
RENAMED = {
    "shadows": {"outliers": "canaries"},
    "training": {"controls": "baselines", "control_seeds": "baseline_seeds", "control_search": "baseline_search"},
}


def version(document: Mapping[str, Any]) -> int:
    """Of a whole params.yaml; 1 where it has none. Raises `InputError` for one that is not known here."""
    found = document.get("version", 1)
    if type(found) is not int or not 1 <= found <= VERSION:
        raise InputError(
            f"params.yaml: version is {found!r}, and this recondense reads 1 to {VERSION}. Where a newer recondense "
            "wrote it, install that one: `pip install -U recondense`"
        )
    return found


def renamed(block: Any) -> Any:
    """A cohort's ``block`` of version 1 in the words of now. Raises `InputError` where a key stands there under both
    names."""
    found = dict(block) if isinstance(block, Mapping) else block
    for section, key, now in old_names(block):
        if now in found[section]:
            raise InputError(f"params.yaml: {section}.{key} and {section}.{now} are one key: take {key} out")
        found[section] = {now if name == key else name: value for name, value in found[section].items()}
    return found


def old_names(block: Any) -> Iterator[tuple[str, str, str]]:
    """Section, key and present name of each key of a cohort's ``block`` that is called something else now."""
    for section, names in RENAMED.items():
        there = block.get(section) if isinstance(block, Mapping) else None
        yield from ((section, key, now) for key, now in names.items() if isinstance(there, Mapping) and key in there)


def spelt(block: Mapping[str, Any], section: str, key: str) -> str:
    """How ``block`` has ``key``, by either of its names; where it has it not, what it is called now."""
    names = RENAMED.get(section, {})
    now = names.get(key, key)
    there = block.get(section)
    return next((old for old, new in names.items() if new == now and isinstance(there, Mapping) and old in there), now)


def migrate(document: Any) -> list[str]:
    """Rewrite a whole params.yaml, as ruamel.yaml reads it, in place and in the words of now; comments stay.

    Returns each change; none where there is nothing to do. Raises `InputError`.
    """
    changes, cohorts = [], document.get("cohorts") or {}
    for block in cohorts.values():
        renamed(block)  # which refuses a key that stands there twice, before anything is changed
    if version(document) < VERSION:
        changes.append(f"version: {VERSION}")
        if "version" in document:
            document["version"] = VERSION
        else:
            document.insert(0, "version", VERSION)
    for cohort, block in cohorts.items():
        for section, key, now in list(old_names(block)):
            _rename(block[section], key, now)
            changes.append(f"cohorts.{cohort}.{section}.{key} -> {now}")
    return changes


def _rename(section: Any, key: str, now: str) -> None:
    """In place, where it stands, with its comments."""
    place, comments = list(section).index(key), section.ca.items.pop(key, None)
    section.insert(place, now, section.pop(key))
    if comments is not None:
        section.ca.items[now] = comments
