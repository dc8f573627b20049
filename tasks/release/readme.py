"""The bundle's README.md."""

from typing import Any

from tasks.common.preprocessing import Preprocessing
from tasks.common.records import CondensedSet

TRAINED_ON = {
    "condensed": "these condensed records",
    "all_real": "all real training records",
    "random_records": "as many random real records",
    "kmeans": "as many k-means centroids",
}


def readme(cohort: str, condensed: CondensedSet, preprocessing: Preprocessing, metrics: dict[str, Any]) -> str:
    """What this bundle is, what it is worth, how to use it and how to check it, in Markdown."""
    records, steps, features = condensed.values.shape
    auc = "\n".join(
        f"| {words} | {metrics['test_auc'][key]['mean']:.3f} | "
        f"{metrics['test_auc'][key]['low']:.3f} to {metrics['test_auc'][key]['high']:.3f} |"
        for key, words in TRAINED_ON.items()
    )
    attacks = "\n".join(
        f"| {name.replace('_', ' ')} | {a['verdict']} | {a['auc']:.3f} ({a['low']:.3f} to {a['high']:.3f}) |"
        for name, a in metrics["privacy"]["attacks"].items()
    )
    source = metrics["cohort"]["source"]
    return f"""# {cohort}: {records} condensed records

{records} synthetic records, each {steps} steps of {preprocessing.step_hours:g} hours and {features} features, learned
so that a model can be trained on them alone. No row is a patient.

| trained on | test AUC, mean over {len(metrics["mean_over"])} networks | 95 % interval |
|---|---|---|
{auc}

Scored on {metrics["cohort"]["subjects"]["test"]} patients whom neither condensation nor training had seen.

| attack | verdict | AUC (0.5 is a guess) |
|---|---|---|
{attacks}

An attack that did not succeed is evidence, not a proof: this set carries no differential-privacy guarantee.

## Files
- `condensed.safetensors`: `values` ({records}, {steps}, {features}), normalised; `labels` ({records},), risks in [0, 1]
- `condensed.parquet`: the same in clinical units, long form
- `preprocessing.json`: how to put new records on the same scale; units and plausible ranges of every variable
- `metrics.json`: all figures; `manifest.json`: SHA-256 of every file, params, code revision, pipeline state

## Use
```python
import torch
from safetensors.torch import load_file

data = load_file("condensed.safetensors")  # values, labels
model = torch.nn.GRU({features}, 64, batch_first=True)
head = torch.nn.Linear(64, 1)
optimiser = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=1e-3)
for _ in range(100):
    logits = head(model(data["values"])[0][:, -1]).squeeze(1)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, data["labels"])
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
```
Put your own records on the scale with `recondense transform BUNDLE --cohort NAME --raw DIR --out FILE.safetensors`;
check this bundle with `recondense verify BUNDLE`.

Learned from: {source["title"]} ({source["url"]}). Licence: {source["licence"]}. Cite: {source["citation"]}
"""
