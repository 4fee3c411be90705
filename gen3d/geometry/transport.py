"""Earth mover's distance between clouds: what it costs to move one onto the other."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError

BLUR = 0.02
"""Default blur, in the units of the points: 2 % of the longest side of unit clouds."""

_MAX_ENTRIES = 2**22


def pairwise_transport(
    a: Float[Tensor, "s n 3"],
    b: Float[Tensor, "r m 3"],
    *,
    blur: float = BLUR,
    iterations: int = 40,
) -> Float[Tensor, "s r"]:
    """Return the entropic earth mover's distance of every cloud of ``a`` to every one of ``b``.

    The mean length of the moves of the plan that minimises <P, C> + blur * KL(P | uniform), found
    by Sinkhorn's iteration (Cuturi 2013, arXiv 1306.0895). It exceeds the exact distance by up to
    about the blur, for all pairs alike.

    Args:
        a: Clouds.
        b: Clouds.
        blur: Strength of the entropy; below a fortieth of the largest distance float32 underflows.
        iterations: Of Sinkhorn.

    Raises:
        InputError: A cloud is empty, or the blur is not positive.
    """
    if 0 in a.shape[1:] or 0 in b.shape[1:] or not blur > 0:
        raise InputError(
            f"transport needs points and a blur above 0, got {tuple(a.shape)}, "
            f"{tuple(b.shape)} and {blur}"
        )
    step = max(1, _MAX_ENTRIES // (len(b) * a.shape[1] * b.shape[1]))
    rows = [_transport(part, b, blur, iterations) for part in a.split(step)]
    return torch.cat(rows) if rows else a.new_zeros(0, len(b))


def _transport(
    a: Float[Tensor, "s n 3"], b: Float[Tensor, "r m 3"], blur: float, iterations: int
) -> Float[Tensor, "s r"]:
    cost = torch.cdist(a[:, None], b[None])
    kernel = (-cost / blur).exp()
    # All points weigh the same; 1e-30 keeps rows of zeros finite.
    v = torch.full((*cost.shape[:2], cost.shape[3], 1), 1.0 / cost.shape[3], device=a.device)
    for _ in range(iterations):
        u = 1 / (cost.shape[2] * (kernel @ v)).clamp_min(1e-30)
        v = 1 / (cost.shape[3] * (kernel.mT @ u)).clamp_min(1e-30)
    plan = u * kernel * v.mT
    return (plan * cost).sum((2, 3)) / plan.sum((2, 3)).clamp_min(1e-30)
