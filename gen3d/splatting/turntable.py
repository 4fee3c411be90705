"""Pictures of mesh files: one view, or a sheet of several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gen3d.errors import FormatError, InputError
from gen3d.geometry.transforms import normalise_unit, orbit
from gen3d.io import load_mesh
from gen3d.io.images import save_png
from gen3d.splatting.mesh_render import contact_sheet, render_mesh


def render_files(
    files: Sequence[Path | str],
    out: Path | str,
    *,
    size: int = 512,
    azimuth: float = 35.0,
    elevation: float = 20.0,
    views: int = 1,
    columns: int = 4,
) -> None:
    """Draw mesh files into one PNG, each scaled to fill its tile.

    Args:
        files: Meshes in any known format.
        out: PNG to write.
        size: Pixels per side of a tile, 16 to 4096.
        azimuth: Degrees from the front (+Z) towards +X.
        elevation: Degrees above the horizon.
        views: Views around each mesh, evenly spaced from ``azimuth``.
        columns: Tiles per row, where there is more than one tile.

    Raises:
        InputError: A number is out of range, or a file cannot be read.
        FormatError: A file is malformed or holds no mesh, or ``out`` is no PNG.
        OutputError: ``out`` cannot be written.
    """
    for name, value, low, high in (
        ("--size", size, 16, 4096),
        ("--views", views, 1, 64),
        ("--columns", columns, 1, 64),
        ("--elevation", elevation, -90, 90),
        ("--azimuth", azimuth, -360, 360),
    ):
        if not low <= value <= high:
            raise InputError(f"{name} must lie in {low}..{high}, got {value}")
    if Path(out).suffix.lower() != ".png":
        raise FormatError(f"pictures are written as png, got {out}", hint="name it NAME.png")
    tiles, labels = [], []
    for file in files:
        mesh = normalise_unit(load_mesh(file))
        for view in range(views):
            camera = orbit(azimuth + 360 * view / views, elevation, width=size, height=size)
            tiles.append(render_mesh(mesh, camera))
            labels.append(Path(file).stem if view == 0 else "")
    image = tiles[0] if len(tiles) == 1 else contact_sheet(tiles, labels, columns)
    save_png(image, out)
