"""A reward for agreement with the outline in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.transforms import Camera, orbit
from gen3d.io.images import load_image
from gen3d.ops.raster import rasterize_mesh

_SIDE = 64


@dataclass(frozen=True, eq=False)
class SilhouetteIoU:
    """Intersection over union of the mesh's silhouette and a mask.

    With a camera both are compared pixel by pixel. Without one the mesh is seen from the front,
    from far away, and both outlines are first moved and scaled to fill the same square: the
    picture need not tell where the object was. 1 for equal outlines, 0 for disjoint ones or an
    empty mesh. Range 0 to 1, no unit.

    Args:
        mask: True where the object is.
        camera: Of the picture; its size must be that of the mask.

    Raises:
        InputError: The mask is empty, or its size is not the camera's.
    """

    mask: Bool[np.ndarray, "h w"]
    camera: Camera | None = None

    def __post_init__(self) -> None:
        if self.mask.ndim != 2 or self.mask.dtype != np.bool_ or not self.mask.any():
            raise InputError("a silhouette needs a mask (h, w) of bool that is not empty")
        if self.camera and self.mask.shape != (self.camera.height, self.camera.width):
            raise InputError(
                f"the mask has {self.mask.shape} pixels (h, w), "
                f"the camera {(self.camera.height, self.camera.width)}"
            )

    def __call__(self, mesh: Mesh) -> float:
        """Compare a mesh with the mask."""
        if not len(mesh.faces):
            return 0.0
        if self.camera is not None:
            return _iou(silhouette(mesh, self.camera), self.mask)
        # So narrow a field of view is nearly parallel projection.
        front = orbit(0.0, 0.0, fov_deg=4.0, width=2 * _SIDE, height=2 * _SIDE)
        seen = silhouette(mesh, front)
        return _iou(_framed(seen), _framed(self.mask)) if seen.any() else 0.0


def silhouette(mesh: Mesh, camera: Camera) -> Bool[np.ndarray, "h w"]:
    """Return the pixels whose centres see the mesh."""
    axes, offset = camera.world_to_camera[:3, :3], camera.world_to_camera[:3, 3]
    hits = rasterize_mesh(
        torch.from_numpy((mesh.vertices @ axes.T + offset).astype(np.float32)),
        torch.from_numpy(mesh.faces),
        focal=(camera.fx, camera.fy),
        principal=(camera.cx, camera.cy),
        size=(camera.width, camera.height),
    )
    return hits.face_id.numpy() >= 0


def read_silhouette(path: Path) -> SilhouetteIoU:
    """Read a picture whose alpha, or whose brightness where it is opaque, shows the object.

    Raises:
        UserError: The file is no picture, or shows nothing.
    """
    image = load_image(path)
    channel = image[..., 3] if image.shape[2] == 4 and image[..., 3].min() < 255 else None
    return SilhouetteIoU((image[..., :3].mean(axis=2) if channel is None else channel) > 127)


def _framed(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "s s"]:
    """Move and scale an outline so that its longer side fills a square; nearest samples."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    low = np.array([rows[0], columns[0]])
    extent = np.array([rows[-1], columns[-1]]) + 1 - low
    middle, side = low + extent / 2, extent.max()
    steps = (np.arange(_SIDE) + 0.5) / _SIDE * side - side / 2
    at = [np.floor(middle[axis] + steps).astype(np.int64) for axis in range(2)]
    inside = [(at[axis] >= 0) & (at[axis] < mask.shape[axis]) for axis in range(2)]
    clipped = [np.clip(at[axis], 0, mask.shape[axis] - 1) for axis in range(2)]
    return mask[np.ix_(*clipped)] & np.logical_and.outer(*inside)


def _iou(a: Bool[np.ndarray, "h w"], b: Bool[np.ndarray, "h w"]) -> float:
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 0.0
