"""Random pictures of a mesh: cameras, lights and shading as varied as photographs are."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from pydantic import BaseModel, ConfigDict, Field

from gen3d.data.mesh_sampling import PaintedMesh
from gen3d.geometry.color import linear_to_srgb, srgb_to_linear
from gen3d.geometry.normals import face_normals
from gen3d.geometry.transforms import Camera, orbit
from gen3d.ops.raster import rasterize_mesh
from gen3d.splatting.shading import corner_normals

# A pinhole so far away that its rays are parallel to a twentieth of a pixel.
_PARALLEL_FOV_DEG = 2.0


class ViewStyle(BaseModel):
    """What pictures are drawn from.

    Attributes:
        size: Pixels per side.
        fill: Share of the side that the object's longer extent in the picture takes.
        supersample: Samples per pixel and axis.
        elevation_deg: Lowest and highest camera, above the horizon.
        fov_deg: Smallest and largest field of view of the sphere around the object.
        roll_deg: Standard deviation of the camera's tilt.
        parallel_share: Share of the pictures without perspective.
        front_share: Share of the pictures from the front half; the others are from anywhere.
        flat_share: Share of the pictures with faceted shading.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(default=112, ge=8, le=1024)
    fill: float = Field(default=0.85, gt=0, le=1)
    supersample: int = Field(default=2, ge=1, le=8)
    elevation_deg: tuple[float, float] = (-15.0, 60.0)
    fov_deg: tuple[float, float] = (20.0, 60.0)
    roll_deg: float = Field(default=3.0, ge=0)
    parallel_share: float = Field(default=0.2, ge=0, le=1)
    front_share: float = Field(default=0.6, ge=0, le=1)
    flat_share: float = Field(default=0.25, ge=0, le=1)


@dataclass(frozen=True)
class View:
    """Where a picture is taken from.

    Attributes:
        azimuth_deg: 0 looks at the object's front, 90 stands at its +X side; in (-180, 180].
        elevation_deg: Above the horizon.
        fov_deg: Field of view of the sphere around the object.
        roll_deg: Tilt of the camera, clockwise.
    """

    azimuth_deg: float
    elevation_deg: float
    fov_deg: float
    roll_deg: float


@dataclass(frozen=True)
class Light:
    """Linear light on a scene: a sky, a ground, lamps at infinity and a highlight.

    Attributes:
        sky: Irradiance of surfaces that look up.
        ground: Of surfaces that look down.
        directions: Unit vectors to the lamps.
        colours: Irradiance of surfaces that face them.
        wrap: How far the lamps reach around, 0 is sharp.
        gloss: Strength of the highlight.
        shininess: Its exponent.
    """

    sky: Float[np.ndarray, " 3"]
    ground: Float[np.ndarray, " 3"]
    directions: Float[np.ndarray, "lamps 3"]
    colours: Float[np.ndarray, "lamps 3"]
    wrap: float
    gloss: float
    shininess: float


def random_view(rng: np.random.Generator, style: ViewStyle) -> View:
    """Draw a camera: people look from the front and from a little above more often."""
    half = 90.0 if rng.random() < style.front_share else 180.0
    low, high = style.elevation_deg
    parallel = rng.random() < style.parallel_share
    return View(
        azimuth_deg=float(rng.uniform(-half, half)),
        elevation_deg=float(low + (high - low) * rng.beta(2.0, 2.2)),
        fov_deg=_PARALLEL_FOV_DEG if parallel else float(rng.uniform(*style.fov_deg)),
        roll_deg=float(np.clip(rng.normal(0, style.roll_deg), *(-10.0, 10.0))),
    )


def random_light(rng: np.random.Generator, azimuth_deg: float) -> Light:
    """Draw soft light with one to three lamps, the brightest on the camera's side.

    A white surface facing the brightest lamp gets about 1, give or take the exposure.
    """
    exposure = rng.uniform(0.8, 1.15)
    ambient = rng.uniform(0.3, 0.75)
    warmth = rng.normal(0, 0.04)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    lamps = int(rng.integers(1, 4))
    strengths = (1 - ambient) * np.array([1.1, 0.35, 0.25])[:lamps]
    spread = np.where(np.arange(lamps) == 0, 80.0, 180.0)
    azimuths = np.radians(azimuth_deg + rng.uniform(-1, 1, lamps) * spread)
    heights = rng.uniform(0.1, 0.95, lamps)
    flat = np.sqrt(1 - heights**2)
    directions = np.stack([flat * np.sin(azimuths), heights, flat * np.cos(azimuths)], axis=1)
    tints = tint * (1 + rng.normal(0, 0.03, (lamps, 3)))
    return Light(
        sky=exposure * ambient * tint,
        ground=exposure * ambient * rng.uniform(0.35, 0.8) * tint,
        directions=directions,
        colours=exposure * strengths[:, None] * tints,
        wrap=float(rng.uniform(0, 0.3)),
        gloss=float(rng.choice([0.0, rng.uniform(0.02, 0.25)])),
        shininess=float(rng.uniform(8, 60)),
    )


def camera_of(view: View, vertices: Float[np.ndarray, "v 3"], style: ViewStyle) -> Camera:
    """Place the camera so that the object fills the picture as asked.

    Args:
        view: The direction.
        vertices: Of the object, centred at the origin up to a little.
        style: Size and fill.
    """
    radius = 1.05 * float(np.linalg.norm(vertices, axis=1).max())
    camera = orbit(
        view.azimuth_deg,
        view.elevation_deg,
        radius=radius,
        fov_deg=view.fov_deg,
        width=style.size,
        height=style.size,
    )
    roll = math.radians(view.roll_deg)
    turn = np.eye(4)
    turn[:2, :2] = [[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]]
    camera = replace(camera, world_to_camera=turn @ camera.world_to_camera)
    seen = camera.project(vertices)[:, :2]
    low, high = seen.min(0), seen.max(0)
    zoom = style.fill * style.size / float((high - low).max())
    shift = style.size / 2 - zoom * ((low + high) / 2 - style.size / 2)
    return replace(
        camera, fx=zoom * camera.fx, fy=zoom * camera.fy, cx=float(shift[0]), cy=float(shift[1])
    )


class Subject:
    """A mesh, prepared for several pictures.

    Args:
        painted: Y up, centred at the origin up to a little, with at least one face.
    """

    def __init__(self, painted: PaintedMesh) -> None:
        mesh = painted.mesh
        self.vertices = mesh.vertices.astype(np.float64)
        self.faces = torch.from_numpy(mesh.faces)
        self._albedo = srgb_to_linear(painted.colours).astype(np.float32)
        self._smooth = corner_normals(mesh).astype(np.float32)
        self._flat = np.broadcast_to(face_normals(mesh)[:, None], self._smooth.shape)

    def draw(
        self, camera: Camera, light: Light, *, flat: bool = False, supersample: int = 2
    ) -> UInt8[np.ndarray, "h w 4"]:
        """Draw one picture.

        Args:
            camera: From where; see :func:`camera_of`.
            light: The light.
            flat: Faceted shading.
            supersample: Samples per pixel and axis.

        Returns:
            sRGB bytes with straight opacity.
        """
        fine = camera.resized(camera.width * supersample, camera.height * supersample)
        axes, offset = fine.world_to_camera[:3, :3], fine.world_to_camera[:3, 3]
        hits = rasterize_mesh(
            torch.from_numpy((self.vertices @ axes.T + offset).astype(np.float32)),
            self.faces,
            focal=(fine.fx, fine.fy),
            principal=(fine.cx, fine.cy),
            size=(fine.width, fine.height),
        )
        face = hits.face_id.numpy()
        rows, columns = np.nonzero(face >= 0)
        picked, weight = face[rows, columns], hits.barycentric.numpy()[rows, columns]
        normal = _blended(self._flat if flat else self._smooth, picked, weight)
        albedo = _blended(self._albedo, picked, weight)
        image = np.zeros((fine.height, fine.width, 4), np.float32)
        image[rows, columns, :3] = _lit(albedo, normal, axes[2], light)
        image[rows, columns, 3] = 1
        return _averaged(image, supersample)


def draw_views(
    painted: PaintedMesh, style: ViewStyle, count: int, seed: tuple[int, int]
) -> tuple[UInt8[np.ndarray, "count size size 4"], list[View]]:
    """Draw several random pictures of a mesh; equal seeds give equal pictures.

    Args:
        painted: See :class:`Subject`.
        style: What they are drawn from.
        count: How many.
        seed: Of the set, and of the object in it.
    """
    subject = Subject(painted)
    images, views = [], []
    for number in range(count):
        rng = np.random.default_rng([*seed, number])
        view = random_view(rng, style)
        light = random_light(rng, view.azimuth_deg)
        flat = bool(rng.random() < style.flat_share)
        camera = camera_of(view, subject.vertices, style)
        images.append(subject.draw(camera, light, flat=flat, supersample=style.supersample))
        views.append(view)
    return np.stack(images), views


def _blended(
    corners: Float[np.ndarray, "f 3 c"],
    faces: Int[np.ndarray, " n"],
    weight: Float[np.ndarray, "n 3"],
) -> Float[np.ndarray, "n c"]:
    # Written out: a sum over an axis of three is slow in numpy.
    a, b, c = (corners[faces, k] * weight[:, k, None] for k in range(3))
    return a + b + c


def _lit(
    albedo: Float[np.ndarray, "n 3"],
    normal: Float[np.ndarray, "n 3"],
    forward: Float[np.ndarray, " 3"],
    light: Light,
) -> Float[np.ndarray, "n 3"]:
    """Linear colour under a light; normals are turned to the camera and made unit."""
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    facing = np.where(normal @ forward > 0, -1.0, 1.0)[:, None]
    normal = normal * (facing / np.maximum(length, 1e-9)).astype(np.float32)
    up = 0.5 + 0.5 * normal[:, 1:2]
    diffuse = light.ground + (light.sky - light.ground) * up
    cosine = (normal @ light.directions.T + light.wrap) / (1 + light.wrap)
    colour = albedo * (diffuse + np.clip(cosine, 0, None) @ light.colours)
    if light.gloss > 0:
        half = light.directions[0] - forward
        half = half / max(float(np.linalg.norm(half)), 1e-9)
        colour += light.gloss * np.clip(normal @ half, 0, None)[:, None] ** light.shininess
    return colour


def _averaged(samples: Float[np.ndarray, "H W 4"], factor: int) -> UInt8[np.ndarray, "h w 4"]:
    """Mean over blocks, in linear light with premultiplied opacity (zero where there is none)."""
    height, width = samples.shape[0] // factor, samples.shape[1] // factor
    blocks = samples.reshape(height, factor, width, factor, 4)
    total = np.zeros((height, width, 4), np.float32)
    for i in range(factor * factor):
        total += blocks[:, i // factor, :, i % factor]
    mean = total / factor**2
    colour = linear_to_srgb(np.clip(mean[..., :3] / np.maximum(mean[..., 3:], 1e-6), 0, 1))
    return (np.concatenate([colour, mean[..., 3:]], axis=-1) * 255 + 0.5).astype(np.uint8)
