"""From surface points to the posterior over latents."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gen3d.errors import InputError
from gen3d.nn.blocks import CrossBlock, SelfBlock
from gen3d.nn.fourier import FourierFeatures
from gen3d.nn.mlp import make_gelu
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.config import EncoderConfig, VAEConfig

FPS_SEED = 0


@dataclass(frozen=True)
class Posterior:
    """A diagonal Gaussian over latents, in float32.

    Attributes:
        mean: Its mean.
        logvar: Logarithm of its variance.
    """

    mean: Float[Tensor, "batch latents channels"]
    logvar: Float[Tensor, "batch latents channels"]

    def sample(self, noise: Float[Tensor, "batch latents channels"]) -> Tensor:
        """Return ``mean + std * noise``."""
        return self.mean + noise * (0.5 * self.logvar).exp()

    def kl(self) -> Float[Tensor, ""]:
        """Divergence from the standard normal in nats, averaged over all entries."""
        return 0.5 * (self.mean.square() + self.logvar.exp() - 1 - self.logvar).mean()


def furthest_point_indices(
    points: Float[Tensor, "batch n 3"], count: int, *, first: int = 0
) -> Int[Tensor, "batch count"]:
    """Pick points one by one, each the furthest from those picked (Gonzalez 1985).

    Args:
        points: Candidates.
        count: How many to pick.
        first: Index of the first pick.

    Raises:
        InputError: There are fewer candidates than picks.
    """
    if count > points.shape[1]:
        raise InputError(f"cannot pick {count} points out of {points.shape[1]}")
    batch = torch.arange(len(points), device=points.device)
    picked = torch.full((len(points),), first, dtype=torch.long, device=points.device)
    nearest = torch.full(points.shape[:2], torch.inf, device=points.device)
    picks = [picked]
    for _ in range(count - 1):
        offset = points - points[batch, picked][:, None]
        nearest = torch.minimum(nearest, offset.square().sum(-1))
        picked = nearest.argmax(dim=1)
        picks.append(picked)
    return torch.stack(picks, dim=1)


class Encoder(nn.Module):
    """Surface points to tokens: one cross-attention, then self-attention blocks.

    Args:
        config: The whole autoencoder's sizes.
        encoder: This part's.
        fourier: Features of points, shared with the decoders.
    """

    def __init__(self, config: VAEConfig, encoder: EncoderConfig, fourier: FourierFeatures) -> None:
        super().__init__()
        self.config, self.num_latents, self.fourier = encoder, config.num_latents, fourier
        width, features = config.width, fourier.out_dim + encoder.point_channels
        self.input_proj: nn.Module = nn.Linear(features, width)
        if encoder.hidden_input:
            self.input_proj = nn.Sequential(
                nn.Linear(features, width), make_gelu(config.gelu), nn.Linear(width, width)
            )
        self.latent_queries: nn.Parameter | None = None
        if encoder.queries == "learned":
            self.latent_queries = nn.Parameter(0.02 * torch.randn(config.num_latents, width))
        self.cross = CrossBlock(
            width,
            config.heads,
            context_width=width,
            mlp_ratio=config.mlp_ratio,
            gelu=config.gelu,
            norm_eps=config.norm_eps,
            qkv_bias=config.qkv_bias,
            qk_norm=config.qk_norm,
            zero_init=config.zero_init,
        )
        self.blocks = nn.ModuleList(
            SelfBlock(
                width,
                config.heads,
                mlp_ratio=config.mlp_ratio,
                gelu=config.gelu,
                norm_eps=config.norm_eps,
                qkv_bias=config.qkv_bias,
                qk_norm=config.qk_norm,
                zero_init=config.zero_init,
            )
            for _ in range(encoder.layers)
        )
        self.ln_post = nn.LayerNorm(width, eps=encoder.norm_eps)

    def forward(
        self,
        surface: Float[Tensor, "batch n channels"],
        generator: torch.Generator | None = None,
        *,
        tokens: int | None = None,
    ) -> Float[Tensor, "batch latents width"]:
        """Encode points (coordinates, then ``point_channels``).

        Args:
            surface: Points in the network's frame.
            generator: Picks the subset in ``fps`` mode; a fixed one by default.
            tokens: How many tokens; None: all that the config has. Fewer learned queries are the
                first ones.

        Raises:
            InputError: The number of channels is not the configured one, or there are not so many
                learned queries.
        """
        count = self.num_latents if tokens is None else tokens
        if count < 1 or (self.latent_queries is not None and count > self.num_latents):
            raise InputError(f"{count} tokens were asked for, the encoder has {self.num_latents}")
        expected = 3 + self.config.point_channels
        if surface.shape[-1] != expected:
            raise InputError(f"surface points have {surface.shape[-1]} channels, not {expected}")
        if self.latent_queries is not None:
            x = self.latent_queries[:count].expand(len(surface), -1, -1)
            points = self._embed(surface)
        else:
            subset, picks = self._pick(surface, count, generator or make_generator(FPS_SEED))
            x, points = self._embed(picks), self._embed(subset)
        x = self.cross(x, self.cross.keys_values(points))
        for block in self.blocks:
            x = block(x)
        return self.ln_post(x)

    def _embed(self, surface: Tensor) -> Tensor:
        features = torch.cat([self.fourier(surface[..., :3]), surface[..., 3:].float()], dim=-1)
        first = next(self.input_proj.parameters())
        return self.input_proj(features.to(first.dtype))

    def _pick(
        self, surface: Tensor, latents: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return the random subset of points and, out of it, one query point per latent."""
        total = surface.shape[1]
        n_sharp = round(total * self.config.sharp_fraction)
        latents_sharp = latents - int(latents * (total - n_sharp) / total)
        subsets: list[Tensor] = []
        picks: list[Tensor] = []
        groups = ((surface[:, : total - n_sharp], latents - latents_sharp),)
        groups += ((surface[:, total - n_sharp :], latents_sharp),) if n_sharp else ()
        for group, count in groups:
            size = min(count * self.config.points_per_latent, group.shape[1])
            order = torch.randperm(group.shape[1], generator=generator)[:size]
            subset = group[:, order.to(group.device)]
            index = furthest_point_indices(subset[..., :3].float(), count)
            picks.append(subset.gather(1, index[..., None].expand(-1, -1, subset.shape[-1])))
            subsets.append(subset)
        return torch.cat(subsets, dim=1), torch.cat(picks, dim=1)
