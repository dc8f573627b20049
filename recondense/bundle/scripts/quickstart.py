"""Train a model on the condensed records of this bundle, and save it: `python BUNDLE/quickstart.py`.

Needs torch and safetensors. An ensemble of LSTMs is trained by recipe.json and written to model.safetensors in the
working directory (a bundle stays as it is, or it would no longer verify); apply.py makes risks of patients with it.
With `--records FILE` (values and labels of patients on the bundle's scale, as `apply.py --tensors` and `recondense
transform` write them) it says how well the model ranks them.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

BUNDLE = Path(__file__).resolve().parent
FAMILY, UNITS = "lstm", 128


class LSTM(nn.Module):
    """Logits ``(n,)``, or ``(n, n_classes)`` of more than two classes, of records ``(n, n_steps, n_features)``."""

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.layer = nn.LSTM(n_features, UNITS, batch_first=True)
        self.read_out = nn.Linear(UNITS, n_outputs)

    def forward(self, values: Tensor) -> Tensor:
        logits: Tensor = self.read_out(self.layer(values)[0][:, -1])
        return logits.squeeze(1)


def trained(values: Tensor, labels: Tensor, recipe: dict[str, Any], seed: int) -> LSTM:
    """One network; ``labels`` are risks: ``(n,)``, or ``(n, n_classes)``."""
    torch.manual_seed(seed)
    binary = labels.ndim == 1
    model = LSTM(values.shape[2], 1 if binary else labels.shape[1])
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe["learning_rate"], weight_decay=recipe["weight_decay"])
    order, generator = torch.empty(0, dtype=torch.long), torch.Generator().manual_seed(seed)
    size = min(len(values), recipe["batch_size"])
    for _ in range(recipe["steps"]):
        if len(order) < size:
            order = torch.randperm(len(values), generator=generator)
        batch, order = order[:size], order[size:]
        shown = values[batch]
        if noise := recipe.get("noise"):
            shown = shown + noise * torch.randn_like(shown)
        logits = model(shown)
        loss = (functional.binary_cross_entropy_with_logits if binary else functional.cross_entropy)(
            logits, labels[batch]
        )
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return model


@torch.no_grad()
def risks(ensemble: list[LSTM], values: Tensor, calibration: dict[str, Any]) -> Tensor:
    """The mean logit of the networks, made a risk by slope and intercept: without these it would be on no scale."""
    logits = torch.stack([torch.cat([model(part) for part in torch.split(values, 512)]) for model in ensemble]).mean(0)
    scaled = calibration["slope"] * logits + torch.tensor(calibration["intercept"])
    return torch.sigmoid(scaled) if logits.ndim == 1 else torch.softmax(scaled, 1)


def auc(labels: Tensor, risk: Tensor) -> float:
    """The chance that a patient with the event gets a higher risk than one without; of classes, the mean over them."""
    if labels.ndim == 2:
        return sum(auc(*column) for column in zip(labels.T, risk.T, strict=True)) / labels.shape[1]
    cases, others = risk[labels == 1], risk[labels == 0]
    if not len(cases) or not len(others):
        raise SystemExit("no AUC: the labelled records are all of one outcome")
    ordered = others.sort().values
    below = torch.searchsorted(ordered, cases) + torch.searchsorted(ordered, cases, right=True)
    return float(below.double().mean() / 2 / len(others))


def main() -> None:
    """Train, save, and score where there is something to score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=Path, help="safetensors with values and labels, to score")
    parser.add_argument("--out", type=Path, default=Path("model.safetensors"), help="where to save the model")
    arguments = parser.parse_args()

    recipes = json.loads((BUNDLE / "recipe.json").read_text(encoding="utf-8"))
    recipe = recipes["families"].get(FAMILY, recipes["other"])
    condensed = load_file(BUNDLE / "condensed.safetensors")
    values, labels = condensed["values"], condensed["labels"]
    ensemble = [trained(values, labels, recipe, seed) for seed in range(recipes["ensemble"])]
    tensors = {f"{seed}.{name}": t for seed, model in enumerate(ensemble) for name, t in model.state_dict().items()}
    save_file(tensors, arguments.out, {"calibration": json.dumps(recipe["calibration"])})
    print(f"{len(ensemble)} networks, {recipe['steps']} steps each on {len(values)} records: {arguments.out}")

    if arguments.records:
        given = load_file(arguments.records)
        if "labels" not in given:
            raise SystemExit(f"{arguments.records} has no labels: outcomes are needed to score")
        known = ~torch.isnan(given["labels"].reshape(len(given["labels"]), -1)[:, 0])
        reached = auc(given["labels"][known], risks(ensemble, given["values"][known], recipe["calibration"]))
        print(f"AUC {reached:.3f} on {int(known.sum())} labelled records")


if __name__ == "__main__":
    main()
