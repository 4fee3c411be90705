"""How well one surface follows another, from points on both."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import InputError

_MAX_ENTRIES = 2**23


@dataclass(frozen=True)
class SurfaceAgreement:
    """How well two surfaces agree.

    Attributes:
        precision: Share of the made points within the tolerance of the true surface.
        recall: Share of the true points within the tolerance of the made surface.
        fscore: Their harmonic mean (Knapitsch et al. 2017, "Tanks and temples", section 5).
        normal_consistency: Mean of |n . m| over nearest points of both ways (Mescheder et al.
            2019, arXiv 1812.03828, supplement 3).
    """

    precision: float
    recall: float
    fscore: float
    normal_consistency: float


def nearest_points(
    queries: Float[Tensor, "q 3"], points: Float[Tensor, "n 3"]
) -> tuple[Float[Tensor, " q"], Int[Tensor, " q"]]:
    """Return the distance of each query to its nearest point, and which that is.

    Raises:
        InputError: There are no points.
    """
    if not len(points):
        raise InputError("the nearest of no points was asked for")
    rows = queries.split(max(1, _MAX_ENTRIES // len(points)))
    index = torch.cat([torch.cdist(row, points).argmin(1) for row in rows])
    # The expanded square that picks them rounds badly near zero.
    return (queries - points[index]).norm(dim=1), index


def compare_surfaces(
    made: Float[Tensor, "n 6"], true: Float[Tensor, "m 6"], *, tolerance: float
) -> SurfaceAgreement:
    """Compare points with normals on a made surface and on a true one.

    Args:
        made: Positions and unit normals; so dense that gaps stay below the tolerance.
        true: Likewise.
        tolerance: In the units of the points.

    Raises:
        InputError: One of them is empty.
    """
    to_true, at_true = nearest_points(made[:, :3], true[:, :3])
    to_made, at_made = nearest_points(true[:, :3], made[:, :3])
    precision = float((to_true <= tolerance).double().mean())
    recall = float((to_made <= tolerance).double().mean())
    cosines = [
        (made[:, 3:] * true[at_true, 3:]).sum(1).abs().mean(),
        (true[:, 3:] * made[at_made, 3:]).sum(1).abs().mean(),
    ]
    both = precision + recall
    return SurfaceAgreement(
        precision,
        recall,
        2 * precision * recall / both if both else 0.0,
        float(torch.stack(cosines).mean()),
    )
