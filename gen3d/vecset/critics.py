"""A critic of latents: small heads on features of the frozen flow network."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen3d.vecset.dit import Condition, ShapeDiT


class LatentCritic(nn.Module):
    """One head for each tapped block; a logit per latent token and head, high for real.

    FlashVDM (arXiv 2503.16302, section 3.2): intermediate features of the pretrained network tell
    real latents from made ones better than a network from scratch would.

    Args:
        width: Channels of the features.
        blocks: Numbers of the single blocks that are tapped.
    """

    def __init__(self, width: int, blocks: tuple[int, ...]) -> None:
        super().__init__()
        self.blocks = blocks
        self.heads = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), _logit(width))
            for _ in blocks
        )

    def forward(
        self, features: Float[Tensor, "heads batch n width"]
    ) -> Float[Tensor, "heads batch n"]:
        """Judge features."""
        pairs = zip(self.heads, features, strict=True)
        return torch.stack([head(part)[..., 0] for head, part in pairs])

    def features(
        self,
        network: ShapeDiT,
        x: Float[Tensor, "batch n latent_dim"],
        t: Float[Tensor, " batch"],
        condition: Condition,
    ) -> Float[Tensor, "heads batch n width"]:
        """Run a frozen network and return its latent tokens after the tapped blocks."""
        kept: list[Tensor] = []

        def keep(block: nn.Module, arguments: tuple[object, ...], joint: Tensor) -> None:
            kept.append(joint[:, -x.shape[1] :])

        taps = [network.single_blocks[i].register_forward_hook(keep) for i in self.blocks]
        try:
            network(x, t, condition)
        finally:
            for tap in taps:
                tap.remove()
        return torch.stack(kept)


def _logit(width: int) -> nn.Linear:
    layer = nn.Linear(width, 1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
