"""The feed-forward part of a transformer block."""

from __future__ import annotations

from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from gen3d.nn.attention import zero_

Gelu = Literal["exact", "tanh"]


def make_gelu(kind: Gelu) -> nn.GELU:
    """Return GELU in its exact form or its tanh approximation (faster on the CPU)."""
    return nn.GELU(approximate="tanh" if kind == "tanh" else "none")


class MLP(nn.Module):
    """Linear, GELU, Linear.

    Args:
        width: Channels in and out.
        ratio: Hidden channels over ``width``.
        gelu: Which GELU.
        zero_init: Start the second layer at zero, so that a residual block starts as identity.
    """

    row_chunks: ClassVar[dict[str, int]] = {"fc_in.weight": 1, "fc_out.weight": 1}

    def __init__(
        self, width: int, *, ratio: float = 4.0, gelu: Gelu = "exact", zero_init: bool = False
    ) -> None:
        super().__init__()
        hidden = round(width * ratio)
        self.fc_in = nn.Linear(width, hidden)
        self.act = make_gelu(gelu)
        self.fc_out = nn.Linear(hidden, width)
        if zero_init:
            zero_(self.fc_out)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Map every token by itself."""
        return self.fc_out(self.act(self.fc_in(x)))
