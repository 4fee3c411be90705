"""Published flow networks as fields, with the exact short cuts of their unconditional branches.

All published networks were trained with zeros for "no image". That branch has cheaper forms:

- 2.0, mini, mv: zero tokens have no position, so they are equal on entry and stay equal through
  every block. One token whose attention logits gain ``ln n`` stands for n of them.
- 2.1: keys and values are linear without bias, so zero tokens give zero values, and each
  cross-attention is the bias of its output. Keys and values of the image are the same in all steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.flow import Field, Flip, NetworkField
from gen3d.vecset.dit import Condition, ShapeDiT
from gen3d.vecset.plain_dit import PlainContext, PlainDiT

_MOST_COPIES = 16
_BIAS_ERROR = 1e-4


@dataclass(frozen=True)
class Branches:
    """The two conditions of guided sampling.

    Attributes:
        cond: With the image.
        uncond: Without.
        apart: They do not stack: see :class:`gen3d.flow.Guided`.
    """

    cond: Condition | PlainContext
    uncond: Condition | PlainContext
    apart: bool


def flow_branches(
    dit: ShapeDiT | PlainDiT,
    tokens: Float[Tensor, "batch tokens channels"],
    *,
    shortcuts: bool = True,
) -> Branches:
    """Return the conditions for image tokens.

    Args:
        dit: The network.
        tokens: Of the images; moved to the network's device and dtype.
        shortcuts: Use the short cuts; without, both branches go through the network in full, which
            is slower and equal: the oracle.
    """
    tokens = tokens.to(dit.latent_in.weight)
    cond = Condition(tokens)
    if not shortcuts:
        return Branches(cond, Condition(torch.zeros_like(tokens)), apart=False)
    if isinstance(dit, PlainDiT):
        with torch.no_grad():
            full = Condition(torch.zeros_like(tokens))
            uncond = dit.prepare(full) if dit.config.qkv_bias else dit.unconditional()
            return Branches(dit.prepare(cond), uncond, apart=True)
    return Branches(cond, collapsed(tokens), apart=True)


def collapsed(tokens: Float[Tensor, "batch tokens channels"]) -> Condition:
    """Return the unconditional branch for as many zero tokens, with the fewest of them.

    One token does in float32. In a narrower dtype ``ln n`` is rounded, up to 1.6 % of n in bf16;
    then r tokens with ``ln(n / r)`` stand in, for an r whose logarithm is nearly whole in that
    dtype.
    """
    count, dtype = tokens.shape[1], tokens.dtype
    best, least = 1, math.inf
    for copies in range(1, min(count, _MOST_COPIES) + 1):
        bias = math.log(count / copies)
        error = abs(float(torch.tensor(bias, dtype=dtype)) - bias)
        if error < least:
            best, least = copies, error
        if least < _BIAS_ERROR:
            break
    return Condition(torch.zeros_like(tokens[:, :best]), repeats=count / best)


def flow_field(dit: ShapeDiT | PlainDiT, *, guidance: float | None = None) -> Field:
    """Return a published network as a field in our direction of time.

    Args:
        dit: The network; its own time runs from noise to data.
        guidance: Guidance strength, for networks that take it as an input.
    """

    def network(x: Tensor, t: Tensor, condition: Condition | PlainContext) -> Tensor:
        if isinstance(dit, PlainDiT):
            return dit(x, t, condition)
        strength = None if guidance is None else torch.full_like(t, guidance)
        return dit(x, t, condition, strength)

    return Flip(NetworkField(network, dtype=dit.latent_in.weight.dtype))
