"""OFF (Object File Format) for meshes, as the test sets of upsampling are given in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.mesh import Mesh
from gen3d.io.record import KEY, encode_record, record_in

_MAGIC = re.compile("(ST)?C?N?OFF")


def write_off(mesh: Mesh, record: Mapping[str, Any] | None = None) -> bytes:
    """Return a mesh as OFF text, exact to float32; colours and normals are lost.

    Raises:
        InputError: The mesh has no faces, or the record is not JSON.
    """
    if not len(mesh.faces):
        raise InputError("a mesh without faces cannot be written")
    lines = ["OFF"]
    if record is not None:
        lines.append(f"# {KEY} {encode_record(record)}")
    lines.append(f"{len(mesh.vertices)} {len(mesh.faces)} 0")
    lines += [f"{x:.9g} {y:.9g} {z:.9g}" for x, y, z in mesh.vertices.tolist()]
    lines += [f"3 {a} {b} {c}" for a, b, c in mesh.faces.tolist()]
    return ("\n".join(lines) + "\n").encode()


def read_off(data: bytes) -> Mesh:
    """Read a mesh; polygons are cut as fans, colours are left out.

    Raises:
        FormatError: The file is malformed or cut off, or has no faces.
    """
    lines = [line for text in _lines(data) if (line := text.partition("#")[0].split())]
    magic = _MAGIC.match(lines[0][0]) if lines else None
    if magic is None:
        raise FormatError("not an OFF file of three coordinates: it does not begin with OFF")
    # Some files lack the break, or the blank, after the magic word.
    first = [word for word in (lines[0][0][magic.end() :], *lines[0][1:]) if word]
    sizes = first or (lines[1] if len(lines) > 1 else [])
    body = lines[1 if first else 2 :]
    if len(sizes) < 2 or not all(word.isascii() and word.isdigit() for word in sizes[:2]):
        raise FormatError("the OFF file does not say how many vertices and faces it has")
    vertices, faces = (int(word) if len(word) < 16 else 1 << 60 for word in sizes[:2])
    if len(body) < vertices + faces:
        raise FormatError(
            f"the OFF file is cut off: {vertices} vertices and {faces} faces announced, "
            f"{len(body)} lines"
        )
    try:
        points = [[float(word) for word in line[:3]] for line in body[:vertices]]
        corners = [_corners(line) for line in body[vertices : vertices + faces]]
        triangles = [(ring[0], b, c) for ring in corners for b, c in pairwise(ring[1:])]
        if not triangles or any(len(point) != 3 for point in points):
            raise FormatError("the OFF file has no faces, or vertices of fewer than 3 numbers")
        record = read_off_record(data)
        metadata = {} if record is None else {KEY: record}
        return Mesh(np.array(points), np.array(triangles, np.int64), metadata=metadata)
    except (ValueError, OverflowError) as error:
        reason = error.message if isinstance(error, FormatError | InputError) else str(error)
        raise FormatError(f"the OFF file is malformed: {reason}") from error


def read_off_record(data: bytes) -> dict[str, Any] | None:
    """Return the record among the comments at the head of the file, or None."""
    head = [line[1:] for line in _lines(data)[:16] if line.startswith("#")]
    return record_in(head)


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", errors="replace").splitlines()


def _corners(line: list[str]) -> list[int]:
    count = int(line[0])
    if count < 0 or len(line) < count + 1:
        raise FormatError(f"a face announces {count} corners and has {len(line) - 1}")
    return [int(word) for word in line[1 : count + 1]]
