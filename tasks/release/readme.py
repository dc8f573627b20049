"""The bundle's README.md."""

from typing import Any

from tasks.common.preprocessing import Preprocessing
from tasks.common.records import CondensedSet
from tasks.networks.recipe import Recipes
from tasks.networks.results import TRAINING_SETS


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
    lstm = recipes.of("lstm_beta")
    attacks = "\n".join(
        f"| {name.replace('_', ' ')} | {a['verdict']} | {a['auc']:.3f} ({a['low']:.3f} to {a['high']:.3f}) |"
        for name, a in metrics["privacy"]["attacks"].items()
    )
    source = metrics["cohort"]["source"]
    return f"""# {cohort} {version}: {records} condensed records

{records} synthetic records, each {steps} steps of {preprocessing.step_hours:g} hours and {features} features, learned
so that a model can be trained on them alone. No row is a patient.

| trained on | test AUC, mean over {len(metrics["mean_over"])} networks (95 % interval) | Brier | calibration error |
|---|---|---|---|
{auc}

{ensembles}
Scored on {metrics["cohort"]["subjects"]["test"]} patients whom neither condensation nor training had seen.

| attack | verdict | AUC (0.5 is a guess) |
|---|---|---|
{attacks}

An attack that did not succeed is evidence, not a proof: this set carries no differential-privacy guarantee.

## Files
- `condensed.safetensors`: `values` ({records}, {steps}, {features}), normalised; `labels` ({records},), risks in [0, 1]
- `condensed.parquet`: the same in clinical units, long form
- `recipe.json`: how to train each family of networks on them, and what a trained network's logit means
- `preprocessing.json`: how to put new records on the same scale; units and plausible ranges of every variable
- `metrics.json`: all figures; `manifest.json`: SHA-256 of every file, params, code revision, pipeline state

## Use
`recipe.json` was chosen on validation patients of the cohort. This is its recipe for an LSTM; the slope and intercept
in its last line make a true risk of what the networks give, since the labels are not on the scale of the prevalence.
```python
import torch
from safetensors.torch import load_file

data = load_file("condensed.safetensors")  # values, labels


class LSTM(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.LSTM({features}, 128, batch_first=True)
        self.read_out = torch.nn.Linear(128, 1)

    def forward(self, values):
        return self.read_out(self.layer(values)[0][:, -1]).squeeze(1)


def trained(seed):
    torch.manual_seed(seed)
    model = LSTM()
    optimiser = torch.optim.Adam(model.parameters(), lr={lstm.learning_rate:g})
    for _ in range({lstm.steps}):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(data["values"]), data["labels"])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


ensemble = [trained(seed) for seed in range({recipes.ensemble})]


def risk(values):  # (patients, {steps}, {features}), normalised
    with torch.no_grad():
        logits = torch.stack([model(values) for model in ensemble]).mean(0)
    return torch.sigmoid({lstm.calibration.slope:g} * logits + {lstm.calibration.intercept:g})
```
Put your own records on the scale with `recondense transform BUNDLE --cohort NAME --raw DIR --out FILE.safetensors`;
check this bundle with `recondense verify BUNDLE`.

Learned from: {source["title"]} ({source["url"]}). Licence: {source["licence"]}. Cite: {source["citation"]}
"""


def _interval(score: dict[str, Any]) -> str:
    return f"{score['mean']:.3f} ({score['low']:.3f} to {score['high']:.3f})"
