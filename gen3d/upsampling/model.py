"""What all upsampling networks have in common, and the border to the published ones' time."""

from __future__ import annotations

from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor, nn

from gen3d.upsampling.pointnet import PUFMNet
from gen3d.upsampling.rin import RIN

Core: TypeAlias = RIN | PUFMNet
"""Networks whose forward takes ``(x, t, latent)`` and returns velocity and latent."""


class ReversedTime(nn.Module):
    """A network of PUFM's convention in ours.

    There t runs from 0, the interpolated cloud, to 1, the data, and the velocity points to the
    data; here t = 1 is where sampling starts, t = 0 the data, and ``v = dx/dt``.

    Args:
        core: The network as it was published.
    """

    def __init__(self, core: Core) -> None:
        super().__init__()
        self.core = core

    def forward(
        self,
        x: Float[Tensor, "batch n 3"],
        t: Float[Tensor, " batch"],
        latent: Float[Tensor, "batch m d"] | None = None,
    ) -> tuple[Float[Tensor, "batch n 3"], Float[Tensor, "batch m d"] | None]:
        """Ask at ``1 - t`` and turn the answer round; the latent is handed on."""
        velocity, latent = self.core(x, 1 - t, latent)
        return -velocity, latent


VelocityNetwork: TypeAlias = RIN | PUFMNet | ReversedTime
