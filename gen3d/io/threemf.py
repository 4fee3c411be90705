"""3MF, the print format of the 3MF Consortium: a zip with XML, in millimetres, Z up, with colours.

Written are the core specification 1.3 and colour groups of its materials extension 1.2.1.
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.transforms import y_up_to_z_up, z_up_to_y_up
from gen3d.io.record import KEY, decode_record, encode_record
from gen3d.io.stl import height_scale
from gen3d.io.zips import UNZIP_ERRORS, stored_zip

_CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
_COLOURS = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
_OURS = "https://gen3d.invalid/3mf/record"
_MODEL = "3D/3dmodel.model"
_TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">\
<Default Extension="rels" \
ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>\
</Types>
"""
_RELATIONS = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">\
<Relationship Id="rel0" Target="/3D/3dmodel.model" \
Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>
"""
_METRES = {
    "micron": 1e-6,
    "millimeter": 1e-3,
    "centimeter": 1e-2,
    "inch": 0.0254,
    "foot": 0.3048,
    "meter": 1.0,
}
_MAX_BYTES = 2**30
"""A model beyond this, unpacked, is refused: a small zip can claim to be anything."""


def write_3mf(
    mesh: Mesh, record: Mapping[str, Any] | None = None, *, height_mm: float | None = None
) -> bytes:
    """Return a mesh as 3MF, turned Z up, standing on the bed, with a colour per corner.

    Args:
        mesh: At least one face; by custom in metres.
        record: Embedded as metadata.
        height_mm: Scale so that the object is this high (along its Y); by default metres become
            millimetres.

    Raises:
        InputError: The mesh has no faces, the height is not positive or the mesh is flat.
    """
    if not len(mesh.faces):
        raise InputError("a mesh without faces cannot be written")
    scale = 1000.0 if height_mm is None else height_scale(mesh, height_mm)
    placed = mesh.with_(vertices=mesh.vertices * scale, normals=None, corner_normals=None)
    placed = y_up_to_z_up(placed)
    low, high = placed.bounds
    # Slicers read positions on the bed; the middle of the object goes over the bed's origin.
    vertices = placed.vertices - [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]
    colours, index = _colour_table(mesh)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<model unit="millimeter" xml:lang="en-US" xmlns="{_CORE}" xmlns:m="{_COLOURS}" '
        f'xmlns:{KEY}="{_OURS}">',
    ]
    if record is not None:
        lines.append(f'<metadata name="{KEY}:record">{_escaped(encode_record(record))}</metadata>')
    lines.append("<resources>")
    if colours:
        lines.append('<m:colorgroup id="1">')
        lines += [f'<m:color color="{colour}"/>' for colour in colours]
        lines.append("</m:colorgroup>")
    paint = ' pid="1" pindex="0"' if colours else ""
    lines.append(f'<object id="2" type="model"{paint}><mesh><vertices>')
    lines += [f'<vertex x="{x:.7g}" y="{y:.7g}" z="{z:.7g}"/>' for x, y, z in vertices.tolist()]
    lines.append("</vertices><triangles>")
    if index is None:
        rows = [f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in mesh.faces.tolist()]
    else:
        both = np.concatenate([mesh.faces, index[mesh.faces]], axis=1).tolist()
        rows = [
            f'<triangle v1="{a}" v2="{b}" v3="{c}" pid="1" p1="{p}" p2="{q}" p3="{r}"/>'
            for a, b, c, p, q, r in both
        ]
    lines += rows
    lines += ["</triangles></mesh></object>", "</resources>"]
    lines += ['<build><item objectid="2"/></build>', "</model>", ""]
    return stored_zip(
        {
            "[Content_Types].xml": _TYPES.encode(),
            "_rels/.rels": _RELATIONS.encode(),
            _MODEL: "\n".join(lines).encode(),
        },
        compress=True,
    )


def read_3mf(data: bytes) -> Mesh:
    """Return the objects of a 3MF file as one mesh in metres, Y up.

    Colour groups become vertex colours, the last triangle's where several disagree. Components and
    the transforms of build items are applied.

    Raises:
        FormatError: The file is malformed or holds no triangles.
    """
    root = _parse(data)
    unit = root.get("unit", "millimeter")
    if unit not in _METRES:
        raise FormatError(f"unknown unit {unit!r} in the 3MF file")
    palettes = {
        group.get("id"): _palette(group) for group in root.iter(f"{{{_COLOURS}}}colorgroup")
    }
    objects = {entry.get("id"): entry for entry in root.iter(f"{{{_CORE}}}object")}
    parts: list[Mesh] = []
    for item in root.iter(f"{{{_CORE}}}item"):
        _collect(item.get("objectid"), _matrix(item), objects, palettes, parts, depth=0)
    if not parts:
        raise FormatError("the 3MF file holds no triangles")
    starts = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    coloured = any(part.colors is not None for part in parts)
    record = _record_of(root)
    try:
        mesh = Mesh(
            np.concatenate([part.vertices for part in parts]) * _METRES[unit],
            np.concatenate([p.faces + start for p, start in zip(parts, starts, strict=True)]),
            colors=np.concatenate(
                [np.ones_like(p.vertices) if p.colors is None else p.colors for p in parts]
            )
            if coloured
            else None,
            metadata={} if record is None else {KEY: record},
        )
    except InputError as error:
        raise FormatError(f"the 3MF file is malformed: {error.message}") from error
    return z_up_to_y_up(mesh)


def read_3mf_record(data: bytes) -> dict[str, Any] | None:
    """Return the record among the metadata, or None.

    Raises:
        FormatError: It is no 3MF file.
    """
    return _record_of(_parse(data))


def _record_of(root: ET.Element) -> dict[str, Any] | None:
    for entry in root.findall(f"{{{_CORE}}}metadata"):
        if entry.get("name") == f"{KEY}:record" and entry.text:
            return decode_record(entry.text)
    return None


def _colour_table(mesh: Mesh) -> tuple[list[str], np.ndarray | None]:
    """Return the distinct colours, and the number of each vertex's."""
    if mesh.colors is None:
        return [], None
    rgb = np.rint(mesh.colors * 255).astype(np.int64) @ [65536, 256, 1]
    values, index = np.unique(rgb, return_inverse=True)
    return [f"#{value:06X}FF" for value in values.tolist()], index.reshape(-1)


def _escaped(text: str) -> str:
    return quoteattr(text)[1:-1]


def _parse(data: bytes) -> ET.Element:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = [n for n in package.namelist() if n.lower().endswith(".model")]
            name = _MODEL if _MODEL in names else names[0] if names else None
            if name is None:
                raise FormatError("the 3MF file holds no model")
            if package.getinfo(name).file_size > _MAX_BYTES:
                raise FormatError(f"the model in the 3MF file has more than {_MAX_BYTES} bytes")
            text = package.read(name)
    except UNZIP_ERRORS as error:
        raise FormatError(f"the 3MF file is no zip that can be read: {error}") from error
    if b"<!DOCTYPE" in text:
        raise FormatError("the 3MF file has a document type, which the format does not allow")
    try:
        return ET.fromstring(text)
    except ET.ParseError as error:
        raise FormatError(f"the XML of the 3MF file is malformed: {error}") from error


def _palette(group: ET.Element) -> np.ndarray:
    colours = [entry.get("color", "") for entry in group]
    try:
        rows = [[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in colours]
    except ValueError as error:
        raise FormatError(f"a colour of the 3MF file is malformed: {error}") from error
    return np.array(rows, dtype=np.float32).reshape(-1, 3) / 255


def _matrix(entry: ET.Element) -> np.ndarray:
    """Return the (4, 3) matrix of row vectors that an entry's ``transform`` holds."""
    text = entry.get("transform")
    if text is None:
        return np.eye(4)[:, :3]
    try:
        return np.array([float(word) for word in text.split()]).reshape(4, 3)
    except ValueError as error:
        raise FormatError(f"a transform of the 3MF file is malformed: {error}") from error


def _collect(
    name: str | None,
    matrix: np.ndarray,
    objects: dict[str | None, ET.Element],
    palettes: dict[str | None, np.ndarray],
    parts: list[Mesh],
    *,
    depth: int,
) -> None:
    if name not in objects or depth > 32:
        raise FormatError(f"the 3MF file has no object {name!r}, or it contains itself")
    for component in objects[name].iter(f"{{{_CORE}}}component"):
        inner = _matrix(component)
        whole = np.concatenate([inner[:3] @ matrix[:3], inner[3:] @ matrix[:3] + matrix[3:]])
        _collect(component.get("objectid"), whole, objects, palettes, parts, depth=depth + 1)
    body = objects[name].find(f"{{{_CORE}}}mesh")
    if body is not None:
        parts.append(_read_body(body, objects[name], matrix, palettes))


def _read_body(
    body: ET.Element,
    owner: ET.Element,
    matrix: np.ndarray,
    palettes: dict[str | None, np.ndarray],
) -> Mesh:
    try:
        rows = [[float(v.get(k, "x")) for k in "xyz"] for v in body.iter(f"{{{_CORE}}}vertex")]
        triangles = list(body.iter(f"{{{_CORE}}}triangle"))
        faces = [[int(t.get(k, "x")) for k in ("v1", "v2", "v3")] for t in triangles]
        vertices = np.array(rows).reshape(-1, 3) @ matrix[:3] + matrix[3]
        if np.linalg.det(matrix[:3]) < 0:
            faces = [face[::-1] for face in faces]
        mesh = Mesh(vertices, np.array(faces, dtype=np.int64).reshape(-1, 3))
        colours = np.ones((len(rows), 3), np.float32)
        painted = False
        for triangle in triangles:
            palette = palettes.get(triangle.get("pid", owner.get("pid")))
            if palette is None:
                continue
            first = triangle.get("p1", owner.get("pindex", "0"))
            for corner, key in (("v1", "p1"), ("v2", "p2"), ("v3", "p3")):
                colours[int(triangle.get(corner, "x"))] = palette[int(triangle.get(key, first))]
            painted = True
        return mesh.with_(colors=colours) if painted else mesh
    except (ValueError, IndexError, OverflowError) as error:
        raise FormatError(f"a mesh of the 3MF file is malformed: {error}") from error
