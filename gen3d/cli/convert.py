"""``gen3d convert``: any known file into any other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options


def convert(
    source: Annotated[Path, typer.Argument(help="Mesh or cloud to read.")],
    target: Annotated[Path, typer.Argument(help="File to write; its extension is the format.")],
    faces: options.Faces = None,
    height: options.Height = None,
    flat_base: options.FlatBase = False,
    compress: options.Compress = None,
    format: options.Format = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Convert a mesh between GLB, OBJ, STL, 3MF, PLY and OFF, or to USDZ; or a point cloud.

    Clouds: PLY, XYZ, XYZN, XYZRGB, PTS, PCD, NPY, NPZ, LAS and LAZ; from E57, too. Coordinates of
    clouds are never turned or scaled.
    """
    from gen3d import io
    from gen3d.cli.console import console
    from gen3d.errors import InputError
    from gen3d.geometry.cloud import PointCloud
    from gen3d.geometry.lengths import parse_length_mm
    from gen3d.geometry.mesh import Mesh
    from gen3d.geometry.printing import check_print, cut_flat_base
    from gen3d.geometry.simplify import decimate

    name = io.check_target(target, format=format)
    item = io.load(source)
    if isinstance(item, PointCloud) and not quiet and (lost := io.lost_fields(item, name)):
        console.print(f"[yellow]note:[/yellow] {name} has no room for {', '.join(lost)}")
    if faces is not None:
        if not isinstance(item, Mesh):
            raise InputError("--faces needs a mesh, got a point cloud", hint="leave --faces away")
        report = decimate(item, faces)
        item = report.mesh
        if not quiet:
            console.print(f"faces: asked {report.asked}, got {report.actual}")
    if flat_base:
        if not isinstance(item, Mesh):
            raise InputError("--flat-base needs a mesh, got a point cloud")
        item = cut_flat_base(item)
    height_mm = None if height is None else parse_length_mm(height)
    io.save(item, target, format=format, height_mm=height_mm, compress=compress)
    if height_mm is not None and isinstance(item, Mesh) and not quiet:
        for warning in check_print(item, height_mm=height_mm).warnings:
            console.print(f"[yellow]note:[/yellow] {warning}")
    print(target)
