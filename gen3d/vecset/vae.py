"""The shape autoencoder: surface points to a set of latents to a field and colours."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen3d.errors import ModelError
from gen3d.nn.attention import KeysValues
from gen3d.nn.blocks import SelfBlock
from gen3d.nn.fourier import FourierFeatures
from gen3d.vecset.config import VAEConfig
from gen3d.vecset.encoder import Encoder, Posterior
from gen3d.vecset.query_decoder import QueryDecoder


@dataclass(frozen=True)
class DecodedShape:
    """A batch of shapes, ready to answer queries.

    Attributes:
        geometry: Keys and values of the geometry decoder.
        colour: Keys and values of the colour decoder, if the model has one.
    """

    geometry: KeysValues
    colour: KeysValues | None

    def item(self, index: int) -> DecodedShape:
        """Return one shape of the batch, as a batch of one."""

        def pick(kv: KeysValues) -> KeysValues:
            return KeysValues(kv.keys[index : index + 1], kv.values[index : index + 1])

        return DecodedShape(pick(self.geometry), None if self.colour is None else pick(self.colour))


class ShapeVAE(nn.Module):
    """3DShape2VecSet (Zhang et al. 2023, arXiv 2301.11445) as in Hunyuan3D-2 (arXiv 2501.12202).

    Args:
        config: Sizes; the defaults are the embedded model's.

    Example:
        shape = vae.decode(vae.encode(surface).mean)
        inside = vae.occupancy(points, shape) > 0
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        fourier = FourierFeatures(config.fourier.num_freqs, base=config.fourier.base)
        self.encoder: Encoder | None = None
        self.to_posterior: nn.Linear | None = None
        if config.encoder is not None:
            self.encoder = Encoder(config, config.encoder, fourier)
            self.to_posterior = nn.Linear(config.width, 2 * config.latent_dim)
        self.from_latent = nn.Linear(config.latent_dim, config.width)
        self.latent_embedding: nn.Parameter | None = None
        if config.latent_embedding:
            table = 0.02 * torch.randn(config.num_latents, config.width)
            self.latent_embedding = nn.Parameter(table)
        self.blocks = nn.ModuleList(
            SelfBlock(
                config.width,
                config.heads,
                mlp_ratio=config.mlp_ratio,
                gelu=config.gelu,
                norm_eps=config.norm_eps,
                qkv_bias=config.qkv_bias,
                qk_norm=config.qk_norm,
                zero_init=config.zero_init,
            )
            for _ in range(config.latent_layers)
        )
        self.geometry = QueryDecoder(config, config.geometry, fourier, outputs=1)
        self.colour: QueryDecoder | None = None
        if config.colour is not None:
            self.colour = QueryDecoder(config, config.colour, fourier, outputs=3)

    def encode(
        self,
        surface: Float[Tensor, "batch n channels"],
        generator: torch.Generator | None = None,
        *,
        tokens: int | None = None,
    ) -> Posterior:
        """Return the posterior over latents of shapes given by surface points.

        Args:
            surface: Network-frame points: coordinates, unit normal, and what else the encoder's
                ``point_channels`` say (sRGB colour in the embedded model).
            generator: Picks points in ``fps`` mode.
            tokens: Latents per shape, see :meth:`Encoder.forward`.

        Raises:
            ModelError: The model has no encoder.
            InputError: It has not so many tokens.
        """
        if self.encoder is None or self.to_posterior is None or self.config.encoder is None:
            raise ModelError("this shape model has a decoder only and cannot encode")
        moments = self.to_posterior(self.encoder(surface, generator, tokens=tokens)).float()
        mean, logvar = moments.chunk(2, dim=-1)
        low, high = self.config.encoder.logvar_range
        return Posterior(mean, logvar.clamp(low, high))

    def tokens(
        self, latents: Float[Tensor, "batch latents channels"]
    ) -> Float[Tensor, "batch latents width"]:
        """Run the latent transformer; fewer latents than configured are the first ones."""
        x = self.from_latent(latents)
        if self.latent_embedding is not None:
            x = x + self.latent_embedding[: x.shape[1]]
        for block in self.blocks:
            x = block(x)
        return x

    def decode(self, latents: Float[Tensor, "batch latents channels"]) -> DecodedShape:
        """Prepare shapes for queries: all that does not depend on the query points."""
        tokens = self.tokens(latents)
        colour = None if self.colour is None else self.colour.keys_values(tokens)
        return DecodedShape(self.geometry.keys_values(tokens), colour)

    def occupancy(
        self, queries: Float[Tensor, "batch n 3"], shape: DecodedShape
    ) -> Float[Tensor, "batch n"]:
        """Return logits in float32, positive inside."""
        return self.geometry(queries, shape.geometry).squeeze(-1).float()

    def colours(
        self, queries: Float[Tensor, "batch n 3"], shape: DecodedShape
    ) -> Float[Tensor, "batch n 3"]:
        """Return sRGB colours in [0, 1], float32.

        Raises:
            ModelError: The model has no colour decoder.
        """
        if self.colour is None or shape.colour is None:
            raise ModelError("this shape model has no colours")
        return self.colour(queries, shape.colour).float().sigmoid()
