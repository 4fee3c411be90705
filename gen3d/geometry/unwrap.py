"""Texture coordinates: cutting a surface into charts and laying them flat side by side."""

from __future__ import annotations

import numpy as np

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import vertex_normals

MAX_FACES = 50_000
"""Most faces that are unwrapped. xatlas grows charts face by face and cannot be stopped half way:
10,000 faces take half a second, 50,000 some four, a million minutes."""

_PADDING = 4
"""Texels between charts: two levels of mipmaps without bleeding, before the borders are filled."""


def unwrap(mesh: Mesh, *, size: int) -> Mesh:
    """Give every face a place of its own in the unit square, with little distortion.

    Charts grow over faces of similar direction, are laid flat by least squares conformal maps
    (Levy et al. 2002) and packed: xatlas, after thekla_atlas of Castano. Deterministic.

    Args:
        mesh: At most ``MAX_FACES`` faces; welded, since every tear is a seam.
        size: Texels per side of the texture that the charts are packed for.

    Returns:
        The mesh with ``corner_uvs``.

    Raises:
        InputError: There are no faces, or too many.
    """
    if not 0 < len(mesh.faces) <= MAX_FACES:
        raise InputError(
            f"a mesh of 1 to {MAX_FACES} faces can be unwrapped, this has {len(mesh.faces)}",
            hint="ask for fewer with --faces, or for --texture none",
        )
    # 20 ms to import, and only textures need it.
    import xatlas

    atlas = xatlas.Atlas()
    normals = vertex_normals(mesh) if mesh.normals is None else mesh.normals
    atlas.add_mesh(_unit_size(mesh), mesh.faces.astype(np.uint32), normals)
    charts, pack = xatlas.ChartOptions(), xatlas.PackOptions()
    pack.resolution, pack.padding, pack.bilinear = size, _PADDING, True
    atlas.generate(charts, pack)
    _, corners, uvs = atlas[0]
    return mesh.with_(corner_uvs=np.asarray(uvs)[np.asarray(corners, dtype=np.int64)])


def _unit_size(mesh: Mesh) -> np.ndarray:
    # xatlas compares areas with absolute thresholds: a mug in millimetres and one in metres
    # must come out alike.
    low, high = mesh.bounds
    extent = float((high - low).max()) or 1.0
    return ((mesh.vertices - low) / extent).astype(np.float32)
