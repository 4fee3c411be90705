"""From the tokens of pictures to the latents of the shape that they show: a regression.

It trains the image encoder, and finds the training shape that a picture is most like. What it
predicts is a mean over all shapes that look like this: to make shapes, there is the flow network.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from gen3d.io.network_files import fill, half_weights, read_settings, settings_fields
from gen3d.io.tensors import load_tensors, save_tensors
from gen3d.nn.blocks import CrossBlock, SelfBlock
from gen3d.nn.norms import widen
from gen3d.vecset.config import Settings
from gen3d.vecset.image_encoder import ImageEncoder, ImageTokens

HEAD_FILE = "image-head.safetensors"
_KIND = "LatentHead"
# As in the flow network: channels that are not used must not be blown up.
_MIN_STD = 0.1
_MLP_RATIO, _EPS = 2.0, 1e-5


class LatentHeadConfig(Settings):
    """Sizes of the head.

    Attributes:
        context_dim: Channels of an image token.
        num_latents: Tokens of the autoencoder.
        latent_dim: Their channels.
        width: Channels inside.
        heads: Attention heads.
        layers: Pairs of blocks: tokens look at the pictures, then at each other.
    """

    context_dim: int = Field(default=128, ge=1)
    num_latents: int = Field(default=48, ge=1)
    latent_dim: int = Field(default=16, ge=1)
    width: int = Field(default=128, ge=8)
    heads: int = Field(default=2, ge=1)
    layers: int = Field(default=2, ge=1)


class _Layer(nn.Module):
    """Latents look at the pictures' tokens, then at each other."""

    def __init__(self, config: LatentHeadConfig) -> None:
        super().__init__()
        self.cross = CrossBlock(
            config.width,
            config.heads,
            context_width=config.context_dim,
            mlp_ratio=_MLP_RATIO,
            gelu="tanh",
            norm_eps=_EPS,
            qkv_bias=False,
            qk_norm="none",
            zero_init=True,
        )
        self.among = SelfBlock(
            config.width,
            config.heads,
            mlp_ratio=_MLP_RATIO,
            gelu="tanh",
            norm_eps=_EPS,
            qkv_bias=False,
            qk_norm="none",
            zero_init=True,
        )

    def forward(self, x: Tensor, image: ImageTokens) -> Tensor:
        """Apply both blocks."""
        return self.among(self.cross(x, self.cross.keys_values(image.tokens), image.mask))


class LatentHead(nn.Module):
    """Predicts latents, normalised by the training shapes' means and standard deviations.

    Args:
        config: Sizes.
    """

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: LatentHeadConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.queries = nn.Parameter(0.02 * torch.randn(config.num_latents, width))
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, config.latent_dim)
        shape = (config.num_latents, config.latent_dim)
        self.register_buffer("latent_mean", torch.zeros(shape))
        self.register_buffer("latent_std", torch.ones(shape))

    @torch.no_grad()
    def fit_normalisation(self, latents: Float[Tensor, "shapes n latent_dim"]) -> None:
        """Take mean and standard deviation per token and channel from training latents."""
        self.latent_mean.copy_(latents.mean(0))
        self.latent_std.copy_(latents.std(0).clamp(min=_MIN_STD))

    def normalise(
        self, latents: Float[Tensor, "batch n latent_dim"]
    ) -> Float[Tensor, "batch n latent_dim"]:
        """Map the autoencoder's latents to what this head predicts."""
        return (latents - self.latent_mean) / self.latent_std

    def denormalise(
        self, x: Float[Tensor, "batch n latent_dim"]
    ) -> Float[Tensor, "batch n latent_dim"]:
        """Undo :meth:`normalise`."""
        return x * self.latent_std + self.latent_mean

    def forward(self, image: ImageTokens) -> Float[Tensor, "batch n latent_dim"]:
        """Return normalised latents in float32; every item needs a view that is present."""
        x = self.queries.expand(len(image.tokens), -1, -1)
        for layer in self.layers:
            x = layer(x, image)
        return widen(self.out(self.norm(x)))


@torch.no_grad()
def embed_views(
    encoder: ImageEncoder,
    head: LatentHead,
    views: Float[Tensor, "batch views 4 size size"],
    *,
    batch: int = 32,
) -> Float[Tensor, "batch features"]:
    """Return the latents that pictures let one expect, normalised and in one row each.

    Args:
        encoder: In eval mode.
        head: Trained with it.
        views: As ``prepare_view`` makes them, 1 to 4 per object.
        batch: Objects at a time.
    """
    device = head.queries.device
    parts = [head(encoder.encode(part.to(device))).flatten(1) for part in views.split(batch)]
    return torch.cat(parts).cpu()


def embed_shapes(
    head: LatentHead, latents: Float[Tensor, "shapes n latent_dim"]
) -> Float[Tensor, "shapes features"]:
    """Return shapes' latents as :func:`embed_views` gives those of pictures."""
    return head.normalise(latents.to(head.queries.device)).flatten(1).cpu()


def nearest_shapes(
    queries: Float[Tensor, "batch features"],
    known: Float[Tensor, "shapes features"],
    *,
    count: int = 1,
) -> Int[Tensor, "batch count"]:
    """Return the numbers of the nearest known shapes by Euclidean distance, nearest first."""
    return torch.cdist(queries, known).topk(min(count, len(known)), largest=False).indices


def save_latent_head(head: LatentHead, path: Path | str) -> None:
    """Write a head, fp16, with its settings and scales.

    Raises:
        OutputError: The file cannot be written.
    """
    save_tensors(half_weights(head), path, settings_fields(_KIND, head.config))


def load_latent_head(path: Path | str, *, device: torch.device | str = "cpu") -> LatentHead:
    """Read a head, in float32 and eval mode, frozen.

    Raises:
        ModelError: The file is missing, damaged, or no such head.
    """
    tensors, metadata = load_tensors(path)
    config = read_settings(LatentHeadConfig, metadata, path, kind=_KIND)
    return fill(LatentHead, config, tensors, path, device)
