"""From a mesh to latents, for published autoencoders that have an encoder."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError, ModelError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.sample import sample_surface
from gen3d.geometry.sharp_edges import sample_sharp_edges
from gen3d.geometry.topology import merge_vertices
from gen3d.geometry.transforms import normalise_unit
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.vae import ShapeVAE

# The published loader: longest side of the shape in the network's frame.
_LONGEST = 2 * 0.9999
_NORMAL_AND_LABEL = 4


@torch.no_grad()
def encode_mesh(vae: ShapeVAE, mesh: Mesh, *, seed: int = 0) -> Float[Tensor, "1 latents channels"]:
    """Return the latents of a mesh: the mean of the posterior, as ``vae.decode`` takes them.

    Equal seeds give equal latents: points, their subset and the first of the furthest points all
    follow from the seed, where the published code draws them anew.

    Args:
        vae: An autoencoder with a published encoder (normals and sharp-edge labels).
        mesh: Any size and place; the shape is centred and scaled.
        seed: Of the surface points.

    Raises:
        ModelError: The autoencoder has no such encoder.
        InputError: The mesh has no area.
    """
    config = vae.config.encoder
    if config is None:
        raise ModelError(
            "this autoencoder has a decoder only and cannot encode meshes",
            hint="give the folder of one that was published with its encoder",
        )
    if config.queries != "fps" or config.point_channels != _NORMAL_AND_LABEL:
        raise ModelError("this autoencoder does not take normals and sharp-edge labels")
    count = vae.config.num_latents * config.points_per_latent
    sharp = round(count * config.sharp_fraction)
    generator = make_generator(seed)
    surface = surface_points(mesh, count - sharp, sharp, generator)
    weight = vae.from_latent.weight
    return vae.encode(surface[None].to(weight.device), generator).mean.to(weight.dtype)


def surface_points(
    mesh: Mesh, uniform: int, sharp: int, generator: torch.Generator
) -> Float[Tensor, "n 7"]:
    """Draw what a published encoder sees: coordinates, normal, and 1 for points on sharp edges.

    Points are rounded to half precision, as in training. A mesh without sharp edges gets more
    uniform points in their place, labelled as such.

    Args:
        mesh: Any size and place.
        uniform: Points drawn by area; they come first.
        sharp: Points drawn on sharp edges.
        generator: CPU source of randomness.

    Raises:
        InputError: The mesh has no area.
    """
    if not len(mesh.faces):
        raise InputError("a mesh without faces cannot be encoded")
    # Normals of faces, not those that the file may carry; edges need shared vertices.
    plain = merge_vertices(Mesh(mesh.vertices, mesh.faces))
    plain = normalise_unit(plain, longest=_LONGEST)
    parts = [_labelled(sample_surface(plain, uniform, generator), 0.0)]
    if sharp:
        edges = sample_sharp_edges(plain, sharp, generator)
        on_edges = edges is not None
        cloud = edges if edges is not None else sample_surface(plain, sharp, generator)
        parts.append(_labelled(cloud, float(on_edges)))
    return torch.from_numpy(np.concatenate(parts)).half().float()


def _labelled(cloud: PointCloud, label: float) -> Float[np.ndarray, "n 7"]:
    assert cloud.normals is not None
    labels = np.full((len(cloud), 1), label, np.float32)
    return np.concatenate([cloud.points, cloud.normals, labels], axis=1)
