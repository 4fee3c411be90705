"""How close shapes are, and how well a set of samples matches a set of references."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gen3d.errors import InputError

_MAX_ENTRIES = 2**24
"""Distances held at once; 64 MB in float32."""


def chamfer_distance(
    a: Float[Tensor, "*batch n 3"], b: Float[Tensor, "*batch m 3"], *, squared: bool = False
) -> Float[Tensor, "*batch"]:
    """Return the symmetric Chamfer distance: the mean of the two mean distances to the nearest.

    ``(mean_i min_j |a_i - b_j| + mean_j min_i |a_i - b_j|) / 2``, so that it reads as a length in
    the units of the points (Fan et al. 2017, arXiv 1612.00603, sum and square them instead).
    Differentiable; nearest neighbours are held fixed.

    Args:
        a: Points.
        b: Points; leading dimensions broadcast against those of ``a``.
        squared: Average squared distances.

    Raises:
        InputError: A cloud is empty, or not of three coordinates.
    """
    for cloud in (a, b):
        if cloud.shape[-1] != 3 or cloud.shape[-2] == 0:
            raise InputError(f"clouds must have shape (..., n, 3) with n > 0, got {cloud.shape}")
    batch = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    flat_a = a.expand(*batch, *a.shape[-2:]).reshape(-1, a.shape[-2], 3)
    flat_b = b.expand(*batch, *b.shape[-2:]).reshape(-1, b.shape[-2], 3)
    step = max(1, _MAX_ENTRIES // (a.shape[-2] * b.shape[-2]))
    parts = [
        _chamfer(flat_a[start : start + step], flat_b[start : start + step], squared)
        for start in range(0, len(flat_a), step)
    ]
    return torch.cat(parts).reshape(batch) if parts else a.new_zeros(batch)


def pairwise_chamfer(
    a: Float[Tensor, "s n 3"], b: Float[Tensor, "r m 3"], *, squared: bool = False
) -> Float[Tensor, "s r"]:
    """Return the Chamfer distance of every cloud of ``a`` to every cloud of ``b``."""
    return torch.stack([chamfer_distance(cloud, b, squared=squared) for cloud in a])


def volume_iou(a: Bool[Tensor, "*batch n"], b: Bool[Tensor, "*batch n"]) -> Float[Tensor, "*batch"]:
    """Return intersection over union of two solids, from insideness at common points.

    Two empty solids agree: 1.
    """
    if a.dtype != torch.bool or b.dtype != torch.bool:
        raise InputError(f"insideness must be bool, got {a.dtype} and {b.dtype}")
    union = (a | b).sum(dim=-1)
    common = (a & b).sum(dim=-1)
    return torch.where(union > 0, common / union.clamp(min=1), 1.0)


def one_nna(
    within_samples: Float[Tensor, "s s"],
    within_references: Float[Tensor, "r r"],
    across: Float[Tensor, "s r"],
) -> float:
    """Return the accuracy of telling samples from references by the nearest neighbour.

    Each item is put into the set of its nearest other item; 0.5 means that the sets cannot be told
    apart, 1 that samples look like nothing real (or real shapes like no sample), and less than 0.5
    that samples copy references (Lopez-Paz and Oquab 2017; Yang et al. 2019, arXiv 1906.12320,
    section 5.1). Meant for sets of equal size.

    Args:
        within_samples: Distances among samples; the diagonal is ignored.
        within_references: Distances among references; the diagonal is ignored.
        across: Distances of samples (rows) to references (columns).

    Raises:
        InputError: The distances do not fit each other.
    """
    return float(nearest_is_own(within_samples, within_references, across).double().mean())


def nearest_is_own(
    within_samples: Float[Tensor, "s s"],
    within_references: Float[Tensor, "r r"],
    across: Float[Tensor, "s r"],
) -> Bool[Tensor, " items"]:
    """Tell of each item, samples first, whether its nearest other item is of the same set.

    The mean is :func:`one_nna`.

    Args:
        within_samples: Distances among samples; the diagonal is ignored.
        within_references: Distances among references; the diagonal is ignored.
        across: Distances of samples (rows) to references (columns).
    """
    samples, references = across.shape
    if within_samples.shape != (samples, samples) or within_references.shape != (
        references,
        references,
    ):
        raise InputError(
            f"distances of {samples} samples and {references} references do not fit "
            f"{tuple(within_samples.shape)} and {tuple(within_references.shape)}"
        )
    top = torch.cat([within_samples, across], dim=1)
    bottom = torch.cat([across.T, within_references], dim=1)
    distances = torch.cat([top, bottom]).clone()
    distances.fill_diagonal_(torch.inf)
    is_sample = torch.arange(samples + references) < samples
    nearest = distances.argmin(dim=1).cpu()
    return is_sample[nearest] == is_sample


def coverage(across: Float[Tensor, "s r"]) -> float:
    """Return the fraction of references that are the nearest to some sample.

    Achlioptas et al. 2018, arXiv 1707.02392, section 4.
    """
    return len(across.argmin(dim=1).unique()) / across.shape[1]


def minimum_matching_distance(across: Float[Tensor, "s r"]) -> float:
    """Return the mean distance of references to their nearest samples (Achlioptas et al. 2018)."""
    return float(across.min(dim=0).values.mean())


def _chamfer(
    a: Float[Tensor, "b n 3"], b: Float[Tensor, "b m 3"], squared: bool
) -> Float[Tensor, " b"]:
    with torch.no_grad():
        # The expanded square is fast but rounds badly near zero, so it only picks the neighbours;
        # a common shift to the origin keeps what it rounds small.
        middle = a.mean(dim=1, keepdim=True)
        near_a, near_b = a - middle, b - middle
        square = torch.baddbmm(near_b.square().sum(-1)[:, None], near_a, near_b.mT, alpha=-2)
        to_b = square.argmin(dim=2)
        to_a = square.add_(near_a.square().sum(-1)[..., None]).argmin(dim=1)
    total = _mean_distance(a, b, to_b, squared) + _mean_distance(b, a, to_a, squared)
    return total / 2


def _mean_distance(
    a: Float[Tensor, "b n 3"], b: Float[Tensor, "b m 3"], index: Tensor, squared: bool
) -> Float[Tensor, " b"]:
    difference = a - b.gather(1, index[..., None].expand(-1, -1, 3))
    if squared:
        return difference.square().sum(-1).mean(dim=1)
    return torch.linalg.vector_norm(difference, dim=-1).mean(dim=1)
