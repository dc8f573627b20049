"""Small random networks of one family, many at once: every operation is batched over ``k`` networks.

The ``k`` networks of a family are one tensor of parameters ``(k, n_parameters)``, so that an optimiser step is a few
operations whatever the architecture, and all of it can be differentiated twice. These networks are smaller than, and
none is, a downstream network of ``recondense/models/networks/``: what is learned through them must hold for others.
Dropout is left out: its noise would only blur the gradient that condensation follows.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from recondense.condensation.methods._recurrence import lstm, rnn
from recondense.condensation.methods._standardise import EPSILON, standardised
from recondense.models import loss

Statistics = dict[str, tuple[Tensor, Tensor]]
LEAK = 0.25  # where a parametric rectifier begins


@dataclass(frozen=True)
class Weight:
    """One weight of a network: its shape, and its initial values, ``constant`` or uniform in +-1/sqrt(``fan_in``)."""

    shape: tuple[int, ...]
    fan_in: int | None = None
    constant: float = 0.0


class Family(ABC):
    """One architecture for records of ``n_features`` features, any number of steps, and ``n_classes``."""

    def __init__(self, n_features: int, n_classes: int = 2) -> None:
        self.n_classes = n_classes
        self.weights = self._weights(n_features, loss.n_outputs(n_classes))

    @abstractmethod
    def _weights(self, n_features: int, n_outputs: int) -> dict[str, Weight]:
        """The weights by name, in the order in which they lie in the tensor of parameters."""

    @abstractmethod
    def _logits(self, weights: dict[str, Tensor], values: Tensor, normalise: "Normalise") -> Tensor:
        """Logits ``(k, n, n_outputs)`` of ``values`` ``(k or 1, n, n_steps, n_features)``; each weight has ``k`` in
        front."""

    def initialise(self, k: int, generator: torch.Generator, device: torch.device) -> Tensor:
        """Parameters ``(k, n_parameters)`` of ``k`` untrained networks, drawn as torch's own layers draw theirs.

        They are drawn on the CPU, so that a seed gives the same networks on every device.
        """
        parts = []
        for weight in self.weights.values():
            shape = (k, math.prod(weight.shape))
            if weight.fan_in is None:
                parts.append(torch.full(shape, weight.constant))
            else:
                parts.append((2 * torch.rand(shape, generator=generator) - 1) / math.sqrt(weight.fan_in))
        return torch.cat(parts, dim=1).to(device)

    def __call__(self, parameters: Tensor, values: Tensor, statistics: Statistics | None = None) -> Tensor:
        """Logits ``(k, n)`` of ``values`` ``(k or 1, n, n_steps, n_features)``; ``(k, n, n_classes)`` where there are
        more than two.

        Batch norm uses the batch's own statistics and notes them in ``statistics`` where that is empty; where it
        already holds those of an earlier batch, it uses them.
        """
        sizes = [math.prod(weight.shape) for weight in self.weights.values()]
        weights = {
            name: part.view(-1, *weight.shape)
            for (name, weight), part in zip(self.weights.items(), torch.split(parameters, sizes, dim=1), strict=True)
        }
        logits = self._logits(weights, values, Normalise(statistics))
        return logits.squeeze(2)


@dataclass
class Normalise:
    """Batch norm over records and steps: with the batch's own statistics, or with given ones."""

    statistics: Statistics | None
    given: bool = field(init=False)

    def __post_init__(self) -> None:
        self.given = bool(self.statistics)

    def __call__(self, name: str, hidden: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """``hidden`` ``(k, n, n_steps, channels)`` with mean 0 and variance 1, then times ``scale`` plus ``shift``."""
        if self.statistics is None:
            return torch.addcmul(shift, standardised(hidden, (1, 2)), scale)
        if not self.given:
            mean = hidden.mean(dim=(1, 2), keepdim=True)
            self.statistics[name] = mean, (hidden - mean).square().mean(dim=(1, 2), keepdim=True)
        mean, variance = self.statistics[name]
        return torch.addcmul(shift, hidden - mean, scale * torch.rsqrt(variance + EPSILON))


def _linear(hidden: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``hidden`` ``(k or 1, ..., n_in)`` through ``weight`` ``(k, n_in, n_out)`` and ``bias`` ``(k, n_out)``."""
    flat = hidden.flatten(1, -2).expand(len(weight), -1, -1)
    result = torch.bmm(flat, weight) if bias is None else torch.baddbmm(bias[:, None], flat, weight)
    return result.view(len(weight), *hidden.shape[1:-1], weight.shape[-1])


class RNN(Family):
    """An Elman network, read out at its last state."""

    units = 48

    def _weights(self, n_features: int, n_outputs: int) -> dict[str, Weight]:
        n = self.units
        return {
            "input": Weight((n_features, n), n),
            "bias": Weight((n,), n),
            "recurrent": Weight((n, n), n),
            "read_out": Weight((n, n_outputs), n),
            "read_out_bias": Weight((n_outputs,), n),
        }

    def _logits(self, weights: dict[str, Tensor], values: Tensor, normalise: Normalise) -> Tensor:
        state = rnn(_drive(values, weights), weights["recurrent"])
        return _linear(state, weights["read_out"], weights["read_out_bias"])


class LSTM(Family):
    """A long short-term memory, read out at its last state."""

    units = 48

    def _weights(self, n_features: int, n_outputs: int) -> dict[str, Weight]:
        n = self.units
        return {
            "input": Weight((n_features, 4 * n), n),
            "bias": Weight((4 * n,), n),
            "recurrent": Weight((n, 4 * n), n),
            "read_out": Weight((n, n_outputs), n),
            "read_out_bias": Weight((n_outputs,), n),
        }

    def _logits(self, weights: dict[str, Tensor], values: Tensor, normalise: Normalise) -> Tensor:
        state = lstm(_drive(values, weights), weights["recurrent"])
        return _linear(state, weights["read_out"], weights["read_out_bias"])


def _drive(values: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """What drives a recurrence, ``(n_steps, k, n, width)``."""
    return _linear(values.transpose(1, 2), weights["input"], weights["bias"]).transpose(0, 1).contiguous()


class TCN(Family):
    """Two residual blocks of two dilated convolutions with batch norm, averaged over steps."""

    channels = 32
    kernel = 3
    n_blocks = 2

    def _weights(self, n_features: int, n_outputs: int) -> dict[str, Weight]:
        n = self.channels
        weights: dict[str, Weight] = {}
        for block in range(self.n_blocks):
            n_in = n if block else n_features
            for layer in range(2):
                fan_in = self.kernel * (n if layer else n_in)
                weights[f"convolution_{block}{layer}"] = Weight((fan_in, n), fan_in)
                weights[f"scale_{block}{layer}"] = Weight((n,), constant=1.0)
                weights[f"shift_{block}{layer}"] = Weight((n,), constant=0.0)
            if not block:
                weights["shortcut"] = Weight((n_in, n), n_in)
                weights["shortcut_bias"] = Weight((n,), n_in)
        return {**weights, "read_out": Weight((n, n_outputs), n), "read_out_bias": Weight((n_outputs,), n)}

    def _logits(self, weights: dict[str, Tensor], values: Tensor, normalise: Normalise) -> Tensor:
        def of(name: str) -> Tensor:
            return weights[name][:, None, None]

        hidden = values
        for block in range(self.n_blocks):
            inner, reach = hidden, 2**block
            for layer in range(2):
                name = f"{block}{layer}"
                taps = self._taps(inner, reach)
                inner = _linear(taps, weights[f"convolution_{name}"])
                inner = normalise(name, inner, of(f"scale_{name}"), of(f"shift_{name}"))
                inner = functional.leaky_relu(inner, LEAK)
            shortcut = hidden if block else _linear(hidden, weights["shortcut"], weights["shortcut_bias"])
            hidden = functional.leaky_relu(inner + shortcut, LEAK)
        return _linear(hidden.mean(2), weights["read_out"], weights["read_out_bias"])

    def _taps(self, hidden: Tensor, reach: int) -> Tensor:
        """What each step's kernel sees, ``reach`` steps apart: ``(k, n, n_steps, kernel * channels)``."""
        n_steps, side = hidden.shape[2], reach * (self.kernel // 2)
        padded = functional.pad(hidden, (0, 0, side, side))
        return torch.cat([padded[:, :, tap * reach : tap * reach + n_steps] for tap in range(self.kernel)], dim=-1)


class Attention(Family):
    """Two pre-norm transformer blocks whose tokens are the steps, averaged over them, and a head."""

    heads = 4
    head_width = 16
    mlp = 16
    head = 64
    n_blocks = 2

    def _weights(self, n_features: int, n_outputs: int) -> dict[str, Weight]:
        n, inner = n_features, self.heads * self.head_width
        weights: dict[str, Weight] = {}
        for block in range(self.n_blocks):
            weights |= {
                f"norm_{block}": Weight((n,), constant=1.0),
                f"norm_bias_{block}": Weight((n,)),
                f"project_{block}": Weight((n, 3 * inner), n),
                f"merge_{block}": Weight((inner, n), inner),
                f"merge_bias_{block}": Weight((n,), inner),
                f"norm_mlp_{block}": Weight((n,), constant=1.0),
                f"norm_mlp_bias_{block}": Weight((n,)),
                f"mlp_in_{block}": Weight((n, self.mlp), n),
                f"mlp_in_bias_{block}": Weight((self.mlp,), n),
                f"mlp_out_{block}": Weight((self.mlp, n), self.mlp),
                f"mlp_out_bias_{block}": Weight((n,), self.mlp),
            }
        return {
            **weights,
            "norm": Weight((n,), constant=1.0),
            "norm_bias": Weight((n,)),
            "head": Weight((n, self.head), n),
            "head_bias": Weight((self.head,), n),
            "read_out": Weight((self.head, n_outputs), self.head),
            "read_out_bias": Weight((n_outputs,), self.head),
        }

    def _logits(self, weights: dict[str, Tensor], values: Tensor, normalise: Normalise) -> Tensor:
        def norm(hidden: Tensor, name: str, bias: str) -> Tensor:
            extra = [None] * (hidden.dim() - 2)
            scale, shift = (weights[each][(slice(None), *extra)] for each in (name, bias))
            return torch.addcmul(shift, standardised(hidden, (-1,)), scale)

        hidden = values
        for block in range(self.n_blocks):
            seen = norm(hidden, f"norm_{block}", f"norm_bias_{block}")
            mixed = self._attend(_linear(seen, weights[f"project_{block}"]))
            hidden = hidden + _linear(mixed, weights[f"merge_{block}"], weights[f"merge_bias_{block}"])
            seen = norm(hidden, f"norm_mlp_{block}", f"norm_mlp_bias_{block}")
            inner = functional.gelu(_linear(seen, weights[f"mlp_in_{block}"], weights[f"mlp_in_bias_{block}"]))
            hidden = hidden + _linear(inner, weights[f"mlp_out_{block}"], weights[f"mlp_out_bias_{block}"])
        read = functional.gelu(
            _linear(norm(hidden.mean(2), "norm", "norm_bias"), weights["head"], weights["head_bias"])
        )
        return _linear(read, weights["read_out"], weights["read_out_bias"])

    def _attend(self, projected: Tensor) -> Tensor:
        """Attention written out, since torch's fused one cannot be differentiated twice."""
        k, n, n_steps, _ = projected.shape
        parts = projected.view(k * n, n_steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = parts.reshape(3, -1, n_steps, self.head_width).unbind()
        weights = torch.softmax(torch.bmm(query * self.head_width**-0.5, key.transpose(1, 2)), dim=-1)
        mixed = torch.bmm(weights, value).view(k * n, self.heads, n_steps, -1).transpose(1, 2)
        return mixed.reshape(k, n, n_steps, -1)


FAMILIES: dict[str, type[Family]] = {"rnn": RNN, "lstm": LSTM, "tcn": TCN, "attention": Attention}
