"""From surface points to latents, for autoencoders that look at normals and colours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError, ModelError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.cloud_normals import NEIGHBOURS, estimate_normals
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.vae import DecodedShape, ShapeVAE

SURFACE_POINTS = 2048
"""Points that the encoder is trained on; it takes fewer, and parts of a surface."""
MIN_POINTS = 32
_NORMAL_AND_COLOUR = 6
_GREY = 0.5
# How far beside the surface, in the network's frame, one side is told from the other.
_ASIDE = 0.03
_ROUNDS = 2


@dataclass(frozen=True)
class SurfacePoints:
    """Points on a surface, in the network's frame.

    Attributes:
        points: Positions.
        normals: Outward unit normals.
        colours: sRGB in [0, 1].
        normals_given: Whether the normals are data; else they are estimates.
        colours_given: Likewise the colours.
    """

    points: Float[Tensor, "n 3"]
    normals: Float[Tensor, "n 3"]
    colours: Float[Tensor, "n 3"]
    normals_given: bool = True
    colours_given: bool = True

    def picked(self, index: Tensor) -> SurfacePoints:
        """Return some of the points."""
        return replace(
            self,
            points=self.points[index],
            normals=self.normals[index],
            colours=self.colours[index],
        )


def surface_points(cloud: PointCloud, *, seed: int, device: torch.device) -> SurfacePoints:
    """Pick as many points of a cloud as the encoder is used to, and make up what they lack.

    Missing normals are estimated, missing colours grey: see :func:`encode_surface`, which corrects
    both.

    Args:
        cloud: In the network's frame.
        seed: Of the choice of points.
        device: Where to put them.

    Raises:
        InputError: There are fewer than 32 points.
    """
    if len(cloud) < MIN_POINTS:
        raise InputError(f"expected at least {MIN_POINTS} points, got {len(cloud)}")
    order = torch.randperm(len(cloud), generator=make_generator(seed))[:SURFACE_POINTS].numpy()
    points = cloud.points[order]
    if cloud.normals is None:
        normals = estimate_normals(points, neighbours=NEIGHBOURS)
    else:
        normals = cloud.normals[order]
    there = torch.from_numpy(points).to(device)
    colours = torch.full_like(there, _GREY)
    if cloud.colors is not None:
        colours = torch.from_numpy(cloud.colors[order]).to(device)
    return SurfacePoints(
        there,
        torch.nn.functional.normalize(torch.from_numpy(normals).to(device), dim=-1),
        colours,
        normals_given=cloud.normals is not None,
        colours_given=cloud.colors is not None,
    )


@torch.no_grad()
def encode_surface(
    vae: ShapeVAE, surface: SurfacePoints, *, tokens: int
) -> tuple[Float[Tensor, "1 latents channels"], SurfacePoints]:
    """Encode surface points; also return them with what was missing filled in.

    Estimated normals are turned to the side that the decoded shape has outside, and missing
    colours are those of the decoded shape; then the points are encoded again, twice in all.

    Args:
        vae: An autoencoder whose encoder takes normals and colours.
        surface: All or part of a surface.
        tokens: Latents to make of it: as many as the flow network takes.

    Raises:
        ModelError: The autoencoder has no such encoder.
    """
    config = vae.config.encoder
    if config is None or config.queries != "learned":
        raise ModelError("this model has no encoder that takes parts of surfaces")
    if config.point_channels != _NORMAL_AND_COLOUR:
        raise ModelError("this model's encoder does not take normals and colours")
    latents = _encode(vae, surface, tokens)
    if not (surface.normals_given and surface.colours_given):
        for _ in range(_ROUNDS):
            surface = _filled(vae, vae.decode(latents), surface)
            latents = _encode(vae, surface, tokens)
    return latents, surface


def _encode(
    vae: ShapeVAE, surface: SurfacePoints, tokens: int
) -> Float[Tensor, "1 latents channels"]:
    rows = torch.cat([surface.points, surface.normals, surface.colours], dim=1)
    weight = vae.from_latent.weight
    return vae.encode(rows[None], tokens=tokens).mean.to(weight.dtype)


def _filled(vae: ShapeVAE, shape: DecodedShape, surface: SurfacePoints) -> SurfacePoints:
    points, normals = surface.points, surface.normals
    if not surface.normals_given:
        sides = torch.stack([points + _ASIDE * normals, points - _ASIDE * normals])
        ahead, behind = (vae.occupancy(side[None], shape)[0] for side in sides)
        normals = torch.where((ahead > behind)[:, None], -normals, normals)
    colours = surface.colours
    if not surface.colours_given and vae.colour is not None:
        colours = vae.colours(points[None], shape)[0]
    return replace(surface, normals=normals, colours=colours)
