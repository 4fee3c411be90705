"""Wavefront OBJ with vertex colours after the position (``v x y z r g b``), Y up.

Readers that know them take the colours as sRGB; the others skip them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.materials import Material
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.texture import flip_v
from gen3d.io.images import encode_png
from gen3d.io.record import KEY, encode_record, record_in

MATERIAL_NAME = "gen3d"


def write_obj(
    mesh: Mesh, record: Mapping[str, Any] | None = None, *, library: str | None = None
) -> bytes:
    """Return a mesh as OBJ text; numbers are exact to float32, colours to 1/10000.

    Args:
        mesh: At least one face.
        record: Embedded as a comment.
        library: Name of the file with the material, see :func:`write_mtl`.

    Raises:
        InputError: The mesh has no faces, or the record is not JSON.
    """
    if not len(mesh.faces):
        raise InputError("a mesh without faces cannot be written")
    lines = ["# gen3d mesh, Y up"]
    if record is not None:
        lines.append(f"# {KEY} {encode_record(record)}")
    # Python floats format faster than numpy's.
    if mesh.colors is None:
        lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in mesh.vertices.tolist()]
    else:
        rows = np.concatenate([mesh.vertices, mesh.colors], axis=1).tolist()
        lines += [f"v {x:.9g} {y:.9g} {z:.9g} {r:.4f} {g:.4f} {b:.4f}" for x, y, z, r, g, b in rows]
    columns = [mesh.faces + 1]
    if mesh.corner_uvs is not None:
        # OBJ counts v upward from the bottom of the texture.
        uvs, at = _unique(flip_v(mesh.corner_uvs))
        lines += [f"vt {u:.6g} {v:.6g}" for u, v in uvs.tolist()]
        columns.append(at + 1)
    normals, at = mesh.normals, mesh.faces
    if mesh.corner_normals is not None:
        normals, at = _unique(mesh.corner_normals)
    if normals is not None:
        lines += [f"vn {x:.6g} {y:.6g} {z:.6g}" for x, y, z in normals.tolist()]
        columns.append(at + 1)
    if library is not None:
        lines += [f"mtllib {library}", f"usemtl {MATERIAL_NAME}"]
    corner = "{}//{}" if mesh.corner_uvs is None and normals is not None else "{}/{}/{}"
    corner = corner if len(columns) > 1 and normals is not None else "/".join(["{}"] * len(columns))
    row = f"f {corner} {corner} {corner}".format
    lines += [
        row(*face) for face in np.stack(columns, axis=2).reshape(len(mesh.faces), -1).tolist()
    ]
    return ("\n".join(lines) + "\n").encode()


def obj_files(mesh: Mesh, path: Path, record: Mapping[str, Any] | None = None) -> dict[Path, bytes]:
    """Return an OBJ file, and its material library and textures where it has a material.

    Raises:
        InputError: The mesh has no faces, or the record is not JSON.
    """
    material = mesh.material
    if material is None:
        return {path: write_obj(mesh, record)}
    # Spaces end a file name in some readers of OBJ.
    stem = path.stem.replace(" ", "_")
    library = path.with_name(f"{stem}.mtl")
    images = {"base_color": material.base_color, "normal_map": material.normal_map}
    names = {key: f"{stem}_{key}.png" for key, image in images.items() if image is not None}
    return {
        path: write_obj(mesh, record, library=library.name),
        library: write_mtl(material, names),
        **{
            path.with_name(names[key]): encode_png(image)
            for key, image in images.items()
            if image is not None
        },
    }


def write_mtl(material: Material, textures: Mapping[str, str]) -> bytes:
    """Return a material library with one material.

    The old shading model is given for old readers, and the metallic-roughness numbers ``Pr`` and
    ``Pm`` that Blender and others know.

    Args:
        material: The material.
        textures: File names of ``base_color`` and ``normal_map``, as far as there are any.
    """
    lines = ["# gen3d material", f"newmtl {MATERIAL_NAME}", "Kd 1 1 1", "Ks 0 0 0", "illum 2"]
    lines += [f"Pr {material.roughness:g}", f"Pm {material.metallic:g}"]
    for key, word in (("base_color", "map_Kd"), ("normal_map", "norm")):
        if key in textures:
            lines.append(f"{word} {textures[key]}")
    return ("\n".join(lines) + "\n").encode()


def _unique(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows of (F, 3, k) in order of first use, and the index of each."""
    rows = values.reshape(-1, values.shape[2]) + np.float32(0)
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rows[first[order]], rank[inverse.reshape(-1)].reshape(values.shape[:2])


def read_obj(data: bytes) -> Mesh:
    """Return all polygons of an OBJ file as one mesh of triangles.

    Polygons are cut as fans. Colours appear when every vertex has them, normals when each vertex
    has one only. Materials, textures, lines and curves are left out.

    Raises:
        FormatError: A line is malformed, or there are no faces.
    """
    positions: list[list[float]] = []
    normals: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    normal_of: dict[int, int] = {}
    one_normal = True
    for number, line in enumerate(_lines(data), start=1):
        word, *rest = line.partition("#")[0].split() or [""]
        try:
            if word == "v":
                positions.append(_floats(rest, (3, 4, 6, 7)))
            elif word == "vn":
                normals.append(_floats(rest, (3,)))
            elif word == "f":
                corners = [_corner(text, len(positions), len(normals)) for text in rest]
                if len(corners) < 3:
                    raise FormatError("a face needs three corners")
                for vertex, normal in corners:
                    if normal is None or normal_of.setdefault(vertex, normal) != normal:
                        one_normal = False
                first, *others = (vertex for vertex, _ in corners)
                faces += [(first, b, c) for b, c in pairwise(others)]
        except ValueError as error:
            reason = error.message if isinstance(error, FormatError) else str(error)
            raise FormatError(f"OBJ line {number} is malformed: {reason}") from error
    if not faces:
        raise FormatError("the OBJ file holds no faces")
    record = read_obj_record(data)
    try:
        return Mesh(
            np.array([row[:3] for row in positions]),
            np.array(faces, dtype=np.int64),
            _per_vertex(normals, normal_of, len(positions)) if one_normal else None,
            _colours(positions),
            {} if record is None else {KEY: record},
        )
    except InputError as error:
        raise FormatError(f"the OBJ file is malformed: {error.message}") from error


def read_obj_record(data: bytes) -> dict[str, Any] | None:
    """Return the record among the comments at the head of the file, or None."""
    head = []
    for line in _lines(data):
        if not line.startswith("#"):
            break
        head.append(line[1:])
    return record_in(head)


def _lines(data: bytes) -> list[str]:
    # A backslash continues a line; comments may be in any encoding.
    text = data.decode("utf-8", errors="replace").replace("\\\r\n", " ").replace("\\\n", " ")
    return text.split("\n")


def _floats(words: list[str], counts: tuple[int, ...]) -> list[float]:
    if len(words) not in counts:
        raise FormatError(f"{' or '.join(map(str, counts))} numbers expected, got {len(words)}")
    return [float(word) for word in words]


def _corner(text: str, vertices: int, normals: int) -> tuple[int, int | None]:
    """Return the vertex and the normal of ``v``, ``v/vt``, ``v//vn`` or ``v/vt/vn``."""
    parts = text.split("/")
    if len(parts) > 3:
        raise FormatError(f"a face corner has at most three indices, got {text[:40]!r}")
    normal = _index(parts[2], normals) if len(parts) == 3 and parts[2] else None
    return _index(parts[0], vertices), normal


def _index(text: str, count: int) -> int:
    index = int(text)
    # Counting starts at 1; negative numbers count back from the newest.
    resolved = index - 1 if index > 0 else count + index
    if index == 0 or not 0 <= resolved < count:
        raise FormatError(f"index {text[:40]} is out of 1..{count}")
    return resolved


def _per_vertex(normals: list[list[float]], normal_of: dict[int, int], count: int) -> np.ndarray:
    rows = np.zeros((count, 3))
    rows[:, 1] = 1
    rows[list(normal_of)] = np.array(normals)[list(normal_of.values())]
    return rows


def _colours(positions: list[list[float]]) -> np.ndarray | None:
    if any(len(row) < 6 for row in positions):
        return None
    colours = np.array([row[-3:] for row in positions])
    # A few exporters write bytes.
    return colours / 255 if colours.max() > 1.001 else colours
