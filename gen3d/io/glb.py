"""GLB: binary glTF 2.0, our first format. Its frame is ours, so positions pass unchanged.

Vertex colours are linear in glTF. They are stored as 16 bits: 8 bits of linear light would show
bands in the dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

import gen3d
from gen3d.errors import FormatError, InputError
from gen3d.geometry.color import linear_to_srgb, srgb_to_linear
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import vertex_normals
from gen3d.geometry.texture import texture_colours
from gen3d.geometry.topology import merge_vertices
from gen3d.geometry.transforms import apply_linear
from gen3d.io.gltf_buffer import INDEX_TARGET, GltfBuffer
from gen3d.io.gltf_container import pack_glb, unpack_glb
from gen3d.io.gltf_document import Document, integer, numbers
from gen3d.io.gltf_materials import material_entries, read_material
from gen3d.io.gltf_nodes import placed_meshes
from gen3d.io.gltf_quantize import quantized_attributes
from gen3d.io.gltf_split import SplitMesh, split_corners
from gen3d.io.record import KEY, encode_record

Compression = Literal["quantize"]

_TRIANGLES, _STRIP, _FAN = 4, 5, 6
_MAX_CORNERS = 2**27
"""A small file may repeat one mesh in many nodes; beyond this it is an attack or a mistake."""


def write_glb(
    mesh: Mesh,
    record: Mapping[str, Any] | None = None,
    *,
    compress: Compression | None = None,
) -> bytes:
    """Return a mesh as GLB, with normals (computed when missing) and its texture or colours.

    Args:
        mesh: At least one face.
        record: Embedded at ``asset.extras.gen3d``.
        compress: ``quantize`` stores attributes as small integers (KHR_mesh_quantization), which
            three.js, Babylon.js, Blender, Unity and Unreal read without a decoder.

    Raises:
        InputError: The mesh has no faces, or the record is not JSON.
    """
    if not len(mesh.faces):
        raise InputError("a mesh without faces cannot be written")
    buffer = GltfBuffer()
    split = split_corners(mesh)
    placement: dict[str, Any] = {}
    if compress == "quantize":
        attributes, placement = quantized_attributes(split, buffer)
    else:
        attributes = _plain_attributes(split, buffer)
    textured = mesh.material is not None and mesh.material.base_color is not None
    # A texture says what the colours say, and both together are multiplied.
    if split.colors is not None and not textured:
        rgba = np.ones((len(split.vertices), 4))
        rgba[:, :3] = srgb_to_linear(split.colors)
        packed = np.rint(rgba * 65535).astype("<u2")
        attributes["COLOR_0"] = buffer.add(packed, normalized=True)
    # The greatest index of a type restarts primitives and is not allowed as a vertex.
    short = len(split.vertices) <= 65535
    indices = split.faces.reshape(-1).astype("<u2" if short else "<u4")
    index = buffer.add(indices, target=INDEX_TARGET)
    asset: dict[str, Any] = {"version": "2.0", "generator": f"gen3d {gen3d.__version__}"}
    if record is not None:
        encode_record(record)  # refuses what JSON cannot hold
        asset["extras"] = {KEY: dict(record)}
    document: dict[str, Any] = {
        "asset": asset,
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **placement}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": index, "material": 0}]}],
        **material_entries(mesh.material, buffer),
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(buffer.data)}],
    }
    if compress == "quantize":
        document["extensionsUsed"] = document["extensionsRequired"] = ["KHR_mesh_quantization"]
    return pack_glb(document, bytes(buffer.data))


def _plain_attributes(split: SplitMesh, buffer: GltfBuffer) -> dict[str, int]:
    attributes = {
        "POSITION": buffer.add(split.vertices.astype("<f4"), bounds=True),
        "NORMAL": buffer.add(split.normals.astype("<f4")),
    }
    if split.uvs is not None:
        attributes["TEXCOORD_0"] = buffer.add(split.uvs.astype("<f4"))
    if split.tangents is not None:
        attributes["TANGENT"] = buffer.add(split.tangents.astype("<f4"))
    return attributes


def read_glb(data: bytes) -> Mesh:
    """Return all triangles of a GLB file's scene as one mesh, node transforms applied.

    A material's colour factor multiplies the vertex colours; skins and animations are left out.
    Colours appear when any primitive has some (the others are white), normals when all have them.
    Textures become vertex colours; a file of one textured primitive keeps its texture too, and its
    vertices are welded across the seams.

    Raises:
        FormatError: The file is malformed, holds no triangles, or needs an extension.
    """
    document = Document(*unpack_glb(data))
    _check_extensions(document.root.get("extensionsRequired") or [])
    budget = _MAX_CORNERS
    parts: list[Mesh] = []
    for mesh_index, matrix in placed_meshes(document):
        primitives = document.item("meshes", mesh_index).get("primitives")
        for primitive in primitives if isinstance(primitives, list) else []:
            part = _read_primitive(document, primitive)
            if part is None or not len(part.faces):
                continue
            budget -= 3 * len(part.faces)
            if budget < 0:
                raise FormatError(f"the file unfolds to more than {_MAX_CORNERS // 3} triangles")
            parts.append(_transform(part, matrix))
    if not parts:
        raise FormatError("the GLB file holds no triangles")
    record = _record_of(document.root)
    whole = _weld(parts[0]) if len(parts) == 1 else _join(parts)
    return whole.with_(metadata={} if record is None else {KEY: record})


def read_glb_record(data: bytes) -> dict[str, Any] | None:
    """Return the record at ``asset.extras.gen3d``, or None.

    Raises:
        FormatError: It is no GLB file.
    """
    return _record_of(unpack_glb(data)[0])


def _check_extensions(required: Any) -> None:
    # Looks do not matter here, and quantised positions read like any other integers.
    known = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "KHR_mesh_quantization")
    if not isinstance(required, list):
        raise FormatError("extensionsRequired in the glTF document must be a list")
    unknown = [name for name in required if not str(name).startswith(known)]
    if unknown:
        raise FormatError(
            f"the file needs glTF extensions that are not supported: {unknown}",
            hint="export it without compression",
        )


def _read_primitive(document: Document, primitive: Any) -> Mesh | None:
    attributes = primitive.get("attributes") if isinstance(primitive, dict) else None
    if not isinstance(attributes, dict):
        raise FormatError("a glTF primitive has no attributes")
    mode = integer(primitive, "mode", _TRIANGLES)
    if mode not in (_TRIANGLES, _STRIP, _FAN):
        return None
    positions = document.accessor(attributes.get("POSITION"))
    if "indices" in primitive:
        indices = document.accessor(primitive["indices"])[:, 0]
        if indices.dtype.kind != "u":
            raise FormatError("glTF indices must be unsigned integers")
    else:
        indices = np.arange(len(positions))
    normals = document.accessor(attributes["NORMAL"]) if "NORMAL" in attributes else None
    colours = _factor(document, primitive)
    if "COLOR_0" in attributes:
        linear = document.accessor(attributes["COLOR_0"])[:, :3].astype(np.float64)
        # Values beyond 1 are allowed as floats, and not by us.
        colours = linear * (1.0 if colours is None else colours)
    if colours is not None:
        if colours.shape[-1] != 3:
            raise FormatError("glTF colours must have three or four components")
        colours = np.broadcast_to(colours, (len(positions), 3)) if colours.ndim == 1 else colours
        colours = linear_to_srgb(colours.clip(0, 1))
    faces = _faces(indices.astype(np.int64), mode)
    material = read_material(document, primitive)
    try:
        mesh = Mesh(positions, faces, normals, colours)
        if material is None or "TEXCOORD_0" not in attributes or not material.textured:
            return mesh.with_(material=None if material is None else material.without_textures())
        uvs = document.accessor(attributes["TEXCOORD_0"])
        if uvs.shape != (len(positions), 2):
            raise FormatError("glTF texture coordinates must be pairs, one per vertex")
        return _coloured(mesh.with_(corner_uvs=uvs[faces], material=material), uvs)
    except InputError as error:
        raise FormatError(f"a glTF primitive is malformed: {error.message}") from error


def _coloured(mesh: Mesh, uvs: np.ndarray) -> Mesh:
    """Give a textured mesh the vertex colours that say the same."""
    assert mesh.material is not None
    if mesh.material.base_color is None:
        return mesh
    return mesh.with_(colors=texture_colours(mesh.material.base_color, uvs))


def _factor(document: Document, primitive: dict[str, Any]) -> np.ndarray | None:
    if "material" not in primitive:
        return None
    shading = document.item("materials", primitive["material"]).get("pbrMetallicRoughness")
    if not isinstance(shading, dict) or "baseColorFactor" not in shading:
        return None
    factor = numbers(shading, "baseColorFactor", (1.0,) * 4)[:3]
    # Plain white is what exporters write when they mean no colour.
    return None if (factor == 1).all() else factor


def _faces(indices: np.ndarray, mode: int) -> np.ndarray:
    if mode == _TRIANGLES:
        return indices[: len(indices) // 3 * 3].reshape(-1, 3)
    if len(indices) < 3:
        return np.zeros((0, 3), np.int64)
    if mode == _FAN:
        first = np.full(len(indices) - 2, indices[0])
        return np.stack([first, indices[1:-1], indices[2:]], axis=1)
    faces = np.stack([indices[:-2], indices[1:-1], indices[2:]], axis=1)
    # Every other triangle of a strip runs the other way round.
    faces[1::2] = faces[1::2, [1, 0, 2]]
    return faces


def _transform(part: Mesh, matrix: np.ndarray) -> Mesh:
    if np.array_equal(matrix, np.eye(4)):
        return part
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            turned = apply_linear(part, matrix[:3, :3].T)
            return turned.with_(vertices=turned.vertices + matrix[:3, 3])
    except (InputError, np.linalg.LinAlgError) as error:
        raise FormatError(f"a glTF node has an unusable transform: {error}") from error


def _weld(part: Mesh) -> Mesh:
    """Undo the splitting of vertices along seams and creases, where there is a texture."""
    if part.corner_uvs is None:
        return part
    if part.normals is None:
        return merge_vertices(part)
    welded = merge_vertices(part.with_(corner_normals=part.normals[part.faces]))
    normals, corners = welded.normals, welded.corner_normals
    assert normals is not None and corners is not None
    if np.allclose(normals[welded.faces], corners, atol=1e-4):
        return welded.with_(corner_normals=None)
    return welded.with_(normals=vertex_normals(welded))


def _join(parts: list[Mesh]) -> Mesh:
    starts = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    colours = None
    if any(part.colors is not None for part in parts):
        colours = np.concatenate(
            [np.ones_like(p.vertices) if p.colors is None else p.colors for p in parts]
        )
    normals = [part.normals for part in parts if part.normals is not None]
    return Mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([p.faces + start for p, start in zip(parts, starts, strict=True)]),
        np.concatenate(normals) if len(normals) == len(parts) else None,
        colours,
    )


def _record_of(root: dict[str, Any]) -> dict[str, Any] | None:
    node: Any = root
    for key in ("asset", "extras", KEY):
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None
