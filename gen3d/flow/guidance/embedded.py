"""Guidance that the network has learnt to do itself, in one evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.flow.conditions import Condition
from gen3d.flow.fields import Network
from gen3d.flow.guidance.rule import Guidance
from gen3d.flow.reduce import Reducer


@dataclass(frozen=True)
class WithWeight:
    """A condition and the guidance weight to be embedded beside it.

    Attributes:
        cond: The condition.
        weight: One per sample.
    """

    cond: Condition
    weight: Float[Tensor, " batch"]


class GuidedNetwork(Protocol):
    """A guidance-distilled network, which takes the weight as a fourth argument."""

    def __call__(
        self,
        x: Float[Tensor, "*shape"],
        t: Float[Tensor, " batch"],
        cond: Condition,
        weight: Float[Tensor, " batch"],
        /,
    ) -> Float[Tensor, "*shape"]:
        """Predict at ``(x, t)`` under guidance."""
        ...


@dataclass(frozen=True)
class EmbeddedGuidance(Guidance):
    """Passes the weight to the network, which was distilled to answer with the guided velocity.

    Meng et al. 2022 (arXiv 2210.03142, sec. 3.1); FLUX.1-dev and Hunyuan3D-2's fast models work so.
    One evaluation per step. The field's network is a guided one behind `embedded_network`.

    Args:
        weight: w, one for all or a tensor with one per sample.
    """

    weight: float | Float[Tensor, " batch"]

    def active(self, t: float) -> bool:
        """Never: there is no unconditional branch."""
        return False

    def condition(
        self, cond: Condition, x: Float[Tensor, "*shape"], reducer: Reducer
    ) -> WithWeight:
        """Put the weight beside the condition."""
        weight = torch.as_tensor(self.weight, dtype=x.dtype, device=x.device)
        return WithWeight(cond, weight.expand(reducer.batch_size(x)))

    def combine(
        self,
        v_cond: Float[Tensor, "*shape"],
        v_uncond: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        t: float,
        reducer: Reducer,
    ) -> Float[Tensor, "*shape"]:
        """Return the conditional velocity, which is guided already."""
        return v_cond


def embedded_network(network: GuidedNetwork) -> Network:
    """Make a guided network one that a `NetworkField` under `EmbeddedGuidance` can ask."""

    def ask(x: Tensor, t: Tensor, cond: WithWeight) -> Tensor:
        return network(x, t, cond.cond, cond.weight)

    return ask
