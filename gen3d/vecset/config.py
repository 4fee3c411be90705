"""Sizes and switches of the vecset networks: ours and, by other values, the published ones."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gen3d.nn.mlp import Gelu
from gen3d.nn.modulation import ModulationMode
from gen3d.nn.norms import QKNorm

Mesher: TypeAlias = Literal["marching-cubes", "dual-contouring"]
"""How a mesh is made from a field, see :func:`gen3d.vecset.extract.surface_mesh`."""

PUBLISHED_SCALE_FACTORS = {
    512: 1.0188137142395404,
    3072: 0.9990943042622529,
    4096: 1.0039506158752403,
}
"""The autoencoder's ``scale_factor`` by number of latents: mini, 2.0 and mv, 2.1."""


class Settings(BaseModel):
    """Base: unknown keys are errors, values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FourierConfig(Settings):
    """Fourier features of points.

    Attributes:
        num_freqs: Octaves.
        base: First angular frequency, radians per unit of length.
    """

    num_freqs: int = Field(default=5, ge=1, le=16)
    base: float = Field(default=math.pi / 2, gt=0)


class EncoderConfig(Settings):
    """From surface points to tokens.

    Attributes:
        queries: ``learned`` tokens ask the points, or points picked by furthest-point sampling do.
        layers: Self-attention blocks.
        point_channels: Channels of a point after its coordinates: normal and colour (6) here,
            normal and sharp-edge label (4) in the published networks.
        hidden_input: Map point features by Linear, GELU, Linear instead of one Linear.
        points_per_latent: ``fps``: size of the random subset that is sampled from, per token.
        sharp_fraction: ``fps``: share of the points, last in the input, that lie on sharp edges;
            both groups are sampled apart.
        logvar_range: Clamp of the posterior's log variance.
        norm_eps: Epsilon of the last norm.
    """

    queries: Literal["learned", "fps"] = "learned"
    layers: int = Field(default=1, ge=0)
    point_channels: int = Field(default=6, ge=0)
    hidden_input: bool = True
    points_per_latent: int = Field(default=20, ge=1)
    sharp_fraction: float = Field(default=0.0, ge=0, lt=1)
    logvar_range: tuple[float, float] = (-12.0, 4.0)
    norm_eps: float = 1e-5


class QueryDecoderConfig(Settings):
    """From tokens and a query point to values.

    Attributes:
        width: Channels inside.
        heads: Attention heads.
        mlp_ratio: Hidden channels of the MLP over ``width``.
        ln_post: Norm before the last layer.
        project_latents: Map the tokens to ``width`` first, rather than in keys and values.
        qk_norm: Norm of queries and keys.
    """

    width: int = Field(default=128, ge=8)
    heads: int = Field(default=2, ge=1)
    mlp_ratio: float = Field(default=2.0, gt=0)
    ln_post: bool = True
    project_latents: bool = False
    qk_norm: QKNorm = "none"


class VAEConfig(Settings):
    """The shape autoencoder.

    Attributes:
        num_latents: Tokens, L.
        latent_dim: Channels of a latent token.
        width: Channels of the latent transformer and of the encoder.
        heads: Their attention heads.
        latent_layers: Blocks of the latent transformer.
        mlp_ratio: Hidden channels of their MLPs over ``width``.
        latent_embedding: Add a learned vector per token to the latents (learned queries give each
            slot a meaning; sets sampled by position have none).
        fourier: Features of points and queries.
        encoder: None for a file that holds the decoder only.
        geometry: Decoder of occupancy logits.
        colour: Decoder of sRGB colours, if there is one.
        qkv_bias: Bias of query, key and value projections.
        qk_norm: Norm of queries and keys in encoder and latent transformer.
        gelu: Which GELU.
        norm_eps: Epsilon of the blocks' norms.
        zero_init: Start all blocks as identity.
        scale_factor: A diffusion model sees ``scale_factor`` times the latents.
        bounds: Half side of the cube in which the field is decoded.
    """

    num_latents: int = Field(default=48, ge=1)
    latent_dim: int = Field(default=16, ge=1)
    width: int = Field(default=128, ge=8)
    heads: int = Field(default=2, ge=1)
    latent_layers: int = Field(default=4, ge=0)
    mlp_ratio: float = Field(default=3.0, gt=0)
    latent_embedding: bool = True
    fourier: FourierConfig = FourierConfig()
    encoder: EncoderConfig | None = EncoderConfig()
    geometry: QueryDecoderConfig = QueryDecoderConfig()
    colour: QueryDecoderConfig | None = QueryDecoderConfig()
    qkv_bias: bool = False
    qk_norm: QKNorm = "none"
    gelu: Gelu = "tanh"
    norm_eps: float = 1e-5
    zero_init: bool = True
    scale_factor: float = Field(default=1.0, gt=0)
    bounds: float = Field(default=1.02, gt=0)


class DiTConfig(Settings):
    """The flow network over latent sets.

    Attributes:
        latent_dim: Channels of a latent token.
        num_latents: Number of latent tokens that have a learned slot position; None: no positions,
            any number (published).
        context_dim: Channels of a context token (text or image).
        pooled_dim: Channels of a pooled context vector that joins the time embedding; None: none.
        width: Channels.
        heads: Attention heads.
        double_blocks: Blocks with separate streams for latents and context.
        single_blocks: Blocks over the joined stream.
        mlp_ratio: Hidden channels over ``width``; whole.
        modulation: ``per_block`` (published) or ``shared`` with offsets per block.
        qkv_bias: Bias of packed projections.
        guidance_embedding: Take the guidance strength as an input (guidance-distilled networks).
        interval_embedding: Take the length ``t - r`` of a jump as an input and answer with the
            average velocity over it (few-step students).
        time_dim: Channels of the sinusoidal embeddings.
        time_max_period: Ratio of their longest to shortest period; 1000 in the published networks.
        time_factor: Multiplies time first.
    """

    latent_dim: int = Field(default=16, ge=1)
    num_latents: int | None = Field(default=48, ge=1)
    context_dim: int = Field(default=128, ge=1)
    pooled_dim: int | None = Field(default=128, ge=1)
    width: int = Field(default=128, ge=8)
    heads: int = Field(default=2, ge=1)
    double_blocks: int = Field(default=2, ge=0)
    single_blocks: int = Field(default=6, ge=0)
    mlp_ratio: int = Field(default=3, ge=1)
    modulation: ModulationMode = "shared"
    qkv_bias: bool = False
    guidance_embedding: bool = False
    interval_embedding: bool = False
    time_dim: int = Field(default=128, ge=2)
    time_max_period: float = Field(default=10_000.0, gt=1)
    time_factor: float = Field(default=1000.0, gt=0)

    @model_validator(mode="after")
    def _heads_divide(self) -> DiTConfig:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


class PlainDiTConfig(Settings):
    """The single-stream flow network of Hunyuan3D-2.1; the defaults are the published ones.

    Attributes:
        latent_dim: Channels of a latent token.
        context_dim: Channels of an image token.
        width: Channels.
        heads: Attention heads.
        depth: Blocks, odd: those after the middle one take in those before it.
        mlp_ratio: Hidden channels over ``width``; whole.
        expert_blocks: How many of the last blocks have experts.
        experts: Experts of such a block, besides the one that all tokens share.
        top: Experts that a token goes through.
        qkv_bias: Bias of query, key and value projections.
    """

    latent_dim: int = Field(default=64, ge=1)
    context_dim: int = Field(default=1024, ge=1)
    width: int = Field(default=2048, ge=8)
    heads: int = Field(default=16, ge=1)
    depth: int = Field(default=21, ge=1)
    mlp_ratio: int = Field(default=4, ge=1)
    expert_blocks: int = Field(default=6, ge=0)
    experts: int = Field(default=8, ge=1)
    top: int = Field(default=2, ge=1)
    qkv_bias: bool = False

    @model_validator(mode="after")
    def _fits(self) -> PlainDiTConfig:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if self.depth % 2 == 0:
            raise ValueError(f"depth {self.depth} is even: one block must stand in the middle")
        if self.top > self.experts:
            raise ValueError(f"a token cannot go through {self.top} of {self.experts} experts")
        return self


class SamplingConfig(Settings):
    """Settings that suit a trained pair; users may ask for others.

    Attributes:
        steps: Sampling steps.
        guidance: Guidance strength; 1 is off.
        guidance_interval: Times in which guidance acts.
        resolution: Grid cells per axis.
        decode_start: Cells per axis of the coarsest decode level, at least.
    """

    steps: int = Field(default=24, ge=1, le=1000)
    guidance: float = Field(default=3.0, ge=0, le=100)
    guidance_interval: tuple[float, float] = (0.0, 1.0)
    resolution: int = Field(default=128, ge=16, le=512)
    decode_start: int = Field(default=32, ge=1)


def hunyuan_encoder_config(*, sharp: bool = True) -> EncoderConfig:
    """Return the encoder of the published files that have one.

    Its points carry normal and sharp-edge label. There are ``num_latents * points_per_latent`` of
    them: 61,440 for 2.0, 10,240 for mini, 81,920 for 2.1.

    Args:
        sharp: Half of the points lie on sharp edges (2.0, mini); none does (2.1).
    """
    return EncoderConfig(
        queries="fps",
        layers=8,
        point_channels=4,
        hidden_input=False,
        points_per_latent=20,
        sharp_fraction=0.5 if sharp else 0.0,
        logvar_range=(-30.0, 20.0),
        norm_eps=1e-5,
    )


def hunyuan_vae_config(
    *, turbo: bool = False, num_latents: int = 3072, encoder: EncoderConfig | None = None
) -> VAEConfig:
    """Return the published Hunyuan3D autoencoder.

    Args:
        turbo: The narrow geometry decoder.
        num_latents: 3072 (2.0, mv), 512 (mini) or 4096 (2.1).
        encoder: See :func:`hunyuan_encoder_config`; most files hold none.
    """
    full = QueryDecoderConfig(width=1024, heads=16, mlp_ratio=4, qk_norm="layer")
    fast = QueryDecoderConfig(width=512, heads=8, mlp_ratio=1, ln_post=False, project_latents=True)
    return VAEConfig(
        num_latents=num_latents,
        latent_dim=64,
        width=1024,
        heads=16,
        latent_layers=16,
        mlp_ratio=4,
        latent_embedding=False,
        fourier=FourierConfig(num_freqs=8, base=1.0),
        encoder=encoder,
        geometry=fast if turbo else full,
        colour=None,
        qk_norm="layer",
        gelu="exact",
        norm_eps=1e-6,
        zero_init=False,
        scale_factor=PUBLISHED_SCALE_FACTORS.get(num_latents, 1.0),
        bounds=1.01,
    )


def hunyuan_dit_config(*, mini: bool = False, guidance_embedding: bool = False) -> DiTConfig:
    """Return the published Hunyuan3D-2.0 (or 2mini) flow network."""
    return DiTConfig(
        latent_dim=64,
        num_latents=None,
        context_dim=1536,
        pooled_dim=None,
        width=1024,
        heads=16,
        double_blocks=8 if mini else 16,
        single_blocks=16 if mini else 32,
        mlp_ratio=4,
        modulation="per_block",
        qkv_bias=True,
        guidance_embedding=guidance_embedding,
        time_dim=256,
        time_max_period=1000.0,
        time_factor=1000.0,
    )
