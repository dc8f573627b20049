"""Recurrences that can be differentiated twice at a few operations a step, where autograd would take dozens.

What is this small (a network or two, some twenty records, 48 units) costs by the number of operations more than by
their size. So loops over time hold only what has to wait for the step before, all else is done for all steps at once,
and derivatives are written out: the gradient by back-propagation through time, and the gradient's own by following a
direction through it (Pearlmutter 1994, Neural Computation 6:147). A Hessian is symmetric, so its product with a vector
from the left is the derivative of the gradient along that vector: one more pass forward and one more back.

All tensors lie with time in front: drive ``(n_steps, k, n, width)``, recurrent weights ``(k, units, width)``.
"""

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def rnn(drive: Tensor, recurrent: Tensor) -> Tensor:
    """The last state ``(k, n, units)`` of ``state = tanh(drive + state @ recurrent)``, from 0."""
    return cast(Tensor, _RNN.apply(drive, recurrent))  # type: ignore[no-untyped-call]


def lstm(drive: Tensor, recurrent: Tensor) -> Tensor:
    """The last state ``(k, n, units)`` of a long short-term memory, from 0; gates: output, forget, input, cell."""
    return cast(Tensor, _LSTM.apply(drive, recurrent))  # type: ignore[no-untyped-call]


class _RNN(Function):
    @staticmethod
    def forward(ctx: Any, drive: Tensor, recurrent: Tensor) -> Tensor:
        states = _with_start(drive)
        for now, before, state in zip(drive.unbind(), states.unbind(), states[1:].unbind(), strict=False):
            torch.baddbmm(now, before, recurrent, out=state).tanh_()
        ctx.save_for_backward(drive, recurrent, states)
        return states[-1].clone()

    @staticmethod
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor, Tensor]:
        return cast(tuple[Tensor, Tensor], _RNNGradient.apply(*ctx.saved_tensors, back))  # type: ignore[no-untyped-call]


class _RNNGradient(Function):
    """The gradient of ``(back * last state).sum()`` with regard to drive and recurrent weights."""

    @staticmethod
    def forward(ctx: Any, drive: Tensor, recurrent: Tensor, states: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
        slope = 1 - states[1:].square()
        inner, outer = torch.empty_like(slope), torch.empty_like(slope)  # adjoints before and after tanh
        turned = _turned(recurrent)
        outer[-1] = back
        steps = list(zip(slope.unbind(), inner.unbind(), outer.unbind(), strict=True))
        for place in range(len(steps) - 1, -1, -1):
            its_slope, its_inner, its_outer = steps[place]
            torch.mul(its_outer, its_slope, out=its_inner)
            if place:
                torch.bmm(its_inner, turned, out=steps[place - 1][2])
        ctx.save_for_backward(recurrent, states, slope, inner, outer)
        return inner, _over_time(states[:-1], inner)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, along_drive: Tensor, along_recurrent: Tensor) -> tuple[Tensor, Tensor, None, Tensor]:
        recurrent, states, slope, inner, outer = ctx.saved_tensors
        moved = _with_start(slope)
        start = _through(states[:-1], along_recurrent).add_(along_drive)
        for now, before, its_slope, state in zip(
            start.unbind(), moved.unbind(), slope.unbind(), moved[1:].unbind(), strict=False
        ):
            torch.baddbmm(now, before, recurrent, out=state).mul_(its_slope)
        bent = (states[1:] * moved[1:]).mul_(outer).mul_(-2)
        onward, turned = _through(inner, _turned(along_recurrent)), _turned(recurrent)
        back = torch.zeros_like(bent[0])
        for now, its_slope, its_onward in reversed(
            list(zip(bent.unbind(), slope.unbind(), onward.unbind(), strict=True))
        ):
            now.addcmul_(back, its_slope)
            back = torch.baddbmm(its_onward, now, turned)
        return bent, _over_time(states[:-1], bent) + _over_time(moved[:-1], inner), None, moved[-1]


class _LSTM(Function):
    @staticmethod
    def forward(ctx: Any, drive: Tensor, recurrent: Tensor) -> Tensor:
        units = recurrent.shape[1]
        gates, squashed = torch.empty_like(drive), torch.empty_like(drive[..., :units])
        states, cells = _with_start(squashed), _with_start(squashed)
        for now, its_gates, sigmoids, emit, keep, admit, candidate, cell_before, cell, flat, before, state in zip(
            drive.unbind(), gates.unbind(), gates[..., : 3 * units].unbind(), *_steps(_by_gate(gates)),
            cells.unbind(), cells[1:].unbind(), squashed.unbind(), states.unbind(), states[1:].unbind(), strict=False,
        ):  # fmt: skip
            torch.baddbmm(now, before, recurrent, out=its_gates)
            sigmoids.sigmoid_()
            candidate.tanh_()
            torch.mul(admit, candidate, out=cell).addcmul_(keep, cell_before)
            torch.tanh(cell, out=flat)
            torch.mul(emit, flat, out=state)
        ctx.save_for_backward(drive, recurrent, gates, squashed, states, cells)
        return states[-1].clone()

    @staticmethod
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor, Tensor]:
        return cast(tuple[Tensor, Tensor], _LSTMGradient.apply(*ctx.saved_tensors, back))  # type: ignore[no-untyped-call]


class _LSTMGradient(Function):
    """The gradient of ``(back * last state).sum()`` with regard to drive and recurrent weights.

    ``pull``: what a gate's input does to the state (output gate) or to the cell (the others); ``carry``: what the cell
    does to the state. ``of_state``, ``of_cell``, ``of_gates``: adjoints.
    """

    @staticmethod
    def forward(
        ctx: Any, drive: Tensor, recurrent: Tensor, gates: Tensor, squashed: Tensor, states: Tensor, cells: Tensor,
        back: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        shaped = _by_gate(gates)
        emit, keep, admit, candidate = shaped.unbind(-2)
        slope = _slopes(shaped)
        pull = torch.stack([squashed, cells[:-1], candidate, admit], dim=-2).mul_(slope)
        carry = emit * (1 - squashed.square())
        of_gates, of_state, of_cell = torch.empty_like(gates), _with_start(carry), torch.empty_like(carry)
        turned = _turned(recurrent)
        of_state[-1] = back
        later = torch.zeros_like(back)
        steps = zip(
            *_split(pull), *_split(_by_gate(of_gates)), of_gates.unbind(), carry.unbind(), keep.unbind(),
            of_cell.unbind(), of_cell.unsqueeze(-2).unbind(), of_state.unbind(), of_state[1:].unbind(), strict=False,
        )  # fmt: skip
        for (
            emit_pull,
            cell_pull,
            of_emit,
            of_others,
            of_all,
            its_carry,
            its_keep,
            cell,
            wide,
            before,
            state,
        ) in reversed(list(steps)):
            torch.addcmul(later, state, its_carry, out=cell)
            torch.mul(state, emit_pull, out=of_emit)
            torch.mul(wide, cell_pull, out=of_others)
            torch.bmm(of_all, turned, out=before)
            later = cell * its_keep
        ctx.save_for_backward(
            recurrent, shaped, squashed, states, cells, slope, pull, carry, of_gates, of_state[1:], of_cell
        )
        return of_gates, _over_time(states[:-1], of_gates)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, along_drive: Tensor, along_recurrent: Tensor
    ) -> tuple[Tensor, Tensor, None, None, None, None, Tensor]:
        recurrent, shaped, squashed, states, cells, slope, pull, carry, of_gates, of_state, of_cell = ctx.saved_tensors
        emit, keep, admit, candidate = shaped.unbind(-2)

        # The direction, forward
        inputs, pulled = torch.empty_like(along_drive), torch.empty_like(pull)
        moved_states, moved_cells = _with_start(carry), _with_start(carry)
        start = _through(states[:-1], along_recurrent).add_(along_drive)
        for now, its_input, by_gate, its_pull, result, emitted, others, its_carry, its_keep, *around in zip(
            start.unbind(), inputs.unbind(), _by_gate(inputs).unbind(), pull.unbind(), pulled.unbind(), *_split(pulled),
            carry.unbind(), keep.unbind(), moved_states.unbind(), moved_states[1:].unbind(),
            moved_cells.unbind(), moved_cells[1:].unbind(), strict=False,
        ):  # fmt: skip
            before, state, cell_before, cell = around
            torch.baddbmm(now, before, recurrent, out=its_input)
            torch.mul(by_gate, its_pull, out=result)
            torch.sum(others, dim=-2, out=cell).addcmul_(its_keep, cell_before)
            torch.addcmul(emitted, its_carry, cell, out=state)

        # How it moves what the gradient is made of
        moved_gates = _by_gate(inputs) * slope
        moved_emit, moved_keep, moved_admit, moved_candidate = moved_gates.unbind(-2)
        open_ = 1 - squashed.square()
        moved_squashed = open_ * moved_cells[1:]
        bend = moved_gates * -2
        bend[..., :3, :].mul_(shaped[..., :3, :]).add_(moved_gates[..., :3, :])
        bend[..., 3, :].mul_(candidate)
        moved_pull = torch.stack([moved_squashed, moved_cells[:-1], moved_candidate, moved_admit], dim=-2).mul_(slope)
        moved_pull.addcmul_(torch.stack([squashed, cells[:-1], candidate, admit], dim=-2), bend)
        moved_carry = (moved_emit * open_).addcmul_(emit * squashed, moved_squashed, value=-2)

        # The gradient, moved, back
        of_cells = of_state * moved_carry
        of_cells[:-1].addcmul_(moved_keep[1:], of_cell[1:])
        result = moved_pull.mul_(torch.stack([of_state, of_cell, of_cell, of_cell], dim=-2))
        flat = result.flatten(-2)
        onward, turned = _through(of_gates, _turned(along_recurrent)), _turned(recurrent)
        state, later = torch.zeros_like(carry[0]), torch.zeros_like(carry[0])
        steps = zip(
            *_split(pull), *_split(result), flat.unbind(), of_cells.unbind(), of_cells.unsqueeze(-2).unbind(),
            carry.unbind(), keep.unbind(), onward.unbind(), strict=True,
        )  # fmt: skip
        for emit_pull, cell_pull, of_emit, of_others, of_all, cell, wide, its_carry, its_keep, its_onward in reversed(
            list(steps)
        ):
            cell.addcmul_(state, its_carry).add_(later)
            of_emit.addcmul_(state, emit_pull)
            of_others.addcmul_(wide, cell_pull)
            state, later = torch.baddbmm(its_onward, of_all, turned), cell * its_keep
        of_recurrent = _over_time(states[:-1], flat) + _over_time(moved_states[:-1], of_gates)
        return flat, of_recurrent, None, None, None, None, moved_states[-1]


def _by_gate(gates: Tensor) -> Tensor:
    return gates.view(*gates.shape[:-1], 4, -1)


def _steps(gates: Tensor) -> list[tuple[Tensor, ...]]:
    """Each of the four gates, step by step. Views are made all at once: one by one they cost as much as a product."""
    return [gate.unbind() for gate in gates.unbind(-2)]


def _split(gates: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The output gate, and the three others, step by step."""
    return gates[..., 0, :].unbind(), gates[..., 1:, :].unbind()


def _turned(weights: Tensor) -> Tensor:
    """Transposed in memory, too: products with a mere view take three times as long."""
    return weights.transpose(1, 2).contiguous()


def _slopes(gates: Tensor) -> Tensor:
    """The slope of each gate at its value: three sigmoids and a hyperbolic tangent, ``(..., 4, units)``."""
    slope = gates.square().neg_()
    slope[..., :3, :].add_(gates[..., :3, :])
    slope[..., 3, :].add_(1)
    return slope


def _with_start(like: Tensor) -> Tensor:
    """Room for what follows each step of ``like``, behind a first of 0."""
    room = like.new_empty(len(like) + 1, *like.shape[1:])
    room[0] = 0
    return room


def _over_time(left: Tensor, right: Tensor) -> Tensor:
    """Sum over steps and records of outer products: ``(k, left width, right width)``."""
    return torch.bmm(_by_network(left).transpose(1, 2), _by_network(right))


def _through(values: Tensor, weights: Tensor) -> Tensor:
    """``values`` ``(n_steps, k, n, width)`` through ``weights`` ``(k, width, n_out)``, time in front again."""
    n_steps, k, n, _ = values.shape
    result = torch.bmm(_by_network(values), weights)
    return result.view(k, n_steps, n, -1).transpose(0, 1).contiguous()


def _by_network(values: Tensor) -> Tensor:
    return values.transpose(0, 1).flatten(1, 2)
