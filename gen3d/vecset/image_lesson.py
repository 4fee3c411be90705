"""Shapes with pictures of them, as the image encoder learns from and the flow network reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from gen3d.data.renders import ViewSet
from gen3d.errors import InputError
from gen3d.runtime.progress import ProgressSink
from gen3d.vecset.caption_table import CaptionTable, TextEncoderLike
from gen3d.vecset.flow_objective import encode_shapes
from gen3d.vecset.image_encoder import SLOT_AZIMUTHS_DEG, UNKNOWN_SLOT
from gen3d.vecset.shape_data import ShapeSet, draw_shapes
from gen3d.vecset.vae import ShapeVAE


@dataclass(frozen=True)
class Pictures:
    """Some pictures out of a set.

    Attributes:
        rgba: sRGB bytes with straight opacity.
        azimuth_deg: Where the camera stood, 0 in front, 90 at the +X side.
        elevation_deg: Above the horizon.
    """

    rgba: UInt8[Tensor, "n size size 4"]
    azimuth_deg: Float[Tensor, " n"]
    elevation_deg: Float[Tensor, " n"]


def pick_pictures(
    views: ViewSet, shapes: Int[Tensor, " n"], numbers: Int[Tensor, " n"]
) -> Pictures:
    """Read the pictures of these numbers, of these shapes."""
    rows = list(zip(shapes.tolist(), numbers.tolist(), strict=True))
    at = shapes.numpy(), numbers.numpy()
    azimuth, elevation = (
        torch.from_numpy(angles[at]) for angles in (views.azimuth_deg, views.elevation_deg)
    )
    # One by one, as sets of views may lie in several files.
    rgba = torch.from_numpy(np.stack([views.images[i, k] for i, k in rows]))
    return Pictures(rgba, azimuth, elevation)


def slots_of(azimuth_deg: Float[Tensor, " n"], reach_deg: float) -> Int[Tensor, " n"]:
    """Return the slot of each view, unknown for those far from all directions."""
    off = (azimuth_deg[:, None] - torch.tensor(SLOT_AZIMUTHS_DEG) + 180) % 360 - 180
    nearest = off.abs().min(1)
    return torch.where(nearest.values <= reach_deg, nearest.indices, UNKNOWN_SLOT)


def told_slots(
    azimuth_deg: Float[Tensor, " n"], generator: torch.Generator, share: float, reach_deg: float
) -> Int[Tensor, " n"]:
    """Tell a share of the views which side they show, if they are near one."""
    told = torch.rand(len(azimuth_deg), generator=generator) < share
    return torch.where(told, slots_of(azimuth_deg, reach_deg), UNKNOWN_SLOT)


@dataclass(frozen=True)
class ImageLesson:
    """Shapes with their pictures, ready to train on.

    Attributes:
        views: Pictures.
        latents: Of the autoencoder, as it gives them.
        captions: Encoded.
        categories: Category per shape.
        shapes: Says which shapes to draw; None: all alike.
    """

    views: ViewSet
    latents: Float[Tensor, "shapes latents channels"]
    captions: CaptionTable
    categories: list[str]
    shapes: ShapeSet | None = None

    @classmethod
    def prepare(
        cls,
        views: ViewSet,
        shapes: ShapeSet,
        vae: ShapeVAE,
        text: TextEncoderLike,
        *,
        points: int,
        progress: ProgressSink | None = None,
    ) -> ImageLesson:
        """Encode the shapes that there are views of.

        Raises:
            InputError: There are views of more shapes than there are.
        """
        count = len(views)
        if count > len(shapes.captions):
            raise InputError(
                f"there are views of {count} shapes, but {len(shapes.captions)} shapes"
            )
        latents = encode_shapes(vae, shapes, points=points, limit=count, progress=progress)
        captions = CaptionTable.encode(text, shapes.captions[:count])
        whole = shapes if count == len(shapes.captions) else None
        return cls(views, latents, captions, shapes.categories[:count], whole)

    def draw(self, count: int, generator: torch.Generator) -> Int[Tensor, " count"]:
        """Draw shapes, with replacement."""
        if self.shapes is None:
            return torch.randint(len(self.views), (count,), generator=generator)
        return draw_shapes(self.shapes, count, generator)
