"""Recompute what a bundle claims, from nothing but the bundle.

Whoever wrote it may be hostile: nothing of it is run, what it unpacks to is bounded, and a crafted file is a failed
check. All that is recomputed is consistency. Somebody who makes up records, scores and pages that agree is found out by
the signature alone (`recondense.publishing.signature`).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pandas.api.types import is_numeric_dtype

from recondense.bundle import legacy
from recondense.bundle.covered import covered
from recondense.bundle.documents import DOCUMENTS
from recondense.bundle.gate import check, failed, records_per_class, weaker
from recondense.bundle.make import FORMAT, SIGNATURE, STEWARD
from recondense.bundle.params import Params
from recondense.bundle.sentences import less, sentence
from recondense.bundle.verify_documents import check_documents, check_scripts
from recondense.checks import Check
from recondense.cohorts.panel import FEWEST
from recondense.errors import InputError
from recondense.files.hashes import sha256
from recondense.files.strict_json import read_json
from recondense.files.tables import read_within, share_of_memory
from recondense.models.recipe import Recipes
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.private.guarantee import Guarantee
from recondense.records.condensed import CondensedSet
from recondense.records.labels import n_classes
from recondense.results.public import Public
from recondense.stages.params import validate

# What each format of a bundle has
PARTS = {
    1: {
        "condensed.safetensors", "condensed.parquet", "recipe.json", "preprocessing.json", "metrics.json", "README.md"
    }
}  # fmt: skip
LATER = {"cells.py"}  # format 3 had it from some version on: where a manifest lists it, it has to be there
PARTS[2] = PARTS[FORMAT] = (PARTS[1] | set(DOCUMENTS)) - LATER
BESIDE = {"manifest.json", SIGNATURE, STEWARD}  # these the manifest cannot list

# What no check can recompute, since it takes the patients' records
ONLY_STATED = "scores, figures of attacks, counts of patients, and that the records were condensed from any"
WIDEST = 4  # bytes of a character
MORE = 16  # times what it takes in memory a table may unpack to, its text written out


def verify(bundle: Path) -> list[Check]:
    """Every check of the bundle in ``bundle``, in order; later ones are left out where the files are not as listed.

    A check that this version cannot make neither holds nor fails. Raises `InputError` where there is no bundle.
    """
    if not (bundle / "manifest.json").is_file() or (bundle / "manifest.json").is_symlink():
        raise InputError(f"{bundle} holds no manifest.json: name the folder of a bundle")
    try:
        manifest = read_json(bundle / "manifest.json")
        listed = {str(name): str(digest) for name, digest in manifest["files"].items()}
        if manifest["format"] not in PARTS:
            known = ", ".join(map(str, PARTS))
            return [Check("manifest.json has a known format", False, f"format {manifest['format']}, known: {known}")]
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return [Check("manifest.json can be read", False, "not the JSON of a manifest")]
    found = _files(bundle, listed, PARTS[manifest["format"]])
    if all(check.holds for check in found):
        found += [*check_scripts(bundle), _check("condensed.safetensors fits preprocessing.json", _shapes, bundle)]
    if not all(check.holds for check in found):
        return found
    return [
        *found,
        _check("condensed.parquet is condensed.safetensors in clinical units", _same_records, bundle),
        _check("recipe.json says how to train on it", _recipes, bundle),
        _check("metrics.json counts the condensed records", _counts, bundle),
        *_figures(bundle, manifest),
        check_documents(bundle, manifest),
    ]


def _figures(bundle: Path, manifest: dict[str, Any]) -> list[Check]:
    """By the bundle's own format; whatever a crafted file raises is a failed check."""
    try:
        return _typed(bundle, manifest) if manifest["format"] == FORMAT else _legacy(bundle, manifest)
    except Exception as error:
        return [Check("metrics.json can be checked", False, f"cannot be recomputed ({type(error).__name__})")]


def _files(bundle: Path, listed: dict[str, str], needed: set[str]) -> list[Check]:
    present = {path.name for path in bundle.iterdir()} - BESIDE
    checks = []
    for name, digest in sorted(listed.items()):
        path = bundle / name
        if name not in present or path.is_symlink() or not path.is_file():
            checks.append(Check(f"{name} is there", False, "missing, or not a plain file of this folder"))
        else:
            checks.append(Check(f"{name} has the listed SHA-256", sha256(path) == digest, digest[:12]))
    if needed - set(listed):
        checks.append(
            Check("the manifest lists every part of a bundle", False, ", ".join(sorted(needed - set(listed))))
        )
    if present - set(listed):
        checks.append(Check("no file is unlisted", False, ", ".join(sorted(present - set(listed)))))
    return checks


def _check(claim: str, recompute: Callable[..., str | None], *arguments: Any) -> Check:
    """``recompute`` returns what is wrong, or None. Whatever it raises on a crafted file is a failed check."""
    try:
        wrong = recompute(*arguments)
    except Exception as error:
        return Check(claim, False, f"cannot be recomputed ({type(error).__name__})")
    return Check(claim, wrong is None, wrong or "")


def _shapes(bundle: Path) -> str | None:
    condensed = CondensedSet.load(bundle / "condensed.safetensors")
    preprocessing = Preprocessing.load(bundle / "preprocessing.json")
    found = (*condensed.values.shape[1:], n_classes(condensed.labels))
    expected = (preprocessing.n_steps, len(preprocessing.features), len(preprocessing.classes) or 2)
    return None if found == expected else f"{found} instead of {expected} steps, features and classes"


def _same_records(bundle: Path) -> str | None:
    preprocessing = Preprocessing.load(bundle / "preprocessing.json")
    condensed = CondensedSet.load(bundle / "condensed.safetensors")
    longest = max(len(text) for feature in preprocessing.features for text in (feature.name, feature.unit))
    if condensed.values.size * longest * WIDEST > share_of_memory():  # each row names its feature
        return "it takes more memory than is here: its features have long names"
    expected = preprocessing.clinical(condensed)
    size = int(expected.memory_usage(index=False, deep=True).sum())
    found = read_within(bundle / "condensed.parquet", min(MORE * size, share_of_memory())).to_pandas()
    if list(found.columns) != list(expected.columns) or len(found) != len(expected):
        return "other columns or rows"
    for column in expected.columns:
        same = (
            np.allclose(found[column], expected[column], rtol=1e-6, atol=1e-9)
            if is_numeric_dtype(expected[column])
            else (found[column] == expected[column]).all()
        )
        if not same:
            return f"column {column} differs"
    return None


def _recipes(bundle: Path) -> str | None:
    return None if Recipes.load(bundle / "recipe.json").families else "it names no family of networks"


def _counts(bundle: Path) -> str | None:
    found = records_per_class(CondensedSet.load(bundle / "condensed.safetensors"))
    stated = read_json(bundle / "metrics.json")["condensed"]["records_per_class"]
    return None if found == stated else f"{found} instead of {stated}"


def _typed(bundle: Path, manifest: dict[str, Any]) -> list[Check]:
    """What the figures of a bundle of format 3 claim."""
    try:
        metrics = Public.read(read_json(bundle / "metrics.json"), "metrics.json")
        params = validate(Params, dict(metrics.limits), "metrics.json: limits")
    except (InputError, ValueError) as error:
        return [Check("metrics.json holds the figures of a bundle", False, str(error))]
    return [
        _check("the gate's conditions hold, recomputed from metrics.json", _gate, metrics, params),
        _check("the gate was asked what manifest.json says", _limits, metrics, manifest),
        Check("where the gate asks for less than usual is stated", True, _weaker(metrics)),
        _check("no figure in metrics.json is about a group of few", _groups, metrics, params),
        *_guarantee(bundle, metrics),
    ]


def _gate(metrics: Public, params: Params) -> str | None:
    outcomes = check(metrics, params)
    if tuple(outcomes) != metrics.gate:
        return "the stated outcome is another"
    refused = failed(outcomes)
    if refused and metrics.override and metrics.override.against == tuple(outcome.id for outcome in refused):
        return None  # who answers for it stands on the first page
    return "; ".join(str(sentence(outcome)) for outcome in refused) or None


def _limits(metrics: Public, manifest: dict[str, Any]) -> str | None:
    stated = {name: limit for name, limit in manifest["params"]["release"].items() if name != "override"}
    limits = metrics.as_json()["limits"]
    other = sorted(name for name, limit in stated.items() if limits.get(name, ...) != limit)
    return f"params.release says something else of {', '.join(other)}" if other else None


def _weaker(metrics: Public) -> str:
    return "; ".join(less(name, *limits) for name, limits in weaker(metrics.limits).items())


def _groups(metrics: Public, params: Params) -> str | None:
    sizes = [group.patients for group in (metrics.subgroups.groups if metrics.subgroups else ())]
    sizes += [each.patients for of in (metrics.calibration.of.values() if metrics.calibration else ()) for each in of]
    fewest = max(FEWEST, params.min_patients_per_class, metrics.fewest_patients)
    return _few([size for size in sizes if size < fewest])


def _few(sizes: list[int]) -> str | None:
    return f"{len(sizes)} are, the smallest of {min(sizes)}" if sizes else None


def _guarantee(bundle: Path, metrics: Public) -> list[Check]:
    """What a guarantee of differential privacy comes down to, where the bundle states one."""
    guarantee = metrics.privacy.guarantee
    stated = metrics.model_copy(update={"gate": (), "override": None})
    return _of_guarantee(bundle, guarantee, lambda: covered(stated) == stated) if guarantee else []


def _of_guarantee(bundle: Path, guarantee: Guarantee, within: Callable[[], bool]) -> list[Check]:
    def accounted() -> str | None:
        return None if guarantee.stands() else "the queries cost another epsilon"

    def beside() -> str | None:
        if not within():
            return "metrics.json holds figures of the train split"
        if Preprocessing.load(bundle / "preprocessing.json").scale != "public":
            return "the scale of preprocessing.json was fitted to patients"
        return None

    claim = f"epsilon {guarantee.epsilon} is what the queries to the patients cost, accounted anew"
    return [_check(claim, accounted), _check("nothing that it does not cover is stated beside it", beside)]


def _legacy(bundle: Path, manifest: dict[str, Any]) -> list[Check]:
    """What the figures of a bundle of format 1 or 2 claim."""
    metrics = read_json(bundle / "metrics.json")
    return [
        _check("the gate's conditions hold, recomputed from metrics.json", legacy.gate, metrics, manifest),
        _check("no figure in metrics.json is about a group of few", lambda: _few(legacy.few(metrics, manifest))),
        *_legacy_guarantee(bundle, metrics),
        Check(f"format {manifest['format']} is an earlier one, whose gate set no bounds to the audit", True),
    ]


def _legacy_guarantee(bundle: Path, metrics: dict[str, Any]) -> list[Check]:
    stated = metrics["privacy"].get("guarantee")
    if stated is None:
        return []
    try:
        guarantee = Guarantee.model_validate(stated)
    except ValueError:
        return [Check("the guarantee of differential privacy can be read", False)]
    return _of_guarantee(bundle, guarantee, lambda: legacy.covered(metrics))
