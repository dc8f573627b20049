"""Recompute what a bundle claims, from nothing but the bundle.

Whoever wrote it may be hostile: nothing of it is run, what it unpacks to is bounded, and a crafted file is a failed
check. All that is recomputed is consistency. Somebody who makes up records, scores and pages that agree is found out by
the signature alone (`flows.releases.signature`).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pandas.api.types import is_numeric_dtype

from tasks.common.checks import Check
from tasks.common.errors import InputError
from tasks.common.guarantee import Guarantee
from tasks.common.hashes import sha256
from tasks.common.labels import n_classes
from tasks.common.params import validate
from tasks.common.preprocessing import Preprocessing
from tasks.common.records import CondensedSet, read_json
from tasks.common.tables import read_within
from tasks.networks.recipe import Recipes
from tasks.release.bundle import FORMAT, SIGNATURE, STEWARD
from tasks.release.documents import DOCUMENTS
from tasks.release.figures import FEWEST
from tasks.release.gate import conditions, records_per_class
from tasks.release.params import Params
from tasks.release.private import covered
from tasks.release.remade import check_documents, check_scripts

# What each format of a bundle has
PARTS = {
    1: {
        "condensed.safetensors", "condensed.parquet", "recipe.json", "preprocessing.json", "metrics.json", "README.md"
    }
}  # fmt: skip
PARTS[2] = PARTS[FORMAT] = PARTS[1] | set(DOCUMENTS)
BESIDE = {"manifest.json", SIGNATURE, STEWARD}  # these the manifest cannot list

# What no check can recompute, since it takes the patients' records
ONLY_STATED = "scores, figures of attacks, counts of patients, and that the records were condensed from any"
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
        _check("the gate's conditions hold, recomputed from metrics.json", _gate, bundle, manifest),
        _check("no figure in metrics.json is about a group of few", _groups, bundle, manifest),
        *_guarantee(bundle),
        check_documents(bundle, manifest),
    ]


def _files(bundle: Path, listed: dict[str, str], needed: set[str]) -> list[Check]:
    present = {path.name for path in bundle.iterdir()} - BESIDE
    checks = []
    for name, digest in sorted(listed.items()):
        path = bundle / name
        if name != Path(name).name or path.is_symlink() or not path.is_file():
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
    expected = Preprocessing.load(bundle / "preprocessing.json").clinical(
        CondensedSet.load(bundle / "condensed.safetensors")
    )
    size = int(expected.memory_usage(index=False, deep=True).sum())
    found = read_within(bundle / "condensed.parquet", MORE * size).to_pandas()
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


def _gate(bundle: Path, manifest: dict[str, Any]) -> str | None:
    metrics = read_json(bundle / "metrics.json")
    checks = conditions(metrics, validate(Params, manifest["params"]["release"], "manifest.json: params.release"))
    if json.loads(json.dumps([vars(check) for check in checks])) != metrics["gate"]:
        return "the stated outcome is another"
    failed = [check.reason() for check in checks if not check.holds]
    if failed and metrics.get("override", {}).get("against") == failed:
        return None  # who answers for it stands on the first page
    return "; ".join(failed) or None


def _guarantee(bundle: Path) -> list[Check]:
    """What a guarantee of differential privacy comes down to, where the bundle states one."""
    try:
        stated = read_json(bundle / "metrics.json")["privacy"].get("guarantee")
    except (ValueError, KeyError, TypeError, AttributeError):
        return []  # the checks above say so
    if stated is None:
        return []
    epsilon = stated.get("epsilon") if isinstance(stated, dict) else None
    return [
        _check(f"epsilon {epsilon} is what the queries to the patients cost, accounted anew", _accounted, stated),
        _check("nothing that it does not cover is stated beside it", _covered, bundle),
    ]


def _accounted(stated: dict[str, Any]) -> str | None:
    return None if Guarantee.model_validate(stated).stands() else "the queries cost another epsilon"


def _covered(bundle: Path) -> str | None:
    metrics = read_json(bundle / "metrics.json")
    beside = set(metrics) - {"gate", "override"}
    stated = {name: metrics[name] for name in beside}
    if covered(stated) != stated:
        return "metrics.json holds figures of the train split"
    if Preprocessing.load(bundle / "preprocessing.json").scale != "public":
        return "the scale of preprocessing.json was fitted to patients"
    return None


def _groups(bundle: Path, manifest: dict[str, Any]) -> str | None:
    metrics = read_json(bundle / "metrics.json")
    groups = [
        *metrics.get("subgroups", {}).get("groups", []),
        *(each for bins in metrics.get("calibration", {}).get("of", {}).values() for each in bins),
    ]
    asked = validate(Params, manifest["params"]["release"], "manifest.json: params.release").min_patients_per_class
    few = [group["patients"] for group in groups if group["patients"] < max(FEWEST, asked)]
    return f"{len(few)} are, the smallest of {min(few)}" if few else None
