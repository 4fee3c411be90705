"""Frames and cameras.

The public frame is right-handed, Y up, object front +Z, longest side 1, centred at the origin.
Cameras have OpenCV axes: x right, y down, z forward; the centre of pixel (column i, row j) lies at
(i + 1/2, j + 1/2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh

Shape = TypeVar("Shape", Mesh, PointCloud)
Vector = tuple[float, float, float]

# Row vectors times these: Blender's own exporter and importer do the same.
Z_UP_TO_Y_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
Y_UP_TO_Z_UP = Z_UP_TO_Y_UP.T


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera.

    Args:
        width: Image width in pixels.
        height: Image height in pixels.
        fx: Focal length in pixels along x.
        fy: Focal length in pixels along y.
        cx: Principal point in pixels; ``width / 2`` is the middle of the image.
        cy: Principal point in pixels; ``height / 2`` is the middle of the image.
        world_to_camera: (4, 4) float64 rigid transform of column vectors.

    Raises:
        InputError: A size or focal length is not positive, or the matrix is no rigid transform.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    world_to_camera: Float[np.ndarray, "4 4"]

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 1 or not min(self.fx, self.fy) > 0:
            raise InputError(
                "a camera needs positive size and focal length, got "
                f"{self.width} x {self.height} pixels, f = ({self.fx}, {self.fy})"
            )
        matrix = np.asarray(self.world_to_camera, dtype=np.float64)
        if matrix.shape != (4, 4):
            raise InputError(f"world_to_camera must have shape (4, 4), got {matrix.shape}")
        rotation = matrix[:3, :3]
        rigid = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4)
        if not (rigid and np.linalg.det(rotation) > 0 and np.allclose(matrix[3], (0, 0, 0, 1))):
            raise InputError("world_to_camera must be a rotation and a translation")
        object.__setattr__(self, "world_to_camera", matrix)

    @property
    def position(self) -> Float[np.ndarray, " 3"]:
        """Where the camera stands, in the world."""
        return -self.world_to_camera[:3, :3].T @ self.world_to_camera[:3, 3]

    @property
    def intrinsics(self) -> Float[np.ndarray, "3 3"]:
        """The matrix K that takes camera coordinates to homogeneous pixels."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    def project(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Return column, row (in pixels) and depth (along z, in world units) of points.

        Points at depth 0 or behind the camera get the coordinates that the formula gives; callers
        that can meet them look at the depth.
        """
        rotation, shift = self.world_to_camera[:3, :3], self.world_to_camera[:3, 3]
        seen = np.asarray(points, dtype=np.float64) @ rotation.T + shift
        depth = seen[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            column = self.fx * seen[:, 0] / depth + self.cx
            row = self.fy * seen[:, 1] / depth + self.cy
        return np.stack([column, row, depth], axis=1)

    def resized(self, width: int, height: int) -> Camera:
        """Return the same view at another image size."""
        across, down = width / self.width, height / self.height
        return replace(
            self,
            width=width,
            height=height,
            fx=self.fx * across,
            cx=self.cx * across,
            fy=self.fy * down,
            cy=self.cy * down,
        )


def look_at(
    eye: Vector,
    target: Vector = (0.0, 0.0, 0.0),
    *,
    up: Vector = (0.0, 1.0, 0.0),
    fov_deg: float = 40.0,
    width: int = 512,
    height: int = 512,
) -> Camera:
    """Return the camera at ``eye`` that looks at ``target``.

    Args:
        eye: Position of the camera, in the world.
        target: The point in the middle of the image.
        up: World direction that points up in the image; looking along it is allowed.
        fov_deg: Field of view of the image's shorter side, in degrees.
        width: Image width in pixels.
        height: Image height in pixels.

    Raises:
        InputError: ``eye`` equals ``target``, or the field of view is not in (0, 180).
    """
    if not 0 < fov_deg < 180:
        raise InputError(f"fov_deg must lie in (0, 180), got {fov_deg}")
    forward = np.asarray(target, dtype=float) - np.asarray(eye, dtype=float)
    distance = float(np.linalg.norm(forward))
    if not distance > 0:
        raise InputError(f"the camera at {eye} must look at another point than its own")
    forward /= distance
    right = np.cross(forward, np.asarray(up, dtype=float))
    if np.linalg.norm(right) < 1e-9:
        # Straight up or down: any right hand does; +X keeps orbit() continuous at the poles.
        right = np.cross(forward, (0.0, 0.0, -1.0) if forward[1] < 0 else (0.0, 0.0, 1.0))
    if np.linalg.norm(right) < 1e-9:
        right = np.array([1.0, 0.0, 0.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = -rotation @ np.asarray(eye, dtype=float)
    focal = min(width, height) / 2 / math.tan(math.radians(fov_deg) / 2)
    return Camera(width, height, focal, focal, width / 2, height / 2, matrix)


def orbit(
    azimuth_deg: float,
    elevation_deg: float,
    *,
    distance: float | None = None,
    target: Vector = (0.0, 0.0, 0.0),
    radius: float = math.sqrt(3) / 2,
    fov_deg: float = 40.0,
    width: int = 512,
    height: int = 512,
) -> Camera:
    """Return a camera on a sphere around ``target``.

    Args:
        azimuth_deg: 0 looks at the object's front from +Z; 90 stands at +X.
        elevation_deg: Degrees above the horizon.
        distance: From the target; by default a sphere of ``radius`` just fits into the image.
        target: The point looked at.
        radius: Of the sphere to fit; the default encloses the unit cube.
        fov_deg: Field of view of the image's shorter side, in degrees.
        width: Image width in pixels.
        height: Image height in pixels.
    """
    if distance is None:
        distance = radius / math.sin(math.radians(fov_deg) / 2)
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    eye = (
        target[0] + distance * math.cos(elevation) * math.sin(azimuth),
        target[1] + distance * math.sin(elevation),
        target[2] + distance * math.cos(elevation) * math.cos(azimuth),
    )
    # Past the pole the world is seen upside down unless up turns with the camera.
    up = (0.0, 1.0, 0.0) if math.cos(elevation) >= 0 else (0.0, -1.0, 0.0)
    if abs(math.cos(elevation)) < 1e-6:
        side = -math.copysign(1.0, elevation)
        up = (side * math.sin(azimuth), 0.0, side * math.cos(azimuth))
    return look_at(eye, target, up=up, fov_deg=fov_deg, width=width, height=height)


def apply_linear(shape: Shape, matrix: Float[np.ndarray, "3 3"]) -> Shape:
    """Multiply positions (as row vectors) by a matrix; normals follow by its inverse transpose.

    A matrix that mirrors also reverses the faces, so that they still point outward.

    Raises:
        InputError: The matrix is singular.
    """
    determinant = float(np.linalg.det(matrix))
    if determinant == 0 or not math.isfinite(determinant):
        raise InputError("a transform must be invertible")
    turn = np.linalg.inv(matrix).T
    normals = _turned(shape.normals, turn)
    if isinstance(shape, Mesh):
        order = slice(None) if determinant > 0 else slice(None, None, -1)
        uvs, corner_normals = shape.corner_uvs, _turned(shape.corner_normals, turn)
        return shape.with_(
            vertices=shape.vertices @ matrix,
            faces=shape.faces[:, order],
            normals=normals,
            corner_uvs=None if uvs is None else uvs[:, order],
            corner_normals=None if corner_normals is None else corner_normals[:, order],
        )
    return shape.with_(points=shape.points @ matrix, normals=normals, offset=shape.offset @ matrix)


def _turned(normals: np.ndarray | None, turn: np.ndarray) -> np.ndarray | None:
    if normals is None:
        return None
    turned = normals @ turn
    return turned / np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-30)


def z_up_to_y_up(shape: Shape) -> Shape:
    """Turn a Z-up shape upright in the public frame: (x, y, z) -> (x, z, -y)."""
    return apply_linear(shape, Z_UP_TO_Y_UP)


def y_up_to_z_up(shape: Shape) -> Shape:
    """Turn a shape of the public frame Z up, as printers want it: (x, y, z) -> (x, -z, y)."""
    return apply_linear(shape, Y_UP_TO_Z_UP)


def normalise_unit(shape: Shape, *, longest: float = 1.0) -> Shape:
    """Centre the bounding box at the origin and make its longest side ``longest``.

    Raises:
        InputError: The shape is empty, or a single point.
    """
    low, high = shape.bounds.astype(np.float64)
    extent = float((high - low).max())
    if not extent > 0:
        raise InputError("a shape without extent cannot be scaled to a size")
    positions = shape.vertices if isinstance(shape, Mesh) else shape.points
    moved = (positions - (low + high) / 2) * (longest / extent)
    if isinstance(shape, Mesh):
        return shape.with_(vertices=moved)
    return shape.with_(points=moved, offset=np.zeros(3))
