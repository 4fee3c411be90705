"""What is known of a shape, as objectives of its latents.

The autoencoder's decoder is a classifier of inside and outside, so what is known enters as it was
trained: by the cross-entropy of its logits at points whose label is known. All objectives are in
nats per point, differentiable in the latents, and one value per item of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from gen3d.vecset.surface_encoding import SurfacePoints
from gen3d.vecset.vae import DecodedShape, ShapeVAE

# Half the width, in the network's frame, of the band around a surface in which no side is asked
# for: labels of 98 in 100 points so far beside the surface of an encoded shape are right.
ASIDE = 0.02
_COLOUR_WEIGHT = 5.0


@dataclass(frozen=True)
class KnownField:
    """Points with the probability that they are inside, and perhaps points with a colour.

    Attributes:
        points: Where something is known, network frame.
        inside: Probability of being inside; 1/2 on a surface.
        coloured: Points with known colours.
        colours: Their sRGB colours.
    """

    points: Float[Tensor, "n 3"]
    inside: Float[Tensor, " n"]
    coloured: Float[Tensor, "m 3"]
    colours: Float[Tensor, "m 3"]

    @staticmethod
    def of_surface(surface: SurfacePoints) -> KnownField:
        """Say that points are on the surface, with the inside behind them."""
        step = ASIDE * surface.normals
        ones = torch.ones_like(surface.points[:, 0])
        coloured = surface.points if surface.colours_given else surface.points[:0]
        return KnownField(
            torch.cat([surface.points, surface.points - step, surface.points + step]),
            torch.cat([ones / 2, ones, 0 * ones]),
            coloured,
            surface.colours[: len(coloured)],
        )

    def picked(self, count: int, generator: torch.Generator) -> KnownField:
        """Return random points and coloured points, at most ``count`` of each."""
        index, coloured = (
            torch.randperm(len(rows), generator=generator)[:count].to(rows.device)
            for rows in (self.points, self.coloured)
        )
        return KnownField(
            self.points[index], self.inside[index], self.coloured[coloured], self.colours[coloured]
        )

    def loss(self, vae: ShapeVAE, shape: DecodedShape) -> Float[Tensor, " batch"]:
        """Return how badly decoded shapes (a batch) fit, in nats per point, colours included."""
        batch = len(shape.geometry.keys)
        logits = vae.occupancy(self.points.expand(batch, -1, -1), shape)
        target = self.inside.expand_as(logits)
        total = binary_cross_entropy_with_logits(logits, target, reduction="none").mean(1)
        if len(self.coloured) and vae.colour is not None:
            off = vae.colours(self.coloured.expand(batch, -1, -1), shape) - self.colours
            total = total + _COLOUR_WEIGHT * off.square().mean((1, 2))
        return total
