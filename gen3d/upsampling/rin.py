"""The recurrent interface network of PUFM++ (Liu et al. 2025, arXiv 2512.20988).

A few latents read from all points, compute among themselves, and write back (RIN, Jabri et al.
2022, arXiv 2212.11972); the latents of one step can start the next one. Time enters as one more
latent. The published network knows a point by its coordinates alone; ours may see its surroundings.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen3d.nn.blocks import CrossBlock, SelfBlock
from gen3d.nn.mlp import MLP
from gen3d.nn.time_embedding import sinusoidal_embedding
from gen3d.ops.points import farthest_point_sample
from gen3d.upsampling.config import RINConfig
from gen3d.upsampling.local import LocalEmbedding, LocalGeometry, LocalReadout

_EPS = 1e-5
_INIT_STD = 0.02


class PointFeatures(nn.Module):
    """Pointwise layers, each followed by batch norm and ReLU (``GlobalNet`` without its sampling).

    Args:
        widths: Channels after each layer.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels, width in zip((3, *widths), widths, strict=False):
            layers += [nn.Conv1d(channels, width, 1), nn.BatchNorm1d(width), nn.ReLU()]
        self.net = nn.Sequential(*layers)

    def forward(self, x: Float[Tensor, "batch n 3"]) -> Float[Tensor, "batch n width"]:
        """Map every point by itself."""
        return self.net(x.mT).mT


class RINBlock(nn.Module):
    """Latents read points, compute, and write to the points.

    Args:
        config: Sizes.
    """

    def __init__(self, config: RINConfig) -> None:
        super().__init__()
        self.read = _cross_block(config)
        self.compute = nn.ModuleList(
            SelfBlock(
                config.width,
                config.heads,
                mlp_ratio=config.mlp_ratio,
                gelu=config.gelu,
                norm_eps=_EPS,
                qkv_bias=True,
                qk_norm="none",
                zero_init=False,
            )
            for _ in range(config.computes)
        )
        self.write = _cross_block(config)

    def forward(
        self, z: Float[Tensor, "batch m width"], x: Float[Tensor, "batch n width"]
    ) -> tuple[Float[Tensor, "batch m width"], Float[Tensor, "batch n width"]]:
        """Return latents and points."""
        z = self.read(z, self.read.keys_values(x))
        for block in self.compute:
            z = block(z)
        return z, self.write(x, self.write.keys_values(z))


def _cross_block(config: RINConfig) -> CrossBlock:
    return CrossBlock(
        config.width,
        config.heads,
        context_width=config.width,
        mlp_ratio=config.mlp_ratio,
        gelu=config.gelu,
        norm_eps=_EPS,
        qkv_bias=True,
        qk_norm="none",
        zero_init=False,
    )


class RIN(nn.Module):
    """Velocities of a patch's points.

    Args:
        config: Sizes; the defaults are our small model's.

    Example:
        velocity, latent = network(x, torch.ones(len(x)))
        velocity, latent = network(x - 0.5 * velocity, 0.5 * torch.ones(len(x)), latent)
    """

    def __init__(self, config: RINConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.latent_init = nn.Parameter(torch.empty(1, config.latents, width))
        self.global_features: PointFeatures | None = None
        if config.global_widths:
            self.global_features = PointFeatures(config.global_widths)
        self.point_in = nn.Linear(3, width)
        self.point_norm = nn.LayerNorm(width, eps=_EPS)
        self.latent_norm = nn.LayerNorm(width, eps=_EPS)
        ratio, gelu = config.mlp_ratio, config.gelu
        self.time_in = MLP(width, ratio=ratio, gelu=gelu)
        self.latent_in = MLP(width, ratio=ratio, gelu=gelu)
        self.blocks = nn.ModuleList(RINBlock(config) for _ in range(config.blocks))
        self.out_norm = nn.LayerNorm(width, eps=_EPS)
        self.out = nn.Linear(width, 3)
        self.local_in: LocalEmbedding | None = None
        self.local_out: LocalReadout | None = None
        if config.local is not None:
            self.local_in = LocalEmbedding(config.local, width)
            self.local_out = LocalReadout(config.local, width)
        self._initialise()

    def forward(
        self,
        x: Float[Tensor, "batch n 3"],
        t: Float[Tensor, " batch"],
        latent: Float[Tensor, "batch m width"] | None = None,
        *,
        geometry: LocalGeometry | None = None,
    ) -> tuple[Float[Tensor, "batch n 3"], Float[Tensor, "batch m width"]]:
        """Predict the velocity.

        Args:
            x: Patches, centred, in the unit ball.
            t: Their times in [0, 1].
            latent: What the last step returned; None at the first.
            geometry: What :meth:`look` says of ``x``, where it was asked already.

        Returns:
            Velocity, float32, and the latents for the next step; no gradient flows into ``latent``.
        """
        points = self.point_in(x)
        geometry = geometry or self.look(x)
        if geometry is not None and self.local_in is not None:
            points = points + self.local_in(geometry)
        points = self.point_norm(points)
        z = torch.cat([self._latents(x, points), self._time(t)[:, None]], dim=1)
        z = z + self._memory(latent)
        for block in self.blocks:
            z, points = block(z, points)
        points = self.out_norm(points)
        velocity = self.out(points).float()
        if geometry is not None and self.local_out is not None:
            velocity = (velocity + self.local_out(points, geometry)) * geometry.spacing
        return velocity, z

    def look(self, x: Float[Tensor, "batch n 3"]) -> LocalGeometry | None:
        """Measure the surroundings of all points; None if the network does not see them."""
        return None if self.config.local is None else LocalGeometry.of(x, self.config.local)

    def _latents(self, x: Tensor, points: Tensor) -> Tensor:
        """Learned latents, and the features of some points."""
        features = points if self.global_features is None else self.global_features(x)
        picked = features.gather(1, self._picked(x)[..., None].expand(-1, -1, features.shape[-1]))
        learned = self.latent_init.to(picked.dtype).expand(len(x), -1, -1)
        return torch.cat([learned, picked], dim=1)

    def _picked(self, x: Tensor) -> Tensor:
        """Which points join the latents; where there are too few, the first is repeated."""
        count, n = self.config.global_count, x.shape[1]
        index = torch.zeros(len(x), count, dtype=torch.int64, device=x.device)
        if self.config.global_tokens == "fps":
            found = farthest_point_sample(x.detach().float(), min(count, n))
            index[:, : found.shape[1]] = found
        else:
            index[:, 1], index[:, 2] = min(2, n - 1), min(1, n - 1)
        return index

    def _time(self, t: Tensor) -> Tensor:
        embedding = sinusoidal_embedding(t, self.config.width, factor=1.0)
        return self.time_in(embedding.to(self.time_in.fc_in.weight.dtype))

    def _memory(self, latent: Tensor | None) -> Tensor:
        """What the last step's latents add; the first step's are zeros, but not their map."""
        if latent is None:
            latent = self.latent_init.new_zeros(1, 1, self.config.width)
        latent = latent.detach()
        return self.latent_norm(latent + self.latent_in(latent))

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.latent_init, std=_INIT_STD)
        # The memory starts silent: with both at zero the norm passes nothing on.
        nn.init.zeros_(self.latent_norm.weight)
        nn.init.zeros_(self.latent_norm.bias)
        if self.local_out is not None:
            # Where velocities are in units of the spacing, none is a good first guess.
            nn.init.zeros_(self.local_out.coefficients.weight)
            nn.init.zeros_(self.out.weight)
