"""params.yaml: one block per cohort, inside it one section per stage, each checked by that stage's model."""

import re
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError, ValidationInfo
from ruamel.yaml import YAML, YAMLError

from recondense.errors import InputError
from recondense.files.strict_json import Strict
from recondense.stages.layout import STAGE_FOLDERS
from recondense.stages.renamed import VERSION, old_names, renamed, version

# No stage reads these sections, and they may be left out
SIDE_SECTIONS = ("schedule",)
STRANGER = "stranger"
SHORT, LONG = "<short>", "<long>"  # tags of a value that may be written in two forms; they are no part of a key
NO_COHORT = "params.yaml has no cohort yet: `recondense new-cohort NAME --from FOLDER` writes one from your own tables"
COHORT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class StageParams(Strict):
    """Base of every section's model."""


P = TypeVar("P", bound=BaseModel)


def read(root: Path) -> dict[str, Any]:
    """The cohorts of ``root``'s params.yaml, by name, as plain dictionaries, in the words of now. Raises `InputError`
    where malformed."""
    document = _document(root)
    if version(document) < VERSION:
        return {name: renamed(found) for name, found in document["cohorts"].items()}
    return dict(document["cohorts"])


def old_words(root: Path, cohort: str) -> list[str]:
    """What to write now for each key of ``cohort``'s that params.yaml has by its old name. Raises `InputError`."""
    return [
        f"params.yaml: cohorts.{cohort}.{section}.{key} is called {now} now. The old name still works; "
        "`recondense upgrade` writes the new one"
        for section, key, now in old_names(_document(root)["cohorts"].get(cohort))
    ]


def _document(root: Path) -> dict[str, Any]:
    path = root / "params.yaml"
    try:
        document = YAML(typ="safe").load(path)
    except YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise InputError(f"params.yaml{line} is not valid YAML: mend that line and try again") from error
    cohorts = document.get("cohorts") if isinstance(document, dict) else None
    if not isinstance(cohorts, dict):
        raise InputError("params.yaml needs a 'cohorts:' block with one entry per cohort, or 'cohorts: {}'")
    for name in cohorts:
        check_cohort_name(name)
    version(document)
    return dict(document)


def check_cohort_name(name: object) -> None:
    """Raise `InputError` unless ``name`` can name a folder, a stage and a release.

    >>> check_cohort_name("physionet2012")
    >>> check_cohort_name("../etc")
    Traceback (most recent call last):
    ...
    recondense.errors.InputError: '../etc' cannot name a cohort: use a-z, 0-9, '-' and '_', at most 63
    """
    if not isinstance(name, str) or not COHORT_NAME.fullmatch(name):
        raise InputError(f"'{name}' cannot name a cohort: use a-z, 0-9, '-' and '_', at most 63")


def block(root: Path, cohort: str) -> dict[str, Any]:
    """The whole block of one cohort. Raises `InputError` where params.yaml has no such cohort."""
    check_cohort_name(cohort)
    cohorts = read(root)
    if not cohorts:
        raise InputError(NO_COHORT)
    if cohort not in cohorts:
        raise InputError(f"params.yaml has no cohort '{cohort}'; it has: {', '.join(sorted(cohorts))}")
    found = cohorts[cohort]
    if not isinstance(found, dict):
        raise InputError(f"params.yaml: cohorts.{cohort} must hold one section per stage")
    sections = (*STAGE_FOLDERS, *SIDE_SECTIONS)
    unknown = set(found) - set(sections)
    if unknown:
        raise InputError(
            f"params.yaml: cohorts.{cohort} has no section '{sorted(unknown)[0]}'; "
            f"the sections are: {', '.join(sections)}"
        )
    for name, key, now in old_names(found):  # `read` has put version 1 into the words of now
        raise InputError(f"params.yaml: cohorts.{cohort}.{name}.{key} is called {now} since version {VERSION}")
    return found


def section(root: Path, cohort: str, stage: str, model: type[P]) -> P:
    """The params of ``stage`` for ``cohort``, checked by ``model``. Raises `InputError` naming the key and the mend."""
    values = block(root, cohort).get(stage, {} if stage in SIDE_SECTIONS else None)
    if not isinstance(values, dict):
        raise InputError(
            f"params.yaml: cohorts.{cohort} lacks its '{stage}' section; add '{stage}: {{}}' for the defaults"
        )
    return validate(model, values, f"params.yaml: cohorts.{cohort}.{stage}")


def validate(model: type[P], values: dict[str, Any], where: str, *, stranger: bool = False) -> P:
    """``values`` as ``model``; each problem becomes one line of an `InputError` that begins with ``where``.

    ``stranger``: the values come from somebody else's bundle, see `from_a_stranger`.
    """
    try:
        return model.model_validate(values, context={STRANGER: stranger})
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            place = tuple(part for part in problem["loc"] if part not in (SHORT, LONG))
            key = ".".join([where, *(str(part) for part in place)])
            if problem["type"] == "extra_forbidden":
                known = ", ".join(_model_at(model, place[:-1]).model_fields)
                lines.append(f"{key} is not a known parameter; known here: {known}")
            else:
                lines.append(f"{key}: {problem['msg']}")
        raise InputError("\n".join(lines)) from error


def from_a_stranger(info: ValidationInfo) -> bool:
    """Whether the values being validated come from somebody else's bundle; such may name files and nothing that acts.

    Every model of a plug-in's options that could reach beyond the raw folder has to ask.
    """
    return bool(info.context and info.context.get(STRANGER))


def _model_at(model: type[BaseModel], place: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that checks what is at ``place`` in ``model``; where there are several, the one that holds them."""
    field = model.model_fields.get(str(place[0])) if place else None
    found, pending = [], [field.annotation] if field else []
    while pending:
        kind = pending.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in found:
            found.append(kind)
        pending += get_args(kind)
    if len(found) != 1:
        return model
    named = len(place) > 1 and str(place[1]) not in found[0].model_fields  # the key in a dictionary of models
    return _model_at(found[0], place[2 if named else 1 :])
