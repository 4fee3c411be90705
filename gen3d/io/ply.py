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
from gen3d.io.cloud_columns import cloud_from_columns, columns_of
from gen3d.io.ply_elements import Element, parse_header, read_elements
from gen3d.io.record import KEY, encode_record, record_in

_INDICES = ("vertex_indices", "vertex_index")
_KINDS = {
    "i1": "char",
    "u1": "uchar",
    "i2": "short",
    "u2": "ushort",
    "i4": "int",
    "u4": "uint",
    "f4": "float",
    "f8": "double",
}
_EXACT = 2**53


def write_ply(shape: Mesh | PointCloud, record: Mapping[str, Any] | None = None) -> bytes:
    """Return a mesh or a cloud as binary PLY; colours become bytes.

    Attributes of clouds keep their dtypes as far as PLY has them: 64-bit integers become ``int``
    or ``double``, whichever is exact. Positions of clouds with a global shift are doubles.

    Args:
        shape: At least one face or point.
        record: Embedded as a comment.

    Raises:
        InputError: The shape is empty, the record is not JSON, or an attribute has a name or
            values that PLY cannot hold.
    """
    faces = shape.faces if isinstance(shape, Mesh) else None
    if faces is not None and not len(faces):
        raise InputError("an empty shape cannot be written")
    columns = {name: _storable(name, values) for name, values in _columns_of(shape).items()}
    fields = [(name, values.dtype.newbyteorder("<")) for name, values in columns.items()]
    rows = np.empty(len(next(iter(columns.values()))), np.dtype(fields))
    for name, values in columns.items():
        rows[name] = values
    header = ["ply", "format binary_little_endian 1.0", "comment gen3d, Y up"]
    if isinstance(shape, PointCloud):
        header[-1] = "comment gen3d"
    if record is not None:
        header.append(f"comment {KEY} {encode_record(record)}")
    header.append(f"element vertex {len(rows)}")
    header += [f"property {_KINDS[kind.str[1:]]} {name}" for name, kind in fields]
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

    Polygons are cut as fans. A cloud keeps all other scalar properties of its points as
    attributes; other elements and lists are left out, as is all but position, normal and colour
    of a mesh.

    Raises:
        FormatError: The file is malformed or has no points.
    """
    header = parse_header(data)
    elements = {element.name: element for element in read_elements(data, header)}
    vertex = elements.get("vertex")
    if vertex is None:
        raise FormatError("the PLY file has no vertices with x, y and z")
    record = record_in(header.comments)
    metadata = {} if record is None else {KEY: record}
    faces = _faces(elements.get("face"))
    columns = {
        name: values.astype(values.dtype.newbyteorder("="))
        for name, values in vertex.values.items()
    }
    cloud = cloud_from_columns(columns, metadata, kind="PLY")
    if not len(faces):
        return cloud
    try:
        return Mesh(cloud.positions, faces, cloud.normals, cloud.colors, metadata)
    except InputError as error:
        raise FormatError(f"the PLY file is malformed: {error.message}") from error


def read_ply_record(data: bytes) -> dict[str, Any] | None:
    """Return the record among the comments, or None.

    Raises:
        FormatError: It is no PLY file.
    """
    return record_in(parse_header(data).comments)


def _columns_of(shape: Mesh | PointCloud) -> dict[str, np.ndarray]:
    if isinstance(shape, PointCloud):
        return columns_of(shape)
    return columns_of(PointCloud(shape.vertices, shape.normals, shape.colors))


def _storable(name: str, values: np.ndarray) -> np.ndarray:
    """Return a column in a dtype that PLY has."""
    if not name.isascii() or not name.isprintable() or " " in name:
        raise InputError(f"PLY has no room for a property named {name!r}", hint="rename it")
    if values.dtype.str[1:] in _KINDS:
        return values
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.dtype.kind == "f":
        return values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64)
    low, high = int(values.min()), int(values.max())
    if low >= -(2**31) and high < 2**31:
        return values.astype(np.int32)
    if low >= -_EXACT and high <= _EXACT:
        return values.astype(np.float64)
    raise InputError(f"PLY has no integers of 64 bits, which the attribute {name!r} needs")


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
