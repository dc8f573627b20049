"""Mean 0 and variance 1 with first and second derivatives written out, where autograd takes dozens of operations.

With ``y = (x - mean) r`` and ``r = 1 / sqrt(variance + EPSILON)``, the Jacobian is ``J = r (1 - P - y y' / n)``: P
takes the mean. It is symmetric, so one function is the gradient and, applied to a direction, half of its own.
"""

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

EPSILON = 1e-5  # under the root of a variance


def standardised(values: Tensor, dims: tuple[int, ...]) -> Tensor:
    """``values`` with mean 0 and variance 1 over ``dims``. Can be differentiated twice."""
    return cast(Tensor, _Standardise.apply(values, dims))  # type: ignore[no-untyped-call]


class _Standardise(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, dims: tuple[int, ...]) -> Tensor:
        result = values - values.mean(dims, keepdim=True)
        width = result.square().mean(dims, keepdim=True).add_(EPSILON).rsqrt_()
        result.mul_(width)
        ctx.dims = dims
        ctx.save_for_backward(values, result, width)
        return result

    @staticmethod
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor, None]:
        return cast(Tensor, _Gradient.apply(*ctx.saved_tensors, back, ctx.dims)), None  # type: ignore[no-untyped-call]


class _Gradient(Function):
    """``J back``, as a function of the values and of ``back``."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, result: Tensor, width: Tensor, back: Tensor, dims: tuple[int, ...]) -> Tensor:
        centred, share = _parts(back, result, dims)
        ctx.dims = dims
        ctx.save_for_backward(result, width, centred, share)
        return torch.addcmul(centred, result, share, value=-1).mul_(width)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, along: Tensor) -> tuple[Tensor, None, None, Tensor, None]:
        result, width, centred, share = ctx.saved_tensors
        moved, its_share = _parts(along, result, ctx.dims)
        both = (moved * centred).mean(ctx.dims, keepdim=True)
        of_back = torch.addcmul(moved, result, its_share, value=-1).mul_(width)
        of_values = (moved * share).addcmul_(centred, its_share).addcmul_(result, both - 3 * share * its_share)
        return of_values.mul_(-width.square()), None, None, of_back, None


def _parts(direction: Tensor, result: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """``direction`` less its mean, and the mean of its product with ``result``."""
    return direction - direction.mean(dims, keepdim=True), (direction * result).mean(dims, keepdim=True)
