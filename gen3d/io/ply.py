"""PLY (Stanford polygon format) for meshes and point clouds, in the public frame.

Written as little-endian binary with the properties that CloudCompare, Blender and MeshLab know;
read in all three encodings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.io.ply_elements import Element, parse_header, read_elements
from gen3d.io.record import KEY, encode_record, record_in

_NORMALS = ("nx", "ny", "nz")
_COLOURS = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
_INDICES = ("vertex_indices", "vertex_index")


def write_ply(shape: Mesh | PointCloud, record: Mapping[str, Any] | None = None) -> bytes:
    """Return a mesh or a cloud as binary PLY; colours become bytes.

    Args:
        shape: At least one face or point.
        record: Embedded as a comment.

    Raises:
        InputError: The shape is empty, or the record is not JSON.
    """
    points = shape.vertices if isinstance(shape, Mesh) else shape.points
    faces = shape.faces if isinstance(shape, Mesh) else None
    if not len(points) or (faces is not None and not len(faces)):
        raise InputError("an empty shape cannot be written")
    fields: list[tuple[str, str]] = [(name, "<f4") for name in "xyz"]
    columns = [points.T]
    if shape.normals is not None:
        fields += [(name, "<f4") for name in _NORMALS]
        columns.append(shape.normals.T)
    if shape.colors is not None:
        fields += [(name, "u1") for name in _COLOURS[0]]
        columns.append(np.rint(shape.colors.T * 255))
    rows = np.empty(len(points), np.dtype(fields))
    for (name, _), column in zip(fields, np.concatenate(columns), strict=True):
        rows[name] = column
    header = ["ply", "format binary_little_endian 1.0", "comment gen3d, Y up"]
    if record is not None:
        header.append(f"comment {KEY} {encode_record(record)}")
    header.append(f"element vertex {len(points)}")
    header += [f"property {'uchar' if kind == 'u1' else 'float'} {name}" for name, kind in fields]
    body = rows.tobytes()
    if faces is not None:
        header += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
        lists = np.empty(len(faces), [("count", "u1"), ("index", "<i4", 3)])
        lists["count"] = 3
        lists["index"] = faces
        body += lists.tobytes()
    return "\n".join([*header, "end_header\n"]).encode() + body


def read_ply(data: bytes) -> Mesh | PointCloud:
    """Return a mesh where the file has faces, else a point cloud.

    Polygons are cut as fans; other elements and properties are left out.

    Raises:
        FormatError: The file is malformed or has no points.
    """
    header = parse_header(data)
    elements = {element.name: element for element in read_elements(data, header)}
    vertex = elements.get("vertex")
    points = None if vertex is None else _columns(vertex, ("x", "y", "z"))
    if vertex is None or points is None or not len(points):
        raise FormatError("the PLY file has no vertices with x, y and z")
    normals = _columns(vertex, _NORMALS)
    colours = None
    for names in _COLOURS:
        colours = _columns(vertex, names) if colours is None else colours
        if colours is not None and vertex.values[names[0]].dtype.kind in "iu":
            colours = colours / np.iinfo(vertex.values[names[0]].dtype).max
            break
    record = record_in(header.comments)
    metadata = {} if record is None else {KEY: record}
    faces = _faces(elements.get("face"))
    try:
        if len(faces):
            return Mesh(points, faces, normals, colours, metadata)
        return PointCloud(points, normals, colours, metadata)
    except InputError as error:
        raise FormatError(f"the PLY file is malformed: {error.message}") from error


def read_ply_record(data: bytes) -> dict[str, Any] | None:
    """Return the record among the comments, or None.

    Raises:
        FormatError: It is no PLY file.
    """
    return record_in(parse_header(data).comments)


def _columns(element: Element, names: tuple[str, ...]) -> np.ndarray | None:
    """Return some scalar properties side by side in float64, or None where one is missing."""
    if any(name not in element.values for name in names):
        return None
    return np.stack([element.values[name].astype(np.float64) for name in names], axis=1)


def _faces(element: Element | None) -> np.ndarray:
    if element is None:
        return np.zeros((0, 3), np.int64)
    for name in _INDICES:
        if name in element.lists:
            counts, flat = element.lists[name]
            if flat.dtype.kind == "f":
                raise FormatError("the PLY file's face indices must be integers")
            return _fans(counts.astype(np.int64), flat.astype(np.int64))
    return np.zeros((0, 3), np.int64)


def _fans(counts: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Cut polygons, given as corner counts and joined corners, into triangles."""
    starts = np.cumsum(counts) - counts
    triangles = np.maximum(counts - 2, 0)
    first = np.repeat(starts, triangles)
    # 0, 1, 2, ... within each polygon.
    step = np.arange(len(first)) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    return np.stack([flat[first], flat[first + step + 1], flat[first + step + 2]], axis=1)
