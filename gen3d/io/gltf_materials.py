"""Metallic-roughness materials and their textures in glTF (glTF 2.0, sections 3.8 and 3.9)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.color import linear_to_srgb, srgb_to_linear
from gen3d.geometry.materials import Material
from gen3d.io.gltf_buffer import GltfBuffer
from gen3d.io.gltf_document import Document, numbers
from gen3d.io.images import decode_image, encode_png

_LINEAR, _TRILINEAR, _CLAMP = 9729, 9987, 33071


def material_entries(material: Material | None, buffer: GltfBuffer) -> dict[str, Any]:
    """Return the document's entries for one material: itself, its textures, images and sampler."""
    material = material or Material()
    images: list[dict[str, Any]] = []
    shading: dict[str, Any] = {
        "baseColorFactor": [1.0, 1.0, 1.0, 1.0],
        "metallicFactor": material.metallic,
        "roughnessFactor": material.roughness,
    }
    entry: dict[str, Any] = {"doubleSided": False, "pbrMetallicRoughness": shading}
    if material.base_color is not None:
        shading["baseColorTexture"] = {"index": len(images)}
        images.append(_image(material.base_color, "base_color", buffer))
    if material.normal_map is not None:
        entry["normalTexture"] = {"index": len(images)}
        images.append(_image(material.normal_map, "normal", buffer))
    entries: dict[str, Any] = {"materials": [entry]}
    if images:
        entries["images"] = images
        entries["textures"] = [{"sampler": 0, "source": i} for i in range(len(images))]
        sampler = {"magFilter": _LINEAR, "minFilter": _TRILINEAR, "wrapS": _CLAMP, "wrapT": _CLAMP}
        entries["samplers"] = [sampler]
    return entries


def read_material(document: Document, primitive: dict[str, Any]) -> Material | None:
    """Return a primitive's material, or None; textures in other files are left out.

    A texture is multiplied by the colour factor, in linear light.

    Raises:
        FormatError: It is malformed, or an image is damaged.
    """
    if "material" not in primitive:
        return None
    entry = document.item("materials", primitive["material"])
    shading = entry.get("pbrMetallicRoughness")
    shading = shading if isinstance(shading, dict) else {}
    metallic, roughness = (
        float(numbers({"_": [shading.get(key, 1.0)]}, "_", (1.0,))[0])
        for key in ("metallicFactor", "roughnessFactor")
    )
    colour = _texture(document, shading.get("baseColorTexture"))
    if colour is not None:
        factor = numbers(shading, "baseColorFactor", (1.0,) * 4)[:3]
        colour = _tinted(colour, factor)
    try:
        return Material(colour, roughness, metallic, _texture(document, entry.get("normalTexture")))
    except InputError as error:
        raise FormatError(f"a glTF material is malformed: {error.message}") from error


def _image(pixels: np.ndarray, name: str, buffer: GltfBuffer) -> dict[str, Any]:
    return {
        "bufferView": buffer.add_blob(encode_png(pixels)),
        "mimeType": "image/png",
        "name": name,
    }


def _texture(document: Document, reference: Any) -> np.ndarray | None:
    """Return an embedded image that a texture reference names, as RGB bytes."""
    if not isinstance(reference, dict):
        return None
    # A second set of coordinates would need a second map of the surface.
    if reference.get("texCoord", 0) != 0 or "KHR_texture_transform" in str(reference):
        return None
    texture = document.item("textures", reference.get("index"))
    if "source" not in texture:
        return None
    image = document.item("images", texture["source"])
    if "bufferView" not in image:
        return None
    data = document.view(image["bufferView"])
    try:
        return np.ascontiguousarray(decode_image(data, "a texture in the file")[..., :3])
    except InputError as error:
        raise FormatError(error.message, hint=error.hint) from error


def _tinted(image: np.ndarray, factor: np.ndarray) -> np.ndarray:
    if (factor == 1).all():
        return image
    # 256 values per channel: a table, not a million powers.
    levels = srgb_to_linear(np.arange(256) / 255)[:, None] * factor.clip(0, 1)
    table = np.rint(linear_to_srgb(levels) * 255).astype(np.uint8)
    return np.stack([table[image[..., i], i] for i in range(3)], axis=-1)
