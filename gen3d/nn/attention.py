"""Multi-head attention: self, cross, and the product that both share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from gen3d.nn.norms import QKNorm, make_qk_norm


@dataclass(frozen=True)
class KeysValues:
    """Keys and values of a context, ready for any number of queries.

    Attributes:
        keys: After their norm.
        values: As projected.
    """

    keys: Float[Tensor, "batch heads context head_dim"]
    values: Float[Tensor, "batch heads context head_dim"]


def split_heads(
    x: Float[Tensor, "batch tokens channels"], heads: int
) -> Float[Tensor, "batch heads tokens head_dim"]:
    """View channels as heads and move them before the tokens."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge_heads(
    x: Float[Tensor, "batch heads tokens head_dim"],
) -> Float[Tensor, "batch tokens channels"]:
    """Undo :func:`split_heads`."""
    return x.transpose(1, 2).flatten(-2)


def attend(
    queries: Float[Tensor, "batch heads n head_dim"],
    keys: Float[Tensor, "batch heads m head_dim"],
    values: Float[Tensor, "batch heads m head_dim"],
    *,
    mask: Bool[Tensor, "batch m"] | Float[Tensor, "batch m"] | None = None,
) -> Float[Tensor, "batch heads n head_dim"]:
    """Compute ``softmax(q k^T / sqrt(head_dim)) v``.

    On the CPU under autograd the three steps are written out: the backward pass of torch's fused
    CPU attention was the largest item of a training profile (a third of the step).

    Args:
        queries: What asks.
        keys: What is compared.
        values: What is averaged.
        mask: True where a key may be used; every item needs at least one. Floats are added to
            the logits instead: ln n lets one key stand for n equal ones.
    """
    if queries.device.type == "cpu" and torch.is_grad_enabled():
        scores = torch.matmul(queries * queries.shape[-1] ** -0.5, keys.mT)
        if mask is not None:
            bias = mask[:, None, None]
            hide = bias.dtype is torch.bool
            scores = scores.masked_fill(~bias, -torch.inf) if hide else scores + bias
        # Asking for the dtype keeps autocast from widening the largest tensor to float32.
        return torch.matmul(torch.softmax(scores, -1, dtype=scores.dtype), values)
    bias = None if mask is None else mask[:, None, None]
    return scaled_dot_product_attention(queries, keys, values, attn_mask=bias)


class SelfAttention(nn.Module):
    """Attention among tokens, with one packed projection whose rows are ``[q | k | v]``.

    Args:
        width: Channels in and out.
        heads: Number of heads; ``head_dim`` times it need not equal the width.
        head_dim: Channels per head; ``width // heads`` by default.
        qkv_bias: Give the packed projection a bias.
        qk_norm: Norm of queries and keys per head.
        zero_init: Start the output projection at zero, so that a residual block starts as identity.
    """

    row_chunks: ClassVar[dict[str, int]] = {"qkv.weight": 3, "proj.weight": 1}

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        head_dim: int | None = None,
        qkv_bias: bool = False,
        qk_norm: QKNorm = "none",
        zero_init: bool = False,
    ) -> None:
        super().__init__()
        self.heads = heads
        head_dim = head_dim or width // heads
        self.qkv = nn.Linear(width, 3 * heads * head_dim, bias=qkv_bias)
        self.query_norm = make_qk_norm(qk_norm, head_dim)
        self.key_norm = make_qk_norm(qk_norm, head_dim)
        self.proj = nn.Linear(heads * head_dim, width)
        if zero_init:
            zero_(self.proj)

    def queries_keys_values(
        self, x: Float[Tensor, "batch n width"]
    ) -> tuple[
        Float[Tensor, "batch heads n head_dim"],
        Float[Tensor, "batch heads n head_dim"],
        Float[Tensor, "batch heads n head_dim"],
    ]:
        """Project and normalise; joint attention concatenates these over streams."""
        q, k, v = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        return self.query_norm(q), self.key_norm(k), v

    def forward(
        self, x: Float[Tensor, "batch n width"], mask: Bool[Tensor, "batch n"] | None = None
    ) -> Float[Tensor, "batch n width"]:
        """Let every token look at every token (that ``mask`` allows)."""
        q, k, v = self.queries_keys_values(x)
        return self.proj(merge_heads(attend(q, k, v, mask=mask)))


class CrossAttention(nn.Module):
    """Queries look at a context, whose packed projection has rows ``[k | v]``.

    Args:
        width: Channels of the queries and of the output.
        heads: Number of heads.
        context_width: Channels of the context; ``width`` by default.
        head_dim: Channels per head; ``width // heads`` by default.
        qkv_bias: Give the query and packed projections a bias.
        qk_norm: Norm of queries and keys per head.
        zero_init: Start the output projection at zero.
    """

    row_chunks: ClassVar[dict[str, int]] = {"q.weight": 1, "kv.weight": 2, "proj.weight": 1}

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        context_width: int | None = None,
        head_dim: int | None = None,
        qkv_bias: bool = False,
        qk_norm: QKNorm = "none",
        zero_init: bool = False,
    ) -> None:
        super().__init__()
        self.heads = heads
        head_dim = head_dim or width // heads
        inner = heads * head_dim
        self.q = nn.Linear(width, inner, bias=qkv_bias)
        self.kv = nn.Linear(context_width or width, 2 * inner, bias=qkv_bias)
        self.query_norm = make_qk_norm(qk_norm, head_dim)
        self.key_norm = make_qk_norm(qk_norm, head_dim)
        self.proj = nn.Linear(inner, width)
        if zero_init:
            zero_(self.proj)

    def keys_values(self, context: Float[Tensor, "batch m context_width"]) -> KeysValues:
        """Project a context once, for any number of calls."""
        k, v = (split_heads(part, self.heads) for part in self.kv(context).chunk(2, dim=-1))
        return KeysValues(self.key_norm(k), v)

    def forward(
        self,
        x: Float[Tensor, "batch n width"],
        context: KeysValues,
        mask: Bool[Tensor, "batch m"] | None = None,
    ) -> Float[Tensor, "batch n width"]:
        """Let every query look at the context."""
        q = self.query_norm(split_heads(self.q(x), self.heads))
        return self.proj(merge_heads(attend(q, context.keys, context.values, mask=mask)))


def zero_(linear: nn.Linear) -> None:
    """Set weight and bias to zero."""
    nn.init.zeros_(linear.weight)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)


def muon_row_chunks(module: nn.Module) -> dict[str, int]:
    """Name all block matrices of a network, for an optimiser that treats matrices as such.

    Layers declare theirs in ``row_chunks``: name of the weight -> number of equal row chunks that
    are matrices of their own (3 for a packed qkv).

    Returns:
        Full parameter name -> row chunks.
    """
    found: dict[str, int] = {}
    for prefix, layer in module.named_modules():
        for name, chunks in getattr(layer, "row_chunks", {}).items():
            found[f"{prefix}.{name}" if prefix else name] = chunks
    return found
