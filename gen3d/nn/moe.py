"""A mixture of experts: each token goes through the few feed-forward networks that its gate picks.

Shazeer et al. 2017 (arXiv 1701.06538), with one expert that every token shares (DeepSeekMoE, Dai
et al. 2024, arXiv 2401.06066), as Hunyuan3D-2.1 (arXiv 2506.15442) has it.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import gelu, linear

from gen3d.nn.mlp import MLP
from gen3d.nn.norms import widen

# Public since torch 2.10; older ones loop over the experts.
_grouped_mm = getattr(functional, "grouped_mm", None)


class Experts(nn.Module):
    """Feed-forward networks of equal size, whose matrices are stacked.

    Args:
        count: Number of experts.
        width: Channels in and out.
        hidden: Channels inside.
    """

    def __init__(self, count: int, width: int, hidden: int) -> None:
        super().__init__()
        self.in_weight = nn.Parameter(torch.randn(count, hidden, width) * width**-0.5)
        self.in_bias = nn.Parameter(torch.zeros(count, hidden))
        self.out_weight = nn.Parameter(torch.randn(count, width, hidden) * hidden**-0.5)
        self.out_bias = nn.Parameter(torch.zeros(count, width))

    def forward(
        self, rows: Float[Tensor, "rows width"], expert: Int[Tensor, " rows"]
    ) -> Float[Tensor, "rows width"]:
        """Map each row by its expert; rows are sorted by expert."""
        counts = torch.zeros(len(self.in_bias), dtype=torch.int32, device=rows.device)
        counts = counts.scatter_add_(0, expert, torch.ones_like(expert, dtype=torch.int32))
        ends = counts.cumsum(0, dtype=torch.int32)
        hidden = _grouped_linear(rows, self.in_weight, self.in_bias, expert, ends)
        return _grouped_linear(gelu(hidden), self.out_weight, self.out_bias, expert, ends)


def _grouped_linear(
    rows: Float[Tensor, "rows n"],
    weight: Float[Tensor, "experts m n"],
    bias: Float[Tensor, "experts m"],
    expert: Int[Tensor, " rows"],
    ends: Int[Tensor, " experts"],
) -> Float[Tensor, "rows m"]:
    """Apply one linear layer per run of rows; ``ends`` says where each run stops."""
    if _grouped_mm is not None and rows.is_cuda and rows.dtype is torch.bfloat16:
        # One launch, with the offsets on the device: asking for them would stall the stream.
        return _grouped_mm(rows, weight.mT, offs=ends) + bias[expert]
    stops: list[int] = ends.tolist()
    starts = [0, *stops[:-1]]
    return torch.cat(
        [
            linear(rows[a:b], weight[i], bias[i])
            for i, (a, b) in enumerate(zip(starts, stops, strict=True))
        ]
    )


class MixtureOfExperts(nn.Module):
    """``shared(x) + sum_k p_k expert_k(x)`` over the ``top`` experts of highest probability.

    The probabilities are those of a softmax over all experts, *not* renormalised over the chosen
    ones, as in the published network.

    Args:
        width: Channels in and out.
        hidden: Channels inside each expert.
        experts: How many there are to choose from.
        top: How many a token goes through.
    """

    def __init__(self, width: int, hidden: int, *, experts: int, top: int) -> None:
        super().__init__()
        self.top = top
        self.gate = nn.Linear(width, experts, bias=False)
        self.experts = Experts(experts, width, hidden)
        self.shared = MLP(width, ratio=hidden / width)

    def forward(self, x: Float[Tensor, "batch n width"]) -> Float[Tensor, "batch n width"]:
        """Map every token by itself."""
        rows = x.flatten(0, 1)
        weight, choice = widen(self.gate(rows)).softmax(-1).topk(self.top, dim=-1)
        expert, order = choice.flatten().sort(stable=True)
        mapped = self.experts(rows[order // self.top], expert)
        back = torch.empty_like(mapped).index_copy(0, order, mapped).unflatten(0, (-1, self.top))
        mixed = (back * weight[..., None].to(back.dtype)).sum(1)
        return self.shared(x) + mixed.view_as(x)
