"""The model to start from that stands in a bundle's README.md."""

from tasks.common.labels import n_classes
from tasks.common.records import CondensedSet
from tasks.networks.recipe import Recipes


def starter(condensed: CondensedSet, recipes: Recipes) -> str:
    """Python that trains an ensemble of LSTMs on the bundle beside it and defines ``risk``; it needs torch only."""
    _, steps, features = condensed.values.shape
    lstm, classes = recipes.of("lstm_beta"), n_classes(condensed.labels)
    slope, intercept = lstm.calibration.slope, lstm.calibration.intercept
    if isinstance(intercept, float):
        outputs, squeezed, loss = 1, ".squeeze(1)", "binary_cross_entropy_with_logits"
        risk = f"torch.sigmoid({slope:g} * logits + {intercept:g})"
    else:
        outputs, squeezed, loss = classes, "", "cross_entropy"
        offsets = ", ".join(f"{one:g}" for one in intercept)
        risk = f"torch.softmax({slope:g} * logits + torch.tensor([{offsets}]), 1)"
    return f"""import torch
from safetensors.torch import load_file

data = load_file("condensed.safetensors")  # values, labels


class LSTM(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.LSTM({features}, 128, batch_first=True)
        self.read_out = torch.nn.Linear(128, {outputs})

    def forward(self, values):
        return self.read_out(self.layer(values)[0][:, -1]){squeezed}


def trained(seed):
    torch.manual_seed(seed)
    model = LSTM()
    optimiser = torch.optim.Adam(model.parameters(), lr={lstm.learning_rate:g})
    for _ in range({lstm.steps}):
        loss = torch.nn.functional.{loss}(model(data["values"]), data["labels"])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


ensemble = [trained(seed) for seed in range({recipes.ensemble})]


def risk(values):  # (patients, {steps}, {features}), normalised
    with torch.no_grad():
        logits = torch.stack([model(values) for model in ensemble]).mean(0)
    return {risk}
"""
