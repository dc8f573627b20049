"""Edit params.yaml as a person would: one value, comments kept, checked before it is written."""

from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from recondense.errors import InputError
from recondense.files import atomic
from recondense.project.sections import check_cohort
from recondense.stages.layout import STAGE_FOLDERS
from recondense.stages.params import SIDE_SECTIONS, block, check_cohort_name, read
from recondense.stages.renamed import migrate, spelt


def set_params(root: Path, cohort: str, assignments: list[str]) -> None:
    """Write ``SECTION.KEY=VALUE`` assignments into ``cohort``'s block of params.yaml; VALUE is read as YAML.

    Nothing is written unless the whole block is still valid. Raises `InputError`.
    """
    block(root, cohort)
    yaml, document = _loaded(root)
    for assignment in assignments:
        keys, value = _parse(assignment)
        target: Any = document["cohorts"][cohort]
        keys[1] = spelt(target, *keys[:2])
        for key in keys[:-1]:
            target = target.setdefault(key, {})
            if not isinstance(target, dict):
                raise InputError(f"--set {assignment}: '{key}' holds a value, not a section")
        target[keys[-1]] = value
    _write_valid(root, cohort, _dumped(yaml, document))


def in_words_of_now(root: Path) -> str:
    """What params.yaml says, each key by its present name, comments kept. Raises `InputError`."""
    yaml, document = _loaded(root)
    changed = migrate(document)
    return _dumped(yaml, document) if changed else (root / "params.yaml").read_text(encoding="utf-8")


def add_cohort(root: Path, cohort: str, text: str) -> None:
    """Put ``text``, the block of a new cohort as it stands in params.yaml, below the other cohorts.

    Everything else stays byte for byte. Nothing is written unless the new block is valid. Raises `InputError`.
    """
    check_cohort_name(cohort)
    if cohort in read(root):
        raise InputError(f"params.yaml has a cohort '{cohort}' already: choose another name, or take that block out")
    before = (root / "params.yaml").read_text(encoding="utf-8")
    lines = before.splitlines(keepends=True)
    document = YAML().load(before)
    if not document["cohorts"]:
        lines[document.lc.key("cohorts")[0]] = "cohorts:\n"  # in place of `cohorts: {}`
    after = [document.lc.key(key)[0] for key in document if document.lc.key(key)[0] > document.lc.key("cohorts")[0]]
    end = min(after, default=len(lines))
    head = "".join(lines[:end]).rstrip("\n")
    _write_valid(root, cohort, f"{head}\n\n{text}" + "".join(["\n", *lines[end:]] if after else []))


def _loaded(root: Path) -> tuple[YAML, Any]:
    """params.yaml, and what writes it as it was written."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml, yaml.load(root / "params.yaml")


def _dumped(yaml: YAML, document: Any) -> str:
    text = StringIO()
    yaml.dump(document, text)
    return text.getvalue()


def _write_valid(root: Path, cohort: str, text: str) -> None:
    """Write params.yaml, or leave it as it was where ``cohort``'s block would not be valid."""
    path = root / "params.yaml"
    before = path.read_text(encoding="utf-8")
    atomic.write(path, text)
    try:
        check_cohort(root, cohort)
    except InputError:
        atomic.write(path, before)
        raise


def _parse(assignment: str) -> tuple[list[str], Any]:
    name, equals, text = assignment.partition("=")
    keys = name.strip().split(".")
    if not equals or len(keys) < 2 or not all(keys):
        raise InputError(f"--set {assignment}: write SECTION.KEY=VALUE, as in --set condensation.method=kmeans")
    sections = (*STAGE_FOLDERS, *SIDE_SECTIONS)
    if keys[0] not in sections:
        raise InputError(f"--set {assignment}: no section '{keys[0]}'; choose one of: {', '.join(sections)}")
    try:
        return keys, YAML(typ="safe").load(text)
    except YAMLError as error:
        raise InputError(f"--set {assignment}: the value is not valid YAML") from error
