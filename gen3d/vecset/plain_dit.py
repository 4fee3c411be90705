"""The flow network of Hunyuan3D-2.1: one stream, cross-attention, skips, experts in late blocks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen3d.errors import InputError
from gen3d.nn.attention import CrossAttention, KeysValues, SelfAttention
from gen3d.nn.mlp import MLP
from gen3d.nn.moe import MixtureOfExperts
from gen3d.nn.norms import widen
from gen3d.nn.time_embedding import sinusoidal_embedding
from gen3d.vecset.config import PlainDiTConfig
from gen3d.vecset.dit import Condition

_EPS = 1e-6


@dataclass(frozen=True)
class PlainContext:
    """A condition that is ready for all steps: it does not depend on time or latents.

    Attributes:
        blocks: Keys and values of every block's cross-attention; None stands for tokens that are
            all zero, the unconditional ones.
    """

    blocks: tuple[KeysValues, ...] | None


class PlainBlock(nn.Module):
    """[Skip], self-attention, cross-attention, MLP or experts; each normalised before, and added.

    Args:
        config: Sizes.
        skip: Take the output of an early block in.
        experts: Use a mixture of experts for the MLP.
    """

    def __init__(self, config: PlainDiTConfig, *, skip: bool, experts: bool) -> None:
        super().__init__()
        width, hidden = config.width, config.mlp_ratio * config.width
        self.skip_linear = nn.Linear(2 * width, width) if skip else None
        self.skip_norm = nn.LayerNorm(width, eps=_EPS) if skip else None
        self.self_norm = nn.LayerNorm(width, eps=_EPS)
        self.self_attention = SelfAttention(
            width, config.heads, qkv_bias=config.qkv_bias, qk_norm="rms"
        )
        self.cross_norm = nn.LayerNorm(width, eps=_EPS)
        self.cross_attention = CrossAttention(
            width,
            config.heads,
            context_width=config.context_dim,
            qkv_bias=config.qkv_bias,
            qk_norm="rms",
        )
        self.mlp_norm = nn.LayerNorm(width, eps=_EPS)
        self.mlp: nn.Module = MLP(width, ratio=config.mlp_ratio)
        if experts:
            self.mlp = MixtureOfExperts(width, hidden, experts=config.experts, top=config.top)

    def forward(
        self,
        x: Float[Tensor, "batch n width"],
        context: KeysValues | None,
        skip: Float[Tensor, "batch n width"] | None,
    ) -> Float[Tensor, "batch n width"]:
        """Apply the block.

        Args:
            x: Tokens.
            context: Keys and values; None where all context tokens are zero. Then values are zero,
                since projections have no bias, and what remains is the output's bias.
            skip: What the early block gave, for blocks that take it.
        """
        if self.skip_linear is not None and self.skip_norm is not None:
            assert skip is not None
            x = self.skip_norm(self.skip_linear(torch.cat([skip, x], dim=-1)))
        x = x + self.self_attention(self.self_norm(x))
        if context is None:
            x = x + self.cross_attention.proj.bias
        else:
            x = x + self.cross_attention(self.cross_norm(x), context)
        return x + self.mlp(self.mlp_norm(x))


class PlainDiT(nn.Module):
    """Velocity of latents, given time and image tokens (Hunyuan3D-2.1, arXiv 2506.15442).

    Time joins as one more token; there is no adaptive norm and no position. Blocks of the second
    half take in the outputs of the first half, last out first in (U-ViT, Bao et al. 2023, arXiv
    2209.12152).

    Args:
        config: Sizes.
    """

    def __init__(self, config: PlainDiTConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.latent_in = nn.Linear(config.latent_dim, width)
        self.time_in = MLP(width, ratio=config.mlp_ratio)
        self.blocks = nn.ModuleList(
            PlainBlock(
                config,
                skip=i > config.depth // 2,
                experts=i >= config.depth - config.expert_blocks,
            )
            for i in range(config.depth)
        )
        self.final_norm = nn.LayerNorm(width, eps=_EPS)
        self.final_linear = nn.Linear(width, config.latent_dim)

    def prepare(self, condition: Condition) -> PlainContext:
        """Compute keys and values of all blocks once, for any number of steps."""
        self._check(condition)
        return PlainContext(
            tuple(block.cross_attention.keys_values(condition.tokens) for block in self._blocks())
        )

    def unconditional(self) -> PlainContext:
        """Return the context of zero tokens, in which cross-attention is a constant.

        Raises:
            InputError: Keys and values have biases, so it is none.
        """
        if self.config.qkv_bias:
            raise InputError("with biases in keys and values, zero tokens give no constant")
        return PlainContext(None)

    def forward(
        self,
        x: Float[Tensor, "batch n latent_dim"],
        t: Float[Tensor, " batch"],
        condition: Condition | PlainContext,
    ) -> Float[Tensor, "batch n latent_dim"]:
        """Return the velocity in float32 (or wider, as the weights are).

        Args:
            x: Latents at time ``t``.
            t: Times in [0, 1]; they run as in training, which for the published weights is from
                noise to data.
            condition: Image tokens, or what :meth:`prepare` made of them.

        Raises:
            InputError: The condition has parts that this network does not take.
        """
        context = self.prepare(condition) if isinstance(condition, Condition) else condition
        dtype = self.latent_in.weight.dtype
        time = sinusoidal_embedding(t, self.config.width, factor=1.0, cos_first=False)
        joint = torch.cat([self.time_in(time.to(dtype))[:, None], self.latent_in(x)], dim=1)
        kept: list[Tensor] = []
        middle = self.config.depth // 2
        for i, block in enumerate(self._blocks()):
            skip = kept.pop() if i > middle else None
            joint = block(joint, None if context.blocks is None else context.blocks[i], skip)
            if i < middle:
                kept.append(joint)
        return widen(self.final_linear(self.final_norm(joint)[:, 1:]))

    def _blocks(self) -> list[PlainBlock]:
        return [block for block in self.blocks if isinstance(block, PlainBlock)]

    def _check(self, condition: Condition) -> None:
        if condition.mask is not None or condition.pooled is not None or condition.repeats != 1:
            raise InputError("this flow network takes tokens only: no mask, no pooled vector")
