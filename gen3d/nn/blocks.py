"""Pre-norm transformer blocks."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn

from gen3d.nn.attention import CrossAttention, KeysValues, SelfAttention
from gen3d.nn.mlp import MLP, Gelu
from gen3d.nn.norms import QKNorm


class SelfBlock(nn.Module):
    """``x += attention(norm(x)); x += mlp(norm(x))``.

    Args:
        width: Channels.
        heads: Attention heads.
        mlp_ratio: Hidden channels of the MLP over ``width``.
        gelu: Which GELU.
        norm_eps: Epsilon of both norms.
        qkv_bias: Bias of the packed projection.
        qk_norm: Norm of queries and keys.
        zero_init: Start as identity.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        mlp_ratio: float,
        gelu: Gelu,
        norm_eps: float,
        qkv_bias: bool,
        qk_norm: QKNorm,
        zero_init: bool,
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, eps=norm_eps)
        self.attention = SelfAttention(
            width, heads, qkv_bias=qkv_bias, qk_norm=qk_norm, zero_init=zero_init
        )
        self.mlp_norm = nn.LayerNorm(width, eps=norm_eps)
        self.mlp = MLP(width, ratio=mlp_ratio, gelu=gelu, zero_init=zero_init)

    def forward(self, x: Float[Tensor, "batch n width"]) -> Float[Tensor, "batch n width"]:
        """Apply the block."""
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


class CrossBlock(nn.Module):
    """``x += attention(norm(x), norm(context)); x += mlp(norm(x))``.

    Args:
        width: Channels of the queries.
        heads: Attention heads.
        context_width: Channels of the context.
        mlp_ratio: Hidden channels of the MLP over ``width``.
        gelu: Which GELU.
        norm_eps: Epsilon of the norms.
        qkv_bias: Bias of query and packed projections.
        qk_norm: Norm of queries and keys.
        zero_init: Start as identity.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        context_width: int,
        mlp_ratio: float,
        gelu: Gelu,
        norm_eps: float,
        qkv_bias: bool,
        qk_norm: QKNorm,
        zero_init: bool,
    ) -> None:
        super().__init__()
        self.query_norm = nn.LayerNorm(width, eps=norm_eps)
        self.context_norm = nn.LayerNorm(context_width, eps=norm_eps)
        self.attention = CrossAttention(
            width,
            heads,
            context_width=context_width,
            qkv_bias=qkv_bias,
            qk_norm=qk_norm,
            zero_init=zero_init,
        )
        self.mlp_norm = nn.LayerNorm(width, eps=norm_eps)
        self.mlp = MLP(width, ratio=mlp_ratio, gelu=gelu, zero_init=zero_init)

    def keys_values(self, context: Float[Tensor, "batch m context_width"]) -> KeysValues:
        """Prepare a context once, for any number of calls."""
        return self.attention.keys_values(self.context_norm(context))

    def forward(
        self,
        x: Float[Tensor, "batch n width"],
        context: KeysValues,
        mask: Bool[Tensor, "batch m"] | None = None,
    ) -> Float[Tensor, "batch n width"]:
        """Apply the block; ``mask`` is True for context tokens that exist."""
        x = x + self.attention(self.query_norm(x), context, mask)
        return x + self.mlp(self.mlp_norm(x))
