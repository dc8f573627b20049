"""A cohort of one's own in a bundle's variables: what `evaluate` and `transform` begin with."""

import os
from dataclasses import dataclass
from pathlib import Path

from recondense.cohorts.notices import say_notices
from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest, plausible_events, plausible_statics
from recondense.errors import InputError
from recondense.files import atomic
from recondense.files.strict_json import read_json
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.progress import working
from recondense.recipient.found import SetAside, Told, Variables
from recondense.recipient.mapping import Matching, match, outcomes, read_mapping
from recondense.recipient.propose import propose
from recondense.records.attrition import Attrition, most_first
from recondense.records.cohort import Ingested, classes_of
from recondense.results.stages import counted
from recondense.stages import params
from recondense.stages.layout import find_root
from recondense.terminal import Terminal


@dataclass(frozen=True)
class Matched:
    """``cohort``: with the bundle's variables, within its plausible ranges. ``read``, ``converted``: what was set aside
    when it was read and when it was matched. ``few``: what it means that few variables are matched, or ""."""

    preprocessing: Preprocessing
    cohort: Ingested
    matching: Matching
    read: Attrition
    converted: Attrition
    few: str

    def told(self) -> Told:
        """What matching came to."""
        found = self.matching.matched
        return Told(
            counts=SetAside(read_=counted(self.read), converted=counted(self.converted)),
            variables=Variables(
                matched=tuple(self.matching.matched_names),
                converted={m.theirs.name: m.how.model_dump(exclude_defaults=True) for m in found if m.changed},
                levels={m.theirs.name: tuple(unknown) for m in found if (unknown := m.unknown_levels())},
                missing=tuple(variable.name for variable in self.matching.missing),
                unused=tuple(self.matching.unused),
                few=self.few,
            ),
        )


def matched(bundle: Path, cohort: str, raw: Path, mapping: Path | None = None, accept_few: bool = False) -> Matched:
    """Read ``raw`` as ``cohort`` is read, and match its variables with ``bundle``'s. Raises `InputError`, also where
    next to none match, unless that is accepted."""
    preprocessing, settings = Preprocessing.load(bundle / "preprocessing.json"), ingestion_params(bundle, cohort, raw)
    with working("reading records"):
        ingested, read = ingest(raw, settings, outcome_required=False)
    say_notices(most_first(read.notices))
    matching = match(ingested.variables, preprocessing.variables, read_mapping(mapping))
    few, converted = matching.few(accept_few), Attrition()
    events, subjects = matching.apply(ingested, converted)
    events = plausible_events(events, preprocessing.variables, converted)
    end = preprocessing.step_hours * preprocessing.n_steps
    outside = ~events["hours"].between(0, end)
    converted.set_aside("measurements", f"outside hours 0 to {end:g}", int(outside.sum()))
    events = events[~outside].reset_index(drop=True)
    converted.kept("measurements", len(events))
    own = tuple(v for v in preprocessing.variables if v.role != "static" or v.name in subjects)
    subjects = plausible_statics(subjects, own, converted)
    classes = classes_of(ingested.variables), preprocessing.classes
    subjects["outcome"] = outcomes(subjects["outcome"].to_numpy(dtype=float), *classes)
    return Matched(preprocessing, Ingested(events, subjects, preprocessing.variables), matching, read, converted, few)


def propose_mapping(bundle: Path, cohort: str, raw: Path, out: Path) -> None:
    """Write a mapping file for ``cohort`` to ``out``, for a person to check; no record is read. Raises `InputError`
    where there is such a file."""
    if out.exists():
        raise InputError(f"{out} is there already: name another file, or move it away")
    settings = ingestion_params(bundle, cohort, raw)
    own = settings.plugin().variables(settings.plugin_options())
    text = propose(own, Preprocessing.load(bundle / "preprocessing.json").variables)
    atomic.write(out, text)


def show_variables(found: Told, out: Terminal) -> None:
    """What `Matched.told` says of variables, and what was set aside when they were matched, on the terminal."""
    variables = found.variables
    matched, missing = variables.matched, variables.missing
    out.print(f"variables matched: {len(matched)} of {len(matched) + len(missing)}")
    for words, names in (("missing, filled in", missing), ("not used", variables.unused)):
        if names:
            out.print(f"{words}: {', '.join(names)}", markup=False, soft_wrap=True)
    for unit, counts in found.counts.converted.items():
        for reason, count in counts.set_aside.items():
            out.print(f"{unit} not used, {reason}: {count} of {counts.in_}", markup=False, soft_wrap=True)
    for name, levels in variables.levels.items():
        said = f"levels of {name} that the bundle does not know: {', '.join(levels)}"
        out.print(f"{said}. Say in the mapping which of its levels they are", markup=False, soft_wrap=True)
    if variables.few:
        out.print(f"warning: {variables.few}", style="bold yellow", markup=False, soft_wrap=True)


def ingestion_params(bundle: Path, cohort: str, raw: Path) -> Params:
    """How to read ``cohort`` in ``raw``: by the project's params.yaml, or by the bundle's manifest where that is of the
    same cohort and params.yaml knows none of this name.

    A manifest is its author's word, so by it only files inside ``raw`` are read. Raises `InputError`.
    """
    own = _own_params(bundle, cohort)
    if own is not None:
        return own.model_copy(update={"raw": str(raw.resolve())})
    manifest = read_json(bundle / "manifest.json") if (bundle / "manifest.json").is_file() else {}
    if manifest.get("cohort") != cohort:
        raise InputError(
            f"no params.yaml here has a cohort '{cohort}', and this bundle is of cohort '{manifest.get('cohort')}': "
            "name one that either of them knows"
        )
    found = params.validate(Params, manifest["params"]["ingestion"], "manifest.json: params.ingestion", stranger=True)
    _check_links(raw)
    return found.model_copy(update={"raw": str(raw.resolve())})


def _own_params(bundle: Path, cohort: str) -> Params | None:
    """What the recipient's own params.yaml says of ``cohort``; None where it, or the cohort, is not there."""
    try:
        root = find_root()
        known = cohort in params.read(root)
    except InputError:
        return None
    if not known or root.is_relative_to(bundle.resolve()):  # a params.yaml in the bundle is its author's
        return None
    return params.section(root, cohort, "ingestion", Params)


def _check_links(raw: Path) -> None:
    """Raise `InputError` where a link in ``raw`` leads out of it: a stranger's file names would follow it."""
    inside = raw.resolve()
    for folder, folders, files in os.walk(inside):
        for path in (Path(folder, name) for name in (*folders, *files)):
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                raise InputError(
                    f"{raw} holds a link that leads out of it, and a bundle's manifest may name files in it only: copy "
                    "what it leads to, or declare the cohort in a params.yaml of your own"
                )
