"""USDZ for Apple's AR Quick Look and Vision Pro: a zip of one USD text file and its textures.

The package rules are Pixar's "Usdz File Format Specification" 1.3: stored, not deflated, the USD
file first, all data at multiples of 64 bytes. The material is a UsdPreviewSurface.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.color import srgb_to_linear
from gen3d.geometry.materials import Material
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.texture import flip_v
from gen3d.io.gltf_split import split_corners
from gen3d.io.images import encode_png
from gen3d.io.record import KEY, decode_record, encode_record
from gen3d.io.zips import UNZIP_ERRORS, stored_zip

_LAYER = "model.usda"
_ALIGN = 64
_RECORD = f"string {KEY} = "


def write_usdz(mesh: Mesh, record: Mapping[str, Any] | None = None) -> bytes:
    """Return a mesh as USDZ, in metres, Y up, with normals and its texture or colours.

    Args:
        mesh: At least one face.
        record: Embedded in the layer's ``customLayerData``.

    Raises:
        InputError: The mesh has no faces, or the record is not JSON.
    """
    if not len(mesh.faces):
        raise InputError("a mesh without faces cannot be written")
    material = mesh.material or Material()
    images = {"base_color": material.base_color, "normal_map": material.normal_map}
    textures = {f"{key}.png": image for key, image in images.items() if image is not None}
    files = {_LAYER: _layer(mesh, material, record).encode()}
    files |= {name: encode_png(image) for name, image in textures.items()}
    return stored_zip(files, align=_ALIGN)


def read_usdz_record(data: bytes) -> dict[str, Any] | None:
    """Return the record that :func:`write_usdz` embedded, or None.

    Raises:
        FormatError: It is no USDZ file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = package.namelist()
            text = package.read(_LAYER) if _LAYER in names else b""
    except UNZIP_ERRORS as error:
        raise FormatError(f"the USDZ file is no zip that can be read: {error}") from error
    for line in text.decode("utf-8", errors="replace").splitlines():
        word = line.strip()
        if word.startswith(_RECORD):
            quoted = word.removeprefix(_RECORD)[1:-1]
            return decode_record(quoted.replace('\\"', '"').replace("\\\\", "\\"))
    return None


def _layer(mesh: Mesh, material: Material, record: Mapping[str, Any] | None) -> str:
    custom = ""
    if record is not None:
        quoted = encode_record(record).replace("\\", "\\\\").replace('"', '\\"')
        custom = f'    customLayerData = {{\n        {_RECORD}"{quoted}"\n    }}\n'
    return f"""#usda 1.0
(
{custom}    defaultPrim = "Asset"
    metersPerUnit = 1
    upAxis = "Y"
)

def Xform "Asset" (
    kind = "component"
)
{{
{_mesh_prim(mesh, material)}
{_material_prim(mesh, material)}
}}
"""


def _mesh_prim(mesh: Mesh, material: Material) -> str:
    split = split_corners(mesh)
    low, high = mesh.bounds
    parts = [
        f"float3[] extent = {_tuples(np.stack([low, high]))}",
        f"int[] faceVertexCounts = [{', '.join(['3'] * len(split.faces))}]",
        f"int[] faceVertexIndices = [{', '.join(map(str, split.faces.ravel().tolist()))}]",
        f"point3f[] points = {_tuples(split.vertices)}",
        f"normal3f[] normals = {_tuples(split.normals)} (\n            "
        'interpolation = "vertex"\n        )',
        "rel material:binding = </Asset/Material>",
        'uniform token subdivisionScheme = "none"',
    ]
    if split.colors is not None and material.base_color is None:
        linear = srgb_to_linear(split.colors)
        parts.append(_primvar("color3f[]", "displayColor", linear))
    if split.uvs is not None:
        # USD counts v upward from the bottom of the texture.
        parts.append(_primvar("texCoord2f[]", "st", flip_v(split.uvs)))
    body = "\n        ".join(parts)
    return f"""    def Mesh "Mesh" (
        prepend apiSchemas = ["MaterialBindingAPI"]
    )
    {{
        {body}
    }}"""


def _primvar(kind: str, name: str, values: np.ndarray) -> str:
    return (
        f"{kind} primvars:{name} = {_tuples(values)} (\n            "
        'interpolation = "vertex"\n        )'
    )


def _material_prim(mesh: Mesh, material: Material) -> str:
    inputs = [
        f"float inputs:metallic = {material.metallic:g}",
        f"float inputs:roughness = {material.roughness:g}",
    ]
    readers = []
    if material.base_color is not None:
        inputs.append("color3f inputs:diffuseColor.connect = </Asset/Material/Color.outputs:rgb>")
        readers.append(_texture("Color", "base_color.png", "sRGB"))
    elif mesh.colors is not None:
        inputs.append("color3f inputs:diffuseColor.connect = </Asset/Material/Tint.outputs:result>")
        readers.append(_reader("Tint", "float3", "displayColor"))
    if material.normal_map is not None:
        inputs.append("normal3f inputs:normal.connect = </Asset/Material/Relief.outputs:rgb>")
        readers.append(_texture("Relief", "normal_map.png", "raw"))
    if material.textured:
        readers.append(_reader("Coordinates", "float2", "st"))
    body = "\n            ".join(inputs)
    return f"""    def Material "Material"
    {{
        token outputs:surface.connect = </Asset/Material/Surface.outputs:surface>

        def Shader "Surface"
        {{
            uniform token info:id = "UsdPreviewSurface"
            {body}
            token outputs:surface
        }}
{"".join(readers)}    }}"""


def _texture(name: str, file: str, space: str) -> str:
    # A normal map's bytes mean -1 to 1.
    scale = ""
    if space == "raw":
        scale = """
            float4 inputs:bias = (-1, -1, -1, 0)
            float4 inputs:scale = (2, 2, 2, 1)"""
    return f"""
        def Shader "{name}"
        {{
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @{file}@
            token inputs:sourceColorSpace = "{space}"
            float2 inputs:st.connect = </Asset/Material/Coordinates.outputs:result>
            token inputs:wrapS = "clamp"
            token inputs:wrapT = "clamp"{scale}
            float3 outputs:rgb
        }}
"""


def _reader(name: str, kind: str, variable: str) -> str:
    return f"""
        def Shader "{name}"
        {{
            uniform token info:id = "UsdPrimvarReader_{kind}"
            string inputs:varname = "{variable}"
            {kind} outputs:result
        }}
"""


def _tuples(rows: np.ndarray) -> str:
    pattern = "(" + ", ".join(["{:.7g}"] * rows.shape[1]) + ")"
    return "[" + ", ".join(pattern.format(*row) for row in rows.tolist()) + "]"
