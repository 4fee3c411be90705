"""Binary STL, as slicers take it: Z up, no unit, no colours.

Slicers read one unit as one millimetre, so ask for a height in millimetres when printing.
"""

from __future__ import annotations

import math

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import face_normals
from gen3d.geometry.topology import merge_vertices
from gen3d.geometry.transforms import y_up_to_z_up, z_up_to_y_up

# Must not begin with "solid", which marks text files.
_HEADER = b"gen3d binary STL, Z up"
_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def write_stl(mesh: Mesh, *, height_mm: float | None = None) -> bytes:
    """Return a mesh as binary STL, turned Z up.

    Args:
        mesh: At least one face; colours are lost.
        height_mm: Scale so that the object is this high (along its Y) in millimetres; by default
            numbers stay as they are.

    Raises:
        InputError: The mesh has no faces, or the height is not positive or the mesh is flat.
    """
    if not len(mesh.faces):
        raise InputError("a mesh without faces cannot be written")
    scale = 1.0 if height_mm is None else height_scale(mesh, height_mm)
    turned = y_up_to_z_up(mesh.with_(vertices=mesh.vertices * scale, normals=None, colors=None))
    records = np.zeros(len(mesh.faces), _RECORD)
    records["normal"] = face_normals(turned)
    records["corners"] = turned.corners
    count = np.array(len(records), "<u4").tobytes()
    return _HEADER.ljust(80, b"\0") + count + records.tobytes()


def read_stl(data: bytes) -> Mesh:
    """Return a binary or text STL as a welded mesh, turned from Z up to Y up.

    Raises:
        FormatError: The file is malformed or holds no triangles.
    """
    count = int.from_bytes(data[80:84], "little") if len(data) >= 84 else -1
    # Some binary files begin with "solid" all the same; the size tells.
    binary = count >= 0 and len(data) >= 84 + 50 * count
    if data[:5] == b"solid" and (not binary or b"facet" in data[:1024]):
        corners = _read_text(data)
    elif binary:
        corners = np.frombuffer(data, _RECORD, count, 84)["corners"]
    else:
        raise FormatError(
            f"the STL file is cut off or no STL: {count} triangles announced, {len(data)} bytes"
        )
    if not len(corners):
        raise FormatError("the STL file holds no triangles")
    faces = np.arange(3 * len(corners)).reshape(-1, 3)
    try:
        mesh = merge_vertices(z_up_to_y_up(Mesh(corners.reshape(-1, 3), faces)))
    except InputError as error:
        raise FormatError(f"the STL file is malformed: {error.message}") from error
    if not len(mesh.faces):
        raise FormatError("every triangle of the STL file is flat")
    return mesh


def height_scale(mesh: Mesh, height_mm: float) -> float:
    """Return the factor from a mesh's unit to millimetres at which it is ``height_mm`` high.

    Raises:
        InputError: The height is not positive, or the mesh is flat.
    """
    low, high = mesh.bounds
    height = float(high[1] - low[1])
    if not (math.isfinite(height_mm) and height_mm > 0):
        raise InputError(f"height_mm must be positive, got {height_mm}")
    if not height > 0:
        raise InputError("a mesh without height cannot be scaled to one")
    return height_mm / height


def _read_text(data: bytes) -> np.ndarray:
    words = data.split()
    values = [words[at + 1 : at + 4] for at, word in enumerate(words) if word.lower() == b"vertex"]
    if len(values) % 3 or any(len(triple) != 3 for triple in values):
        raise FormatError(f"the STL text holds {len(values)} vertices, not three per facet")
    try:
        corners = [[float(word) for word in triple] for triple in values]
    except ValueError as error:
        raise FormatError(f"the STL text holds no number: {error}") from error
    with np.errstate(over="ignore"):
        return np.array(corners, dtype=np.float32).reshape(-1, 3, 3)
