"""Generated shapes, reduced to what figures need and kept on disk, so that a bench resumes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from gen3d.errors import EmptySurfaceError
from gen3d.geometry.color import dominant_basic_colour, nearest_basic_colour
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.sample import sample_surface
from gen3d.geometry.transforms import normalise_unit, orbit
from gen3d.rewards.silhouette import silhouette
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.seeds import make_generator
from gen3d.splatting.mesh_render import render_mesh
from gen3d.vecset.result import ShapeResult

CLOUD = 1024
TILE = 112
VIEWS = 8
"""Silhouettes of each shape, an eighth of a turn apart."""

# Besides the cameras that images are drawn from: above and below the horizon in turn.
_ELEVATIONS_DEG = (25.0, -10.0)
_FIRST_AZIMUTH_DEG = 22.5
_SILHOUETTE_SIDE = 96


@dataclass(frozen=True)
class Sample:
    """One generated shape.

    Attributes:
        points: Surface points, longest side 1, centred.
        names: Basic colour of each, as index into ``COLOUR_NAMES``.
        colour: Dominant basic colour.
        stray: Stray pieces before clean-up.
        cavities: Small cavities before clean-up.
        components: Pieces after it.
        watertight: Whether the mesh is closed.
        silhouettes: From around, see :func:`silhouettes_of`.
        inside: Insideness at the places that were asked for; none where nothing was.
        tile: Its picture.
        seconds: What it took.
    """

    points: Float[np.ndarray, "n 3"]
    names: UInt8[np.ndarray, " n"]
    colour: str
    stray: int
    cavities: int
    components: int
    watertight: bool
    silhouettes: Bool[np.ndarray, "views h w"]
    inside: Bool[np.ndarray, " k"]
    tile: UInt8[np.ndarray, "h w 3"]
    seconds: float


class SampleStore:
    """Finished samples of one model.

    Args:
        folder: Where they lie; made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(
        self,
        key: str,
        make: Callable[[], ShapeResult],
        *,
        inside: Callable[[], Bool[np.ndarray, " k"]] | None = None,
    ) -> Sample | None:
        """Return the sample of a key, made now if it is new; None: it has no surface.

        Args:
            key: Everything that it depends on besides the model.
            make: Makes the shape.
            inside: Tells insideness, where that will be needed.
        """
        path = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
        if not path.exists():
            row = _measured(make, inside)
            with atomic_write(path) as file:
                np.savez(file, **row)  # type: ignore[arg-type]
        return _read(path)


def silhouettes_of(mesh: Mesh) -> Bool[np.ndarray, "views h w"]:
    """Return the outlines of a mesh, in unit size, from ``VIEWS`` places around it.

    A quarter turn of the mesh about the vertical moves them by a quarter of their number.
    """
    unit = normalise_unit(mesh)
    seen = []
    for i in range(VIEWS):
        azimuth = _FIRST_AZIMUTH_DEG + 360.0 * i / VIEWS
        # By pairs, so that a quarter turn meets the same heights.
        elevation = _ELEVATIONS_DEG[i % 2]
        side = _SILHOUETTE_SIDE
        seen.append(silhouette(unit, orbit(azimuth, elevation, width=side, height=side)))
    return np.stack(seen)


def picture(mesh: Mesh, size: int = TILE) -> UInt8[np.ndarray, "h w 3"]:
    """Draw a shape three quarters from the front."""
    return render_mesh(mesh, orbit(35.0, 20.0, width=size, height=size))


def blank_tile() -> UInt8[np.ndarray, "h w 3"]:
    """Return the picture of a sample without a surface."""
    return np.full((TILE, TILE, 3), 255, np.uint8)


def _measured(
    make: Callable[[], ShapeResult], inside: Callable[[], Bool[np.ndarray, " k"]] | None
) -> dict[str, object]:
    began = time.perf_counter()
    try:
        result = make()
    except EmptySurfaceError:
        return {"empty": True}
    seconds = time.perf_counter() - began
    mesh, report = result.mesh, result.report
    cloud = sample_surface(mesh, CLOUD, make_generator(result.seed))
    colours = cloud.colors if cloud.colors is not None else np.full((CLOUD, 3), 0.5)
    labels = np.zeros(0, bool) if inside is None else inside()
    return {
        "empty": False,
        "points": cloud.points.astype(np.float32),
        "names": nearest_basic_colour(colours).astype(np.uint8),
        "colour": "grey" if mesh.colors is None else dominant_basic_colour(mesh),
        "stray": report.floaters_removed,
        "cavities": report.cavities_filled,
        "components": report.components,
        "watertight": report.watertight,
        "silhouettes": np.packbits(silhouettes_of(mesh)),
        "inside": np.packbits(labels),
        "inside_count": len(labels),
        "tile": picture(mesh),
        "seconds": seconds,
    }


def _read(path: Path) -> Sample | None:
    with np.load(path) as data:
        if bool(data["empty"]):
            return None
        shape = (VIEWS, _SILHOUETTE_SIDE, _SILHOUETTE_SIDE)
        outlines = np.unpackbits(data["silhouettes"], count=int(np.prod(shape)))
        inside = np.unpackbits(data["inside"], count=int(data["inside_count"]))
        return Sample(
            points=data["points"],
            names=data["names"],
            colour=str(data["colour"]),
            stray=int(data["stray"]),
            cavities=int(data["cavities"]),
            components=int(data["components"]),
            watertight=bool(data["watertight"]),
            silhouettes=outlines.reshape(shape).astype(bool),
            inside=inside.astype(bool),
            tile=data["tile"],
            seconds=float(data["seconds"]),
        )
