"""The flow network over latent sets: double-stream and single-stream blocks (Flux, Hunyuan3D-2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import silu

from gen3d.errors import InputError
from gen3d.nn.attention import SelfAttention, attend, merge_heads, split_heads, zero_
from gen3d.nn.mlp import MLP
from gen3d.nn.modulation import Modulation, SharedModulation, modulate
from gen3d.nn.norms import make_qk_norm, widen
from gen3d.nn.time_embedding import ScalarEmbedder
from gen3d.vecset.config import DiTConfig

_EPS = 1e-6
# Channels that the autoencoder does not use must not be blown up to unit variance.
_MIN_STD = 0.1


@dataclass(frozen=True)
class Condition:
    """What a sample shall show.

    Attributes:
        tokens: Context tokens: text or image.
        mask: True for tokens that exist; None: all. A masked token influences nothing.
        pooled: One vector per item, if the network takes one.
        repeats: Each token stands for this many equal ones.
    """

    tokens: Float[Tensor, "batch context context_dim"]
    mask: Bool[Tensor, "batch context"] | None = None
    pooled: Float[Tensor, "batch pooled_dim"] | None = None
    repeats: float = 1.0

    def dropped(self, drop: Bool[Tensor, " batch"]) -> Condition:
        """Return the condition with the items in ``drop`` made unconditional.

        Unconditional means zero tokens, none of which exists, and a zero pooled vector.
        """
        keep = ~drop
        mask = self.mask
        if mask is None:
            mask = torch.ones(self.tokens.shape[:2], dtype=torch.bool, device=self.tokens.device)
        pooled = None if self.pooled is None else self.pooled * keep[:, None]
        tokens = self.tokens * keep[:, None, None]
        return Condition(tokens, mask & keep[:, None], pooled, self.repeats)

    def unconditional(self) -> Condition:
        """Return the same number of items without any condition."""
        every = torch.ones(len(self.tokens), dtype=torch.bool, device=self.tokens.device)
        return self.dropped(every)

    def rows(self, chosen: Tensor) -> Condition:
        """Return some of the items, by mask or by number."""
        mask = None if self.mask is None else self.mask[chosen]
        pooled = None if self.pooled is None else self.pooled[chosen]
        return Condition(self.tokens[chosen], mask, pooled, self.repeats)

    def shortened(self, tokens: int) -> Condition:
        """Return the first context tokens only."""
        mask = None if self.mask is None else self.mask[:, :tokens]
        return Condition(self.tokens[:, :tokens], mask, self.pooled, self.repeats)

    def to(self, device: torch.device | str) -> Condition:
        """Move the tensors."""
        mask = None if self.mask is None else self.mask.to(device)
        pooled = None if self.pooled is None else self.pooled.to(device)
        return Condition(self.tokens.to(device), mask, pooled, self.repeats)


class DoubleBlock(nn.Module):
    """Latents and context keep their own weights and meet in one joint attention.

    Args:
        config: Sizes.
    """

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.latent = _Stream(config)
        self.context = _Stream(config)

    def forward(
        self,
        latent: Float[Tensor, "batch n width"],
        context: Float[Tensor, "batch m width"],
        condition: Float[Tensor, "batch width"],
        shared: tuple[Tensor, Tensor] | None,
        mask: Bool[Tensor, "batch m_plus_n"] | Float[Tensor, "batch m_plus_n"] | None,
    ) -> tuple[Tensor, Tensor]:
        """Apply the block; tokens are joined as ``[context, latent]``."""
        latent_mod = self.latent.modulation(condition, shared[0] if shared else None)
        context_mod = self.context.modulation(condition, shared[1] if shared else None)
        parts = zip(
            self.context.attention_input(context, context_mod),
            self.latent.attention_input(latent, latent_mod),
            strict=True,
        )
        q, k, v = (torch.cat(part, dim=2) for part in parts)
        joint = merge_heads(attend(q, k, v, mask=mask))
        split = context.shape[1]
        context = self.context.finish(context, joint[:, :split], context_mod)
        return self.latent.finish(latent, joint[:, split:], latent_mod), context


class _Stream(nn.Module):
    """One side of a double block."""

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        width = config.width
        self.modulation = Modulation(width, 2, mode=config.modulation)
        self.attention_norm = nn.LayerNorm(width, eps=_EPS, elementwise_affine=False)
        self.attention = SelfAttention(width, config.heads, qkv_bias=config.qkv_bias, qk_norm="rms")
        self.mlp_norm = nn.LayerNorm(width, eps=_EPS, elementwise_affine=False)
        self.mlp = MLP(width, ratio=config.mlp_ratio, gelu="tanh")

    def attention_input(self, x: Tensor, mod: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Return this stream's queries, keys and values."""
        return self.attention.queries_keys_values(modulate(self.attention_norm(x), mod[0], mod[1]))

    def finish(self, x: Tensor, attended: Tensor, mod: tuple[Tensor, ...]) -> Tensor:
        """Add the attention's result, then the MLP's."""
        x = x + mod[2] * self.attention.proj(attended)
        return x + mod[5] * self.mlp(modulate(self.mlp_norm(x), mod[3], mod[4]))


class SingleBlock(nn.Module):
    """Attention and MLP side by side, over one joined stream.

    Rows of ``linear1`` are ``[q | k | v | mlp]``; ``linear2`` takes ``[attention | mlp]``.

    Args:
        config: Sizes.
    """

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.mlp_ratio * config.width
        self.heads, self.width = config.heads, width
        self.modulation = Modulation(width, 1, mode=config.modulation)
        self.norm = nn.LayerNorm(width, eps=_EPS, elementwise_affine=False)
        # The published network's linear1 has a bias whatever qkv_bias says.
        self.linear1 = nn.Linear(width, 3 * width + hidden)
        self.linear2 = nn.Linear(width + hidden, width)
        self.query_norm = make_qk_norm("rms", width // config.heads)
        self.key_norm = make_qk_norm("rms", width // config.heads)
        self.act = nn.GELU(approximate="tanh")
        self.row_chunks: dict[str, int] = {
            "linear1.weight": 3 + config.mlp_ratio,
            "linear2.weight": 1,
        }

    def forward(
        self,
        x: Float[Tensor, "batch n width"],
        condition: Float[Tensor, "batch width"],
        shared: Float[Tensor, "batch parts width"] | None,
        mask: Bool[Tensor, "batch n"] | Float[Tensor, "batch n"] | None,
    ) -> Float[Tensor, "batch n width"]:
        """Apply the block."""
        shift, scale, gate = self.modulation(condition, shared)
        packed = self.linear1(modulate(self.norm(x), shift, scale))
        qkv, hidden = packed.split([3 * self.width, packed.shape[-1] - 3 * self.width], dim=-1)
        q, k, v = (split_heads(part, self.heads) for part in qkv.chunk(3, dim=-1))
        attended = merge_heads(attend(self.query_norm(q), self.key_norm(k), v, mask=mask))
        return x + gate * self.linear2(torch.cat([attended, self.act(hidden)], dim=-1))


class FinalLayer(nn.Module):
    """Modulated norm and output projection.

    Args:
        width: Channels in.
        out_dim: Channels out.
    """

    def __init__(self, width: int, out_dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=_EPS, elementwise_affine=False)
        self.modulation = nn.Linear(width, 2 * width)
        self.linear = nn.Linear(width, out_dim)
        zero_(self.modulation)
        zero_(self.linear)

    def forward(
        self, x: Float[Tensor, "batch n width"], condition: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch n out"]:
        """Project to velocities."""
        shift, scale = self.modulation(silu(condition))[:, None].chunk(2, dim=-1)
        return self.linear(modulate(self.norm(x), shift, scale))


class ShapeDiT(nn.Module):
    """Velocity of latents, given time and context. Time: 0 is data, 1 is noise.

    No positional encoding: latents are a set, unless ``num_latents`` gives each slot a learned
    position (for autoencoders whose slots have a meaning). Then the network also carries mean and
    standard deviation of each slot's channels over the training data, and works on latents
    normalised by them: with a loose KL term their raw scales differ by a factor of ten.

    Args:
        config: Sizes; the defaults are the embedded model's.
    """

    latent_mean: Tensor | None
    latent_std: Tensor | None

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.latent_in = nn.Linear(config.latent_dim, width)
        self.context_in = nn.Linear(config.context_dim, width)
        self.time_in = ScalarEmbedder(
            width,
            dim=config.time_dim,
            max_period=config.time_max_period,
            factor=config.time_factor,
        )
        self.guidance_in: ScalarEmbedder | None = None
        if config.guidance_embedding:
            self.guidance_in = ScalarEmbedder(
                width,
                dim=config.time_dim,
                max_period=config.time_max_period,
                factor=config.time_factor,
            )
        self.interval_in: ScalarEmbedder | None = None
        if config.interval_embedding:
            self.interval_in = ScalarEmbedder(
                width,
                dim=config.time_dim,
                max_period=config.time_max_period,
                factor=config.time_factor,
            )
            zero_(self.interval_in.out_layer)  # so it starts as the network without a second time
        self.pooled_in = None if config.pooled_dim is None else nn.Linear(config.pooled_dim, width)
        self.slots: nn.Parameter | None = None
        mean: Tensor | None = None
        if config.num_latents is not None:
            self.slots = nn.Parameter(0.02 * torch.randn(config.num_latents, width))
            mean = torch.zeros(config.num_latents, config.latent_dim)
        self.register_buffer("latent_mean", mean)
        self.register_buffer("latent_std", None if mean is None else torch.ones_like(mean))
        self.shared_double: nn.ModuleList | None = None
        self.shared_single: SharedModulation | None = None
        if config.modulation == "shared":
            self.shared_double = nn.ModuleList(SharedModulation(width, 2) for _ in range(2))
            self.shared_single = SharedModulation(width, 1)
        self.double_blocks = nn.ModuleList(DoubleBlock(config) for _ in range(config.double_blocks))
        self.single_blocks = nn.ModuleList(SingleBlock(config) for _ in range(config.single_blocks))
        self.final_layer = FinalLayer(width, config.latent_dim)

    @torch.no_grad()
    def fit_normalisation(self, latents: Float[Tensor, "shapes n latent_dim"]) -> None:
        """Take mean and standard deviation per slot and channel from training latents."""
        if self.latent_mean is None or self.latent_std is None:
            raise InputError("a network without slots has no normalisation to fit")
        self.latent_mean.copy_(latents.mean(0))
        self.latent_std.copy_(latents.std(0).clamp(min=_MIN_STD))

    def normalise(
        self, latents: Float[Tensor, "batch n latent_dim"]
    ) -> Float[Tensor, "batch n latent_dim"]:
        """Map the autoencoder's latents to what this network generates."""
        if self.latent_mean is None or self.latent_std is None:
            return latents
        return (latents - self.latent_mean) / self.latent_std

    def denormalise(
        self, x: Float[Tensor, "batch n latent_dim"]
    ) -> Float[Tensor, "batch n latent_dim"]:
        """Undo :meth:`normalise`."""
        if self.latent_mean is None or self.latent_std is None:
            return x
        return x * self.latent_std + self.latent_mean

    def forward(
        self,
        x: Float[Tensor, "batch n latent_dim"],
        t: Float[Tensor, " batch"],
        condition: Condition,
        guidance: Float[Tensor, " batch"] | None = None,
        interval: Float[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch n latent_dim"]:
        """Return the velocity dx/dt in float32 (or wider, as the weights are).

        Args:
            x: Latents at time ``t``.
            t: Times in [0, 1].
            condition: What the samples shall show.
            guidance: Guidance strength, for networks that take it.
            interval: Length ``t - r`` of the jump whose average velocity is wanted, for networks
                that take it; 0 asks for the velocity at ``t``.

        Raises:
            InputError: The guidance, the interval or the pooled vector is missing, or not wanted.
        """
        vector = self._vector(t, condition.pooled, guidance, interval)
        latent, context = self.latent_in(x), self.context_in(condition.tokens)
        if self.slots is not None:
            latent = latent + self.slots
        mask = _joint_mask(condition, latent)
        shared = None
        if self.shared_double is not None:
            shared = (self.shared_double[0](vector), self.shared_double[1](vector))
        for block in self.double_blocks:
            latent, context = block(latent, context, vector, shared, mask)
        joint = torch.cat([context, latent], dim=1)
        shared_single = None if self.shared_single is None else self.shared_single(vector)
        for block in self.single_blocks:
            joint = block(joint, vector, shared_single, mask)
        return widen(self.final_layer(joint[:, context.shape[1] :], vector))

    def average_velocity(
        self,
        x: Float[Tensor, "batch n latent_dim"],
        t: Float[Tensor, " batch"],
        r: Float[Tensor, " batch"],
        condition: Condition,
    ) -> Float[Tensor, "batch n latent_dim"]:
        """Return ``(x_t - x_r) / (t - r)`` along the flow, as networks with an interval learn it.

        Args:
            x: Latents at time ``t``.
            t: Where the jumps start, in [0, 1].
            r: Where they end, at most ``t``.
            condition: What the samples shall show.

        Raises:
            InputError: The network takes no interval.
        """
        return self(x, t, condition, interval=t - r)

    def _vector(
        self,
        t: Tensor,
        pooled: Tensor | None,
        guidance: Tensor | None,
        interval: Tensor | None,
    ) -> Tensor:
        """Sum the embeddings that modulate every block."""
        vector = self.time_in(t)
        for name, module, value in (
            ("guidance", self.guidance_in, guidance),
            ("interval", self.interval_in, interval),
            ("pooled context", self.pooled_in, pooled),
        ):
            if (module is None) != (value is None):
                verb = "takes no" if module is None else "needs a"
                raise InputError(f"this flow network {verb} {name} input")
            if module is not None:
                vector = vector + module(value)
        return vector


def _joint_mask(condition: Condition, latent: Tensor) -> Tensor | None:
    """Say what may be attended to in ``[context, latent]``: all (None), a mask, or a bias."""
    mask = condition.mask
    if mask is not None:
        mask = torch.cat([mask, mask.new_ones(latent.shape[:2])], dim=1)
    if condition.repeats == 1:
        return mask
    bias = latent.new_zeros(len(latent), condition.tokens.shape[1] + latent.shape[1])
    bias[:, : condition.tokens.shape[1]] = math.log(condition.repeats)
    return bias if mask is None else bias.masked_fill(~mask, -torch.inf)
