"""software.yaml: which code each stage of a project runs, as digests. DVC reads them as params of the stages.

So a stage is stale once code that it runs is other code, in a clone and in a project without sources alike. The file is
written, never edited: by `recondense upgrade`, and by each run under the version that it names.
"""

from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from recondense.errors import InputError
from recondense.files import atomic
from recondense.stages import code, plugins
from recondense.stages.layout import STAGE_FOLDERS, Layout, importable
from recondense.stages.params import block, read

FILE = "software.yaml"
FAMILIES = {"readers": "recondense.cohorts.readers", "methods": "recondense.condensation.methods"}
# Of which family a stage runs one plug-in, and where params.yaml names it
CHOSEN = {
    "ingestion": ("readers", "ingestion", "dataset"),
    "condensation": ("methods", "condensation", "method"),
    "shadows": ("methods", "condensation", "method"),
}
HEAD = "# Which code each stage runs: DVC compares these digests. Written by recondense; commit it, do not edit it.\n"


def installed(root: Path) -> dict[str, Any]:
    """What software.yaml would say now: the library's version, and digests by stage, reader and method."""
    found: dict[str, Any] = {"version": version("recondense")}
    found["stages"] = {name: code.digest(f"tasks.{name}", root=root) for name in STAGE_FOLDERS}
    for kind, family in FAMILIES.items():
        found[kind] = {name: code.digest(module) for name, module in plugins.modules(family).items()}
    return found


def named(root: Path) -> dict[str, Any]:
    """What the software.yaml of ``root`` says. Raises `InputError` where it cannot be read."""
    try:
        found = YAML(typ="safe").load(root / FILE)
        digests = {kind: dict(found[kind]) for kind in ("stages", *FAMILIES)}
        return {"version": str(found["version"]), **digests}
    except FileNotFoundError:
        raise InputError(f"{FILE} is missing: `recondense upgrade` writes it") from None
    except (YAMLError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{FILE} cannot be read: `recondense upgrade` writes it anew") from error


def write(root: Path) -> None:
    """Write what is installed into the software.yaml of ``root``, whole or not at all."""
    text, yaml = StringIO(), YAML()
    yaml.width = 200
    yaml.dump(installed(root), text)
    atomic.write(root / FILE, HEAD + text.getvalue())


def check_named(root: Path) -> None:
    """Raise `InputError` where a cohort of params.yaml does not name its reader or method, for which dvc.yaml asks."""
    for cohort, sections in read(root).items():
        for kind, section, key in dict.fromkeys(CHOSEN.values()):
            found = sections.get(section) if isinstance(sections, dict) else None
            if not isinstance(found, dict) or not isinstance(found.get(key), str):
                known = ", ".join(plugins.names(FAMILIES[kind]))
                raise InputError(f"params.yaml: cohorts.{cohort}.{section} names no {key}: write one of {known}")


def check(layout: Layout, stage: str) -> None:
    """Raise `InputError` unless the code that ``stage`` runs for the cohort is what software.yaml names."""
    importable(layout.root)
    there = named(layout.root)
    found = {("stages", stage): code.digest(f"tasks.{stage}")}
    if stage in CHOSEN:
        kind, section, key = CHOSEN[stage]
        name = str((block(layout.root, layout.cohort).get(section) or {}).get(key))
        if module := plugins.modules(FAMILIES[kind]).get(name):  # an unknown one is told by whoever loads it
            found[kind, name] = code.digest(module)
    for (kind, name), digest in found.items():
        if there[kind].get(name) != digest:
            raise InputError(
                f"the code of {name} is not the one that {FILE} names: `recondense upgrade` says what changed, and "
                "`recondense run` takes it up"
            )
