"""A surface from an oriented cloud, through Open3D."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float

from gen3d.errors import EmptySurfaceError, InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.cloud_adapters import require_open3d
from gen3d.geometry.mesh import Mesh
from gen3d.ops.points import knn

Method = Literal["poisson", "ball-pivoting"]

_MIN_POINTS = 8
_NORMAL_NEIGHBOURS = 30
_ORIENT_NEIGHBOURS = 15
_RADII = (1.0, 2.0, 4.0)
"""Of the balls, in mean distances to the nearest point; holes of other densities need several."""


def surface_of(
    cloud: PointCloud,
    *,
    method: Method = "poisson",
    depth: int = 8,
    trim: float = 0.02,
) -> Mesh:
    """Reconstruct the surface that a cloud was taken from, in the frame of ``cloud.points``.

    Poisson (Kazhdan and Hoppe 2013, doi 10.1145/2487228.2487237) closes gaps; its density tells
    where it had points to go by, and the least dense vertices are cut away. Ball pivoting
    (Bernardini et al. 1999, doi 10.1109/2945.817351) goes through the points and leaves gaps
    open. Colours are those of the nearest points.

    Args:
        cloud: At least 8 points; normals that it lacks are estimated and turned alike.
        method: See above.
        depth: Of Poisson's octree, 3..14: about ``2**depth`` cells per axis.
        trim: Share of Poisson's vertices to cut away, in [0, 1).

    Raises:
        InputError: There are too few points, or an option is out of its range.
        EmptySurfaceError: No surface was found.
        MissingDependencyError: Open3D is not installed.
    """
    if len(cloud) < _MIN_POINTS:
        raise InputError(f"a surface needs at least {_MIN_POINTS} points, got {len(cloud)}")
    if not (3 <= depth <= 14 and 0 <= trim < 1):
        raise InputError(f"depth must lie in 3..14 and trim in [0, 1), got {depth} and {trim}")
    o3d = require_open3d("--mesh")
    made = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud.points.astype(np.float64)))
    spacing = _spacing(cloud.points)
    if cloud.normals is not None:
        made.normals = o3d.utility.Vector3dVector(cloud.normals.astype(np.float64))
    else:
        _orient(o3d, made, len(cloud))
    if method == "poisson":
        # With several threads the order of its sums, and so the last bits, would change.
        raw, densities = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(
            made, depth=depth, n_threads=1
        )
        thin = np.asarray(densities) < np.quantile(np.asarray(densities), trim)
        raw.remove_vertices_by_mask(thin)
    else:
        radii = o3d.utility.DoubleVector([factor * spacing for factor in _RADII])
        raw = o3d.geometry.TriangleMesh.create_from_point_cloud_ball_pivoting(made, radii)
    faces = np.asarray(raw.triangles, dtype=np.int64)
    if not len(faces):
        raise EmptySurfaceError(f"no surface was found through {len(cloud)} points")
    mesh = Mesh(np.asarray(raw.vertices), faces)
    return mesh if cloud.colors is None else mesh.with_(colors=_nearest_colours(mesh, cloud))


def _orient(o3d: Any, made: Any, count: int) -> None:
    made.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(min(_NORMAL_NEIGHBOURS, count)))
    made.orient_normals_consistent_tangent_plane(min(_ORIENT_NEIGHBOURS, count - 1))
    # The tree that turns them alike does not know which side is outside.
    points, normals = np.asarray(made.points), np.asarray(made.normals)
    top = np.argmax(points[:, 1])
    if normals[top, 1] < 0:
        made.normals = o3d.utility.Vector3dVector(-normals)


def _spacing(points: Float[np.ndarray, "n 3"]) -> float:
    tensor = torch.from_numpy(points)
    nearest = knn(tensor, tensor, 1, include_self=False).distances_squared
    spacing = float(nearest.sqrt().mean())
    if not spacing > 0:
        raise InputError("all points coincide: there is no surface")
    return spacing


def _nearest_colours(mesh: Mesh, cloud: PointCloud) -> np.ndarray:
    assert cloud.colors is not None
    found = knn(torch.from_numpy(mesh.vertices), torch.from_numpy(cloud.points), 1).indices[:, 0]
    return cloud.colors[found.numpy()]
