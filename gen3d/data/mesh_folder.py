"""Any folder of meshes as training data: GLB, OBJ, STL, PLY and what else trimesh reads."""

from __future__ import annotations

import json
import struct
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import trimesh
from pydantic import BaseModel, ConfigDict

from gen3d.data.mesh_item import MeshItem, safe_key
from gen3d.data.mesh_sampling import PaintedMesh, paint
from gen3d.errors import FormatError, InputError
from gen3d.geometry.color import linear_to_srgb
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.transforms import z_up_to_y_up
from gen3d.io import load
from gen3d.io.files import read_bytes

EXTENSIONS = frozenset({".glb", ".gltf", ".obj", ".stl", ".ply", ".off", ".3mf"})
"""Extensions that are taken for meshes."""
# What trimesh's readers are known to raise on damaged files and on missing packages.
_READER_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    ImportError,
    struct.error,
    zipfile.BadZipFile,
)
_Z_UP = frozenset({".stl", ".3mf"})
_GLTF = frozenset({".glb", ".gltf"})


class MeshFolderConfig(BaseModel):
    """Which meshes of a folder, and how they stand.

    Beside ``chair.glb`` may lie ``chair.txt``, with a caption on each line, or ``chair.json``, with
    any of ``captions`` (a list), ``caption``, ``category``, ``licence`` and ``author``. Else the
    captions come from the file's name.

    Attributes:
        path: Folder; folders in it are searched too.
        up: The axis that points up in the files; auto: z in STL and 3MF, y in all others.
        category: Kind of all the things.
        part: ``[i, n]``: every n-th file, from the i-th on, to keep some for validation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: Path
    up: Literal["auto", "y", "z"] = "auto"
    category: str = ""
    part: tuple[int, int] = (0, 1)


def folder_items(config: MeshFolderConfig) -> list[MeshItem]:
    """List the meshes of a folder, in the order of their paths.

    Raises:
        InputError: There is no such folder, or no mesh in it.
        FormatError: A sidecar file is damaged.
    """
    if not config.path.is_dir():
        raise InputError(f"there is no folder {config.path}", hint="give a folder of meshes")
    first, every = config.part
    if not 0 <= first < every:
        raise InputError(f"part is {list(config.part)}, expected [i, n] with 0 <= i < n")
    paths = sorted(p for p in config.path.rglob("*") if p.suffix.lower() in EXTENSIONS)
    if not paths:
        known = ", ".join(sorted(EXTENSIONS))
        raise InputError(f"there is no mesh in {config.path}", hint=f"known are {known}")
    return [_item(path, config) for path in paths[first::every]]


def _item(path: Path, config: MeshFolderConfig) -> MeshItem:
    about = _sidecar(path)
    captions = about.get("captions", [about["caption"]] if "caption" in about else [])
    if not isinstance(captions, list) or not all(isinstance(c, str) for c in captions):
        raise FormatError(f"captions of {path} must be a list of texts, got {captions!r}")
    return MeshItem(
        key=safe_key(str(path.relative_to(config.path))),
        load=partial(read_painted, path, up=config.up),
        name=path.stem.replace("-", " "),
        captions=tuple(captions),
        category=str(about.get("category", config.category)),
        licence=str(about.get("licence", about.get("license", ""))),
        author=str(about.get("author", "")),
        source=path.name,
    )


def _sidecar(path: Path) -> dict[str, Any]:
    text, structured = path.with_suffix(".txt"), path.with_suffix(".json")
    if structured.is_file():
        try:
            about = json.loads(read_bytes(structured))
        except ValueError as error:
            raise FormatError(f"{structured} is no valid JSON: {error}") from error
        if not isinstance(about, dict):
            raise FormatError(f"{structured} must hold an object, got {type(about).__name__}")
        return about
    if text.is_file():
        lines = read_bytes(text).decode(errors="replace").splitlines()
        return {"captions": [line.strip() for line in lines if line.strip()]}
    return {}


def read_painted(path: Path, *, up: str = "auto") -> PaintedMesh:
    """Read a mesh file: all its parts in one, with colours of faces, vertices or textures.

    Raises:
        FormatError: The file cannot be read, or holds no faces.
    """
    gltf = path.suffix.lower() in _GLTF
    if path.suffix.lower() == ".glb":
        own = load(path)
        # Of vertex colours beside a material trimesh keeps none.
        if isinstance(own, Mesh) and own.colors is not None and own.corner_uvs is None:
            return paint(own)
    try:
        scene = trimesh.load_scene(path)
        parts = [part for part in scene.dump() if isinstance(part, trimesh.Trimesh)]
    except _READER_ERRORS as error:
        raise FormatError(f"cannot read {path}: {type(error).__name__}: {error}") from error
    parts = [part for part in parts if len(part.faces)]
    if not parts:
        raise FormatError(f"{path} holds no faces")
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    vertices = np.concatenate([np.asarray(part.vertices, np.float64) for part in parts])
    faces = np.concatenate([p.faces + s for p, s in zip(parts, starts, strict=False)])
    mesh = Mesh(vertices, faces)
    if up == "z" or (up == "auto" and path.suffix.lower() in _Z_UP):
        mesh = z_up_to_y_up(mesh)
    paints = [_paint(part, linear=gltf) for part in parts]
    pictures = tuple(paint.picture for paint in paints if paint.picture is not None)
    numbers = np.cumsum([paint.picture is not None for paint in paints]) - 1
    texture = [
        np.full(len(part.faces), -1 if paint.picture is None else number)
        for part, paint, number in zip(parts, paints, numbers, strict=True)
    ]
    return PaintedMesh(
        mesh,
        np.concatenate([paint.colours for paint in paints]).astype(np.float32),
        pictures,
        np.concatenate(texture),
        np.concatenate([paint.uvs for paint in paints]),
    )


@dataclass(frozen=True)
class _Paint:
    colours: np.ndarray  # (f, 3, 3)
    uvs: np.ndarray  # (f, 3, 2)
    picture: np.ndarray | None = None


def _paint(part: Any, *, linear: bool) -> _Paint:
    """Take colours or texture of one part; grey where the file has neither.

    Args:
        part: A mesh of trimesh.
        linear: Whether its material's colour is linear, as in glTF.
    """
    visual, faces = part.visual, np.asarray(part.faces)
    uvs = np.zeros((len(faces), 3, 2))
    if not visual.defined:
        return _Paint(np.full((len(faces), 3, 3), 0.5), uvs)
    if visual.kind == "face":
        flat = np.asarray(visual.face_colors)[:, :3] / 255
        return _Paint(np.repeat(flat[:, None], 3, axis=1), uvs)
    if visual.kind == "vertex":
        return _Paint(np.asarray(visual.vertex_colors)[faces, :3] / 255, uvs)
    colours = np.ones((len(faces), 3, 3))
    material = visual.material
    picture = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    if picture is not None and visual.uv is not None:
        pixels = np.asarray(picture.convert("RGB"), np.float32) / 255
        return _Paint(colours, np.asarray(visual.uv)[faces], pixels)
    colour = np.asarray(material.main_color)[:3] / 255
    return _Paint(colours * (linear_to_srgb(colour) if linear else colour), uvs)
