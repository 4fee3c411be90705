"""How well a made cloud follows a true one, in the conventions that the field reports in.

Let ``a`` be the squared distances of made points to the nearest true ones and ``b`` those of true
points to the nearest made ones. The same two clouds get numbers a factor of two and powers of ten
apart, so results name their convention:

======  ==========================  =============================  =========================
name    CD                          HD                             P2F
======  ==========================  =============================  =========================
pufm    (mean a + mean b) / 2       (max a + max b) / 2            mean distance to the mesh
pugan   mean a + mean b             max a + max b                  mean distance to the mesh
true    mean of both mean roots     largest root                   mean of both ways
======  ==========================  =============================  =========================

``pugan`` first moves each cloud into the unit sphere on its own (but not for P2F), as the
evaluators of PU-GAN (arXiv 1907.10844), PU-GCN and Grad-PU do; ``pufm`` takes clouds as they come,
as those of PUFM (arXiv 2501.15286) and PUDM do. ``true`` has lengths: the Chamfer distance of
:func:`gen3d.geometry.metrics.chamfer_distance`, Hausdorff's distance, and the way back from the
mesh that a one-sided P2F leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import face_normals
from gen3d.geometry.occupancy_divergence import occupancy_divergence
from gen3d.geometry.sample import sample_surface
from gen3d.geometry.triangle_distance import closest_faces
from gen3d.geometry.uniformity import disk_uniformity
from gen3d.ops.points import auction_assign, chamfer, knn
from gen3d.runtime.seeds import make_generator

Convention = Literal["pufm", "pugan", "true"]
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)

FACTORS: dict[Convention, tuple[float, float, float]] = {
    "pufm": (1e4, 1e3, 1e3),
    "pugan": (1e3, 1e3, 1e3),
    "true": (1.0, 1.0, 1.0),
}
"""What tables multiply CD, HD and P2F by."""

EMD_POINTS = 2048
_EMD_EPS = 5e-4
_EMD_ROUNDS = 2000


@dataclass(frozen=True)
class CloudScores:
    """Distances under one convention, without the factor of tables.

    Attributes:
        cd: Chamfer distance.
        hd: Hausdorff distance.
        p2f: Distance to the mesh; None without one.
    """

    cd: float
    hd: float
    p2f: float | None


@dataclass(frozen=True)
class CloudComparison:
    """A made cloud against a true one.

    Attributes:
        scores: Distances by convention.
        emd: Mean length of the moves that take (up to 2048 points of) one cloud to the other.
        jsd: See :func:`gen3d.geometry.occupancy_divergence.occupancy_divergence`.
        jsd_floor: That of two independent samplings of the mesh with as many points, which is what
            ``jsd`` amounts to without any error; None without a mesh.
        uniformity: See :func:`gen3d.geometry.uniformity.disk_uniformity`, by share of the area;
            empty without a mesh.
        normal_consistency: Mean of ``|n . m|`` of made normals and those of the nearest face, or
            of the nearest true points both ways without a mesh; None without normals.
    """

    scores: dict[Convention, CloudScores]
    emd: float
    jsd: float
    jsd_floor: float | None
    uniformity: dict[float, float | None]
    normal_consistency: float | None


def compare_clouds(
    made: PointCloud, true: PointCloud, mesh: Mesh | None = None, *, seed: int = 0
) -> CloudComparison:
    """Measure a cloud by all conventions at once.

    Args:
        made: At least one point.
        true: At least one point, in the same frame.
        mesh: The surface that both are of, in that frame.
        seed: Of the samplings of the mesh and of clouds too large for the matching.

    Raises:
        InputError: A cloud or the mesh is empty, or a cloud is a single place.
    """
    if not len(made) or not len(true):
        raise InputError(f"clouds to compare need points, got {len(made)} and {len(true)}")
    points = made.points + (made.offset - true.offset)
    if mesh is not None:
        mesh = mesh.with_(vertices=mesh.vertices - true.offset)
    generator = make_generator(seed)
    distances = faces = None
    if mesh is not None:
        distances, faces = closest_faces(points, mesh)
    scores: dict[Convention, CloudScores] = {
        "pufm": _squared_scores(points, true.points, 0.5, distances),
        "pugan": _squared_scores(unit_sphere(points), unit_sphere(true.points), 1.0, distances),
        "true": _length_scores(points, true.points, distances, mesh, generator),
    }
    floor, uniformity = None, {}
    if mesh is not None and faces is not None:
        floor = _divergence_floor(mesh, len(points), len(true), generator)
        uniformity = disk_uniformity(points, face_normals(mesh)[faces], mesh, generator)
    return CloudComparison(
        scores,
        earth_movers_distance(points, true.points, generator),
        occupancy_divergence(points, true.points),
        floor,
        uniformity,
        _normal_consistency(made, true, mesh, faces),
    )


def nearest_squares(
    a: Float[np.ndarray, "n 3"], b: Float[np.ndarray, "m 3"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"]]:
    """Return the squared distance of each point to the nearest of the other cloud, in float64."""
    middle = b.mean(axis=0)
    found = chamfer(*(torch.from_numpy((cloud - middle).astype(np.float32)) for cloud in (a, b)))
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    to_b = ((wide_a - wide_b[found.a_indices.numpy()]) ** 2).sum(axis=1)
    to_a = ((wide_b - wide_a[found.b_indices.numpy()]) ** 2).sum(axis=1)
    return to_b, to_a


def earth_movers_distance(
    a: Float[np.ndarray, "n 3"], b: Float[np.ndarray, "m 3"], generator: torch.Generator
) -> float:
    """Return the mean length of the moves that take one cloud to the other, point by point.

    By the auction of :func:`gen3d.ops.points.auction_assign`, which finds the least such mean to
    within 5e-4 of the larger extent.

    Args:
        a: Points; where there are more than 2048 or more than in ``b``, some drawn of them.
        b: Likewise.
        generator: CPU source of the draws.
    """
    count = min(len(a), len(b), EMD_POINTS)
    middle, extent = b.mean(axis=0), float(max(np.ptp(a, axis=0).max(), np.ptp(b, axis=0).max()))
    drawn = []
    for cloud in (a, b):
        index = torch.randperm(len(cloud), generator=generator)[:count].sort().values
        scaled = (cloud - middle)[index.numpy()] / (extent or 1.0)
        drawn.append(torch.from_numpy(scaled.astype(np.float32)))
    target, _ = auction_assign(*drawn, eps=_EMD_EPS, iterations=_EMD_ROUNDS)
    return float((drawn[0] - drawn[1][target]).norm(dim=1).mean()) * (extent or 1.0)


def unit_sphere(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Move the mean to the origin and the furthest point to distance 1, in float64.

    Raises:
        InputError: All points coincide.
    """
    moved = points - points.mean(axis=0, dtype=np.float64)
    radius = float(np.linalg.norm(moved, axis=1).max())
    if not radius > 0:
        raise InputError("a cloud that is a single place cannot be scaled to the unit sphere")
    return moved / radius


def _squared_scores(
    a: np.ndarray, b: np.ndarray, share: float, to_mesh: np.ndarray | None
) -> CloudScores:
    to_b, to_a = nearest_squares(a, b)
    return CloudScores(
        share * float(to_b.mean() + to_a.mean()),
        share * float(to_b.max() + to_a.max()),
        None if to_mesh is None else float(to_mesh.mean()),
    )


def _length_scores(
    a: np.ndarray,
    b: np.ndarray,
    to_mesh: np.ndarray | None,
    mesh: Mesh | None,
    generator: torch.Generator,
) -> CloudScores:
    to_b, to_a = (np.sqrt(squares) for squares in nearest_squares(a, b))
    p2f = None
    if to_mesh is not None and mesh is not None:
        _, back = nearest_squares(a, sample_surface(mesh, len(a), generator).points)
        p2f = float(to_mesh.mean() + np.sqrt(back).mean()) / 2
    return CloudScores(
        float(to_b.mean() + to_a.mean()) / 2, float(max(to_b.max(), to_a.max())), p2f
    )


def _divergence_floor(mesh: Mesh, made: int, true: int, generator: torch.Generator) -> float:
    first, second = (sample_surface(mesh, count, generator).points for count in (made, true))
    return occupancy_divergence(first, second)


def _normal_consistency(
    made: PointCloud, true: PointCloud, mesh: Mesh | None, faces: np.ndarray | None
) -> float | None:
    if made.normals is None:
        return None
    if mesh is not None and faces is not None:
        return float(np.abs((made.normals * face_normals(mesh)[faces]).sum(axis=1)).mean())
    if true.normals is None:
        return None
    a, b = (torch.from_numpy(np.float32(x)) for x in (made.positions - true.offset, true.points))
    n, m = torch.from_numpy(made.normals), torch.from_numpy(true.normals)
    ways = [_agreement(n, m, a, b), _agreement(m, n, b, a)]
    return sum(ways) / 2


def _agreement(n: Tensor, m: Tensor, a: Tensor, b: Tensor) -> float:
    return float((n * m[knn(a, b, 1).indices[:, 0]]).sum(dim=1).abs().mean())
