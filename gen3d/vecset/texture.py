"""From an extracted mesh to an asset: fewer faces, a flat base, a texture atlas, baked colours."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from gen3d.geometry.bake import PointColours, bake_colours, texels_of
from gen3d.geometry.creases import crease_normals
from gen3d.geometry.materials import Material
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normal_map import bake_normal_map
from gen3d.geometry.normals import vertex_normals
from gen3d.geometry.printing import cut_flat_base
from gen3d.geometry.simplify import decimate
from gen3d.geometry.topology import report_topology
from gen3d.geometry.transforms import normalise_unit
from gen3d.geometry.unwrap import unwrap
from gen3d.vecset.asset import AssetOptions
from gen3d.vecset.config import Mesher
from gen3d.vecset.extract import ExtractedMesh, extract_mesh, shape_colours
from gen3d.vecset.vae import DecodedShape, ShapeVAE

TEXTURED_FACES = 8_000
"""Faces of a textured mesh by default: the texture holds the colours, so that faces need only
follow the shape, and xatlas takes half a second."""


def decode_asset(
    vae: ShapeVAE,
    shape: DecodedShape,
    *,
    resolution: int,
    faces: int | None,
    start: int,
    mesher: Mesher,
    asset: AssetOptions | None,
    material: Material | None,
    check: Callable[[], None],
) -> ExtractedMesh:
    """Make the mesh of one shape, and an asset of it where asked.

    Args:
        vae: The autoencoder, in eval mode.
        shape: A batch of one.
        resolution: Grid cells per axis.
        faces: Face budget; None: no limit, or ``TEXTURED_FACES`` with a texture.
        start: See :func:`gen3d.vecset.decode.decode_field`.
        mesher: See :func:`gen3d.vecset.extract.surface_mesh`.
        asset: What to do with the mesh; None: nothing.
        material: Roughness and metallic; None: unknown.
        check: Called between stages; may raise to stop.

    Raises:
        EmptySurfaceError: The field has no surface.
    """
    textured = asset is not None and asset.texture is not None
    extracted = extract_mesh(
        vae,
        shape,
        resolution=resolution,
        faces=None if textured else faces,
        start=start,
        mesher=mesher,
        normalise=not textured,
        coloured=not textured,
        check=check,
    )
    if asset is not None:
        extracted = finish_asset(extracted, vae, shape, asset, faces=faces, check=check)
    return extracted if material is None else with_finish(extracted, material)


@torch.no_grad()
def finish_asset(
    extracted: ExtractedMesh,
    vae: ShapeVAE,
    shape: DecodedShape,
    asset: AssetOptions,
    *,
    faces: int | None = None,
    check: Callable[[], None] = lambda: None,
) -> ExtractedMesh:
    """Cut the base, and simplify, unwrap and bake one shape, as far as asked.

    Args:
        extracted: A mesh; dense and in the coordinates of the network where a texture is asked.
        vae: The autoencoder.
        shape: The batch of one that the mesh was extracted from.
        asset: What to do.
        faces: Face budget of a textured mesh; None: ``TEXTURED_FACES``.
        check: Called between stages; may raise to stop.

    Returns:
        The mesh, its report brought up to date and ``texture`` among its times.

    Raises:
        InputError: The budget is above what can be unwrapped, or an open mesh is to be cut.
        ModelError: The model has no colours to bake.
    """
    if asset.texture is None and not asset.flat_base:
        return extracted
    began = time.perf_counter()
    mesh = extracted.mesh
    if asset.texture is not None:
        mesh = decimate(mesh, faces or TEXTURED_FACES).mesh
    if asset.flat_base:
        mesh = cut_flat_base(mesh)
    check()
    if asset.texture is not None:
        field, device = shape_colours(vae, shape), vae.from_latent.weight.device

        def ask(points: np.ndarray) -> np.ndarray:
            return field(torch.from_numpy(points).to(device)).cpu().numpy()

        detailed = extracted.mesh if asset.normal_map else None
        mesh = _textured(mesh, ask, asset.texture, detailed, check)
    mesh = normalise_unit(mesh)
    topology = report_topology(mesh)
    report = replace(
        extracted.report,
        components=topology.components,
        watertight=topology.watertight,
        faces=len(mesh.faces),
        faces_asked=faces,
    )
    times = {**extracted.timings_s, "texture": time.perf_counter() - began}
    return ExtractedMesh(mesh, report, times)


def _textured(
    mesh: Mesh,
    colours: PointColours,
    size: int,
    detailed: Mesh | None,
    check: Callable[[], None],
) -> Mesh:
    """Unwrap and bake; colours at the vertices stay for formats without textures."""
    mesh = unwrap(mesh, size=size)
    mesh = mesh.with_(corner_normals=crease_normals(mesh), normals=vertex_normals(mesh))
    check()
    texels = texels_of(mesh, size)
    material = Material(bake_colours(mesh, texels, colours))
    check()
    if detailed is not None:
        relief = bake_normal_map(mesh, texels, detailed)
        material = replace(material, normal_map=relief)
    return mesh.with_(material=material, colors=colours(mesh.vertices))


def with_finish(extracted: ExtractedMesh, finish: Material) -> ExtractedMesh:
    """Return a mesh with roughness and metallic of ``finish``, and its own textures."""
    own = extracted.mesh.material or Material()
    material = replace(own, roughness=finish.roughness, metallic=finish.metallic)
    return replace(extracted, mesh=extracted.mesh.with_(material=material))
