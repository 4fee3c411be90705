"""Clouds in memory of other libraries: Open3D and PyTorch3D, where they are installed."""

from __future__ import annotations

from typing import Any

import numpy as np

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud, split_attribute
from gen3d.runtime.optional import require

_OPEN3D_SYSTEM = "libusb-1.0-0"


def to_open3d(cloud: PointCloud, *, legacy: bool = False) -> Any:
    """Return a cloud as one of Open3D.

    Args:
        cloud: What to convert.
        legacy: ``open3d.geometry.PointCloud`` in float64 with positions as of the file and no
            attributes, instead of ``open3d.t.geometry.PointCloud``, which keeps dtypes and
            attributes: positions are float64 there only where the cloud has a global shift.

    Raises:
        MissingDependencyError: Open3D is not installed.
    """
    o3d = require_open3d("clouds of Open3D")
    if legacy:
        made = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud.positions))
        if cloud.normals is not None:
            made.normals = o3d.utility.Vector3dVector(cloud.normals.astype(np.float64))
        if cloud.colors is not None:
            made.colors = o3d.utility.Vector3dVector(cloud.colors.astype(np.float64))
        return made
    made = o3d.t.geometry.PointCloud()
    positions = cloud.positions if cloud.offset.any() else cloud.points
    fields = {"positions": positions, "normals": cloud.normals, "colors": cloud.colors}
    for name, values in cloud.attributes.items():
        # Open3D writes attributes of one value as columns of width 1.
        fields |= {key: column[:, None] for key, column in split_attribute(name, values).items()}
    for name, values in fields.items():
        if values is not None:
            made.point[name] = o3d.core.Tensor(np.ascontiguousarray(values))
    return made


def from_open3d(cloud: Any) -> PointCloud:
    """Take a cloud from Open3D, of either kind.

    Raises:
        InputError: It has no points, or values that are not finite.
        MissingDependencyError: Open3D is not installed.
    """
    o3d = require_open3d("clouds of Open3D")
    if isinstance(cloud, o3d.geometry.PointCloud):
        fields = {
            "normals": np.asarray(cloud.normals) if cloud.has_normals() else None,
            "colors": np.asarray(cloud.colors) if cloud.has_colors() else None,
        }
        return PointCloud.from_positions(np.asarray(cloud.points), **fields)
    arrays = {name: values.numpy() for name, values in cloud.point.items()}
    positions = arrays.pop("positions", None)
    if positions is None:
        raise InputError("the cloud of Open3D has no positions")
    colours = arrays.pop("colors", None)
    if colours is not None and colours.dtype.kind in "iu":
        colours = colours / np.iinfo(colours.dtype).max
    return PointCloud.from_positions(
        positions,
        normals=arrays.pop("normals", None),
        colors=colours,
        attributes={
            name: values[:, 0] if values.shape[1:] == (1,) else values
            for name, values in arrays.items()
        },
    )


def to_pytorch3d(cloud: PointCloud) -> Any:
    """Return a cloud as ``pytorch3d.structures.Pointclouds`` of one, colours as features.

    Positions are without the global shift, for which float32 has no room.

    Raises:
        MissingDependencyError: PyTorch3D is not installed.
    """
    import torch

    structures = require("pytorch3d.structures", extra="points", feature="clouds of PyTorch3D")

    def batch(values: np.ndarray | None) -> list[torch.Tensor] | None:
        return None if values is None else [torch.from_numpy(values.copy())]

    return structures.Pointclouds(
        batch(cloud.points), normals=batch(cloud.normals), features=batch(cloud.colors)
    )


def from_pytorch3d(clouds: Any) -> list[PointCloud]:
    """Take the clouds of a ``Pointclouds``; three features in [0, 1] are colours.

    Other features become the attribute ``features``.

    Raises:
        InputError: Values are not finite.
    """
    normals, features = clouds.normals_list(), clouds.features_list()
    made = []
    for i, points in enumerate(clouds.points_list()):
        values = None if features is None else features[i].detach().cpu().numpy()
        is_colour = (
            values is not None
            and values.shape[1:] == (3,)
            and bool(((values >= 0) & (values <= 1)).all())
        )
        made.append(
            PointCloud(
                points.detach().cpu().numpy(),
                None if normals is None else normals[i].detach().cpu().numpy(),
                values if is_colour else None,
                attributes={} if values is None or is_colour else {"features": values},
            )
        )
    return made


def require_open3d(feature: str) -> Any:
    """Import Open3D.

    Args:
        feature: What needs it, in the user's words.

    Raises:
        MissingDependencyError: It is not installed, or lacks a system library.
    """
    return require("open3d", extra="points", feature=feature, system=_OPEN3D_SYSTEM)
