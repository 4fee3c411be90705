"""Which file format does what, and the way from a path to its format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gen3d.errors import FormatError, InputError, OutputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.io.e57 import read_e57
from gen3d.io.files import read_bytes
from gen3d.io.glb import Compression, read_glb, read_glb_record, write_glb
from gen3d.io.images import read_png_record
from gen3d.io.las import read_las, write_las, write_laz
from gen3d.io.npz import read_npy, read_npz, read_npz_record, write_npy, write_npz
from gen3d.io.obj import obj_files, read_obj, read_obj_record
from gen3d.io.off import read_off, read_off_record, write_off
from gen3d.io.pcd import read_pcd, read_pcd_record, write_pcd
from gen3d.io.ply import read_ply, read_ply_record, write_ply
from gen3d.io.pts import read_pts, write_pts
from gen3d.io.record import KEY
from gen3d.io.stl import height_scale, read_stl, write_stl
from gen3d.io.threemf import read_3mf, read_3mf_record, write_3mf
from gen3d.io.usdz import read_usdz_record, write_usdz
from gen3d.io.xyz import (
    read_text_record,
    read_xyz,
    read_xyzn,
    read_xyzrgb,
    write_xyz,
    write_xyzn,
    write_xyzrgb,
)
from gen3d.runtime.atomic import atomic_write

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Format:
    """What we can do with a file format.

    Attributes:
        read: From bytes to a shape; None where we only write.
        read_record: From bytes to the embedded record; None where the format has no room for one.
        write_cloud: From a cloud and a record to bytes; None where no clouds can be written.
        meshes: Whether meshes can be written.
        textures: Whether textures can be written.
        cloud_fields: What it keeps of a cloud besides positions: ``normals``, ``colors`` and names
            of attributes; None is all.
    """

    read: Callable[[bytes], Mesh | PointCloud] | None
    read_record: Callable[[bytes], dict[str, Any] | None] | None
    write_cloud: Callable[[PointCloud, Record | None], bytes] | None = None
    meshes: bool = True
    textures: bool = False
    cloud_fields: frozenset[str] | None = None

    @property
    def clouds(self) -> bool:
        """Whether point clouds can be written."""
        return self.write_cloud is not None


FORMATS: dict[str, Format] = {
    "glb": Format(read_glb, read_glb_record, textures=True),
    "obj": Format(read_obj, read_obj_record, textures=True),
    "stl": Format(read_stl, None),
    "3mf": Format(read_3mf, read_3mf_record),
    "usdz": Format(None, read_usdz_record, textures=True),
    "ply": Format(read_ply, read_ply_record, write_ply),
    "off": Format(read_off, read_off_record),
    "xyz": Format(read_xyz, read_text_record, write_xyz, meshes=False),
    "xyzn": Format(
        read_xyzn,
        read_text_record,
        write_xyzn,
        meshes=False,
        cloud_fields=frozenset({"normals"}),
    ),
    "xyzrgb": Format(
        read_xyzrgb,
        read_text_record,
        write_xyzrgb,
        meshes=False,
        cloud_fields=frozenset({"colors"}),
    ),
    "pts": Format(
        read_pts,
        None,
        write_pts,
        meshes=False,
        cloud_fields=frozenset({"colors", "intensity"}),
    ),
    "pcd": Format(read_pcd, read_pcd_record, write_pcd, meshes=False),
    "npy": Format(read_npy, None, write_npy, meshes=False),
    "npz": Format(read_npz, read_npz_record, write_npz, meshes=False),
    "las": Format(read_las, None, write_las, meshes=False),
    "laz": Format(read_las, None, write_laz, meshes=False),
    "e57": Format(read_e57, None, meshes=False),
}
"""Formats of shapes by extension."""


def format_of(path: Path | str, *, format: str | None = None) -> str:
    """Return the format of a file by its extension, or the one asked for.

    Raises:
        FormatError: The format is unknown, or the extension says another.
    """
    extension = Path(path).suffix.lower().removeprefix(".")
    name = extension if format is None else format.lower().removeprefix(".")
    if name not in FORMATS:
        what = f"format {name!r}" if name else f"format: {path} has no extension"
        raise FormatError(f"unknown {what}", hint=f"known formats: {', '.join(FORMATS)}")
    if name != extension and extension in FORMATS:
        raise FormatError(
            f"{path} is to be {name}, and its extension says {extension}",
            hint=f"name it {Path(path).with_suffix('.' + name).name}",
        )
    return name


def check_target(path: Path | str, *, format: str | None = None) -> str:
    """Check before long work that a file can be written; return its format.

    Raises:
        FormatError: The format is unknown.
        OutputError: The folder is missing or cannot be written to, or the path is a folder.
    """
    name = format_of(path, format=format)
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder", hint="give a file name")
    if not path.parent.is_dir():
        raise OutputError(
            f"cannot write {path}: there is no folder {path.parent}",
            hint="create it first, or choose another",
        )
    if not os.access(path.parent, os.W_OK):
        raise OutputError(
            f"cannot write {path}: no permission in {path.parent}", hint="choose another place"
        )
    return name


def lost_fields(cloud: PointCloud, name: str) -> list[str]:
    """Return what of a cloud a format has no room for.

    Args:
        cloud: What is to be written.
        name: The format.
    """
    kept = FORMATS[name].cloud_fields
    fields = {"normals": cloud.normals, "colors": cloud.colors, **cloud.attributes}
    return [
        field
        for field, values in fields.items()
        if values is not None and kept is not None and field not in kept
    ]


def save(
    shape: Mesh | PointCloud,
    path: Path | str,
    *,
    format: str | None = None,
    record: Record | None = None,
    height_mm: float | None = None,
    compress: Compression | None = None,
) -> Path:
    """Write a mesh or a point cloud, whole or not at all; equal input gives equal bytes.

    OBJ files with a material have it beside them: ``NAME.mtl``, and ``NAME_base_color.png``.

    Args:
        shape: What to write.
        path: File to write; its extension is the format.
        format: The format, where the extension does not tell.
        record: Embedded in the file; by default ``shape.metadata["gen3d"]``. STL has no room.
        height_mm: Scale a mesh to this height; STL and 3MF are in millimetres, the others in
            metres. By default numbers stay as they are, metres for 3MF.
        compress: GLB only: see :func:`gen3d.io.glb.write_glb`.

    Returns:
        The path.

    Raises:
        FormatError: The format is unknown, or does not hold such shapes.
        InputError: The shape is empty, or an option does not go with it.
        OutputError: The file cannot be written.
    """
    name = check_target(path, format=format)
    if isinstance(shape, PointCloud) and not FORMATS[name].clouds:
        able = ", ".join(key for key, value in FORMATS.items() if value.clouds)
        raise FormatError(f"{name} files hold no point clouds", hint=f"formats that do: {able}")
    if isinstance(shape, Mesh) and not FORMATS[name].meshes:
        able = ", ".join(key for key, value in FORMATS.items() if value.meshes)
        raise FormatError(f"{name} files hold no meshes", hint=f"formats that do: {able}")
    if height_mm is not None and isinstance(shape, PointCloud):
        raise InputError("a height applies to meshes, not to point clouds")
    if compress is not None and name != "glb":
        raise InputError(f"compression applies to glb, not to {name}")
    record = shape.metadata.get(KEY) if record is None else record
    files = _encode(shape, Path(path), name, record, height_mm, compress)
    # The file asked for comes last: where it is, the ones that it names are.
    for target, data in reversed(files.items()):
        with atomic_write(target) as file:
            file.write(data)
    return Path(path)


def load(path: Path | str, *, format: str | None = None) -> Mesh | PointCloud:
    """Read a mesh or a point cloud; an embedded record lands in ``metadata["gen3d"]``.

    Raises:
        InputError: The file cannot be read.
        FormatError: The format is unknown, or the file is malformed.
    """
    name = format_of(path, format=format)
    read = FORMATS[name].read
    if read is None:
        raise FormatError(f"{name} files can be written, not read: {path}")
    try:
        return read(read_bytes(path))
    except FormatError as error:
        raise FormatError(f"cannot read {path}: {error.message}", hint=error.hint) from error


def load_mesh(path: Path | str, *, format: str | None = None) -> Mesh:
    """Read a mesh.

    Raises:
        InputError: The file cannot be read.
        FormatError: The format is unknown, the file is malformed, or holds points only.
    """
    shape = load(path, format=format)
    if not isinstance(shape, Mesh):
        raise FormatError(f"{path} holds points and no faces, a mesh was expected")
    return shape


def read_record(path: Path | str) -> dict[str, Any] | None:
    """Return the record of how a file was made, or None where it carries none.

    Args:
        path: A shape in any known format, or a PNG picture.

    Raises:
        InputError: The file cannot be read.
        FormatError: The format is unknown, or the file is malformed.
    """
    if Path(path).suffix.lower() == ".png":
        return read_png_record(path)
    read = FORMATS[format_of(path)].read_record
    data = read_bytes(path)
    if read is None:
        return None
    try:
        return read(data)
    except FormatError as error:
        raise FormatError(f"cannot read {path}: {error.message}", hint=error.hint) from error


def _encode(
    shape: Mesh | PointCloud,
    path: Path,
    name: str,
    record: Record | None,
    height_mm: float | None,
    compress: Compression | None,
) -> dict[Path, bytes]:
    """Return the files to write, the one asked for first."""
    write_cloud = FORMATS[name].write_cloud
    if isinstance(shape, PointCloud) and write_cloud is not None:
        return {path: write_cloud(shape, record)}
    assert isinstance(shape, Mesh)
    if name == "stl":
        return {path: write_stl(shape, height_mm=height_mm)}
    if name == "3mf":
        return {path: write_3mf(shape, record, height_mm=height_mm)}
    if height_mm is not None:
        scale = height_scale(shape, height_mm) / 1000
        shape = shape.with_(vertices=shape.vertices * scale)
    if name == "glb":
        return {path: write_glb(shape, record, compress=compress)}
    if name == "usdz":
        return {path: write_usdz(shape, record)}
    if name == "ply":
        return {path: write_ply(shape, record)}
    if name == "off":
        return {path: write_off(shape, record)}
    return obj_files(shape, path, record)
