"""The bundle's README.md."""

from typing import Any

from tasks.common.preprocessing import Preprocessing
from tasks.common.records import CondensedSet
from tasks.networks.recipe import Recipes
from tasks.networks.results import TRAINING_SETS
from tasks.release.starter import starter


def readme(
    cohort: str,
    condensed: CondensedSet,
    recipes: Recipes,
    preprocessing: Preprocessing,
    metrics: dict[str, Any],
    version: str = "candidate",
) -> str:
    """What this bundle is, what it is worth, how to use it and how to check it, in Markdown."""
    records, steps, features = condensed.values.shape
    auc = "\n".join(
        f"| {words} | {_interval(metrics['test_auc'][key])} | {metrics['test_brier'][key]['mean']:.3f} | "
        f"{metrics['test_calibration_error'][key]['mean']:.3f} |"
        for key, words in TRAINING_SETS.items()
        if key in metrics["test_auc"]
    )
    together = metrics["ensembles"].get("condensed")
    ensembles = (
        f"Ensembles of {together['size']} networks on these records: {_interval(together['test_auc'])}."
        if together
        else ""
    )
    attacks = "\n".join(
        f"| {name.replace('_', ' ')} | {a['verdict']} | {_attacked(a)} |"
        for name, a in metrics["privacy"]["attacks"].items()
    )
    n_networks = len(metrics["mean_over"])
    source, classes = metrics["cohort"]["source"], preprocessing.classes
    score, labels = "AUC", f"`labels` ({records},), risks in [0, 1]"
    if classes:
        score = f"macro AUC (each of {len(classes)} classes against the others)"
        labels = f"`labels` ({records}, {len(classes)}), the risk of each class: {', '.join(classes)}"
    return f"""# {cohort} {version}: {records} condensed records

{records} synthetic records, each {steps} steps of {preprocessing.step_hours:g} hours and {features} features, learned
so that a model can be trained on them alone. No row is a patient.

| trained on | test {score}, mean over {n_networks} networks (95 % interval) | Brier | calibration error |
|---|---|---|---|
{auc}

{ensembles}
Scored on {metrics["cohort"]["subjects"]["test"]} patients whom neither condensation nor training had seen.

| attack | verdict | AUC (0.5 is a guess) |
|---|---|---|
{attacks}

An attack that did not succeed is evidence, not a proof: this set carries no differential-privacy guarantee.

## Files
- `condensed.safetensors`: `values` ({records}, {steps}, {features}), normalised; {labels}
- `condensed.parquet`: the same in clinical units, long form
- `recipe.json`: how to train each family of networks on them, and what a trained network's logit means
- `preprocessing.json`: how to put new records on the same scale; units and plausible ranges of every variable
- `metrics.json`: all figures; `manifest.json`: SHA-256 of every file, params, code revision, pipeline state

## Use
`recipe.json` was chosen on validation patients of the cohort. This is its recipe for an LSTM; the slope and intercept
in its last line make a true risk of what the networks give, since the labels are not on the scale of the prevalence.
```python
{starter(condensed, recipes)}```
Put your own records on the scale with `recondense transform BUNDLE --cohort NAME --raw DIR --out FILE.safetensors`;
check this bundle with `recondense verify BUNDLE`.

Learned from: {source["title"]} ({source["url"]}). Licence: {source["licence"]}. Cite: {source["citation"]}
"""


def _interval(score: dict[str, Any]) -> str:
    return f"{score['mean']:.3f} ({score['low']:.3f} to {score['high']:.3f})"


def _attacked(attack: dict[str, Any]) -> str:
    if "auc" not in attack:
        return "not measured"
    return f"{attack['auc']:.3f} ({attack['low']:.3f} to {attack['high']:.3f})"
