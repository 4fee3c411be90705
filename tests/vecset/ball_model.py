"""A model that knows balls only: what it makes of latents is known in closed form."""

from __future__ import annotations

import torch

from gen3d.conditioning.text import TextConfig, TextEncoder
from gen3d.conditioning.wordpiece import WordPiece
from gen3d.nn.attention import KeysValues
from gen3d.vecset.config import DiTConfig, SamplingConfig, VAEConfig
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.grid_field import PointField
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.vae import DecodedShape, ShapeVAE


class SizedBall(ShapeVAE):
    """Decodes latents to a ball whose radius is 0.6 plus a tenth of their mean."""

    def decode(self, latents):
        shape = super().decode(latents)
        radius = 0.6 + latents.mean(dim=(1, 2)) / 10
        # Carried in the keys, which the ball does not look at otherwise.
        keys = torch.zeros_like(shape.geometry.keys) + radius[:, None, None, None]
        return DecodedShape(KeysValues(keys, shape.geometry.values), shape.colour)

    def occupancy(self, queries, shape):
        return 100 * (shape.geometry.keys[:, 0, 0, :1] - queries.norm(dim=-1))


def radius_of(shape: DecodedShape) -> torch.Tensor:
    """The radius of every decoded ball."""
    return shape.geometry.keys[:, 0, 0, 0]


def make_ball_pipeline(vae: VAEConfig, dit: DiTConfig) -> VecsetPipeline:
    """Build the pipeline; its networks are random but for the ball."""
    torch.manual_seed(0)
    text = TextEncoder(
        WordPiece(["[PAD]", "[UNK]", "a", "red", "ball"]),
        TextConfig(width=8, table_width=8, heads=2, layers=1),
    )
    return VecsetPipeline(
        SizedBall(vae).eval(),
        ShapeDiT(dit).eval(),
        text.eval(),
        sampling=SamplingConfig(steps=3, resolution=24, decode_start=12),
        name="tiny",
    )


def ball_field(vae: ShapeVAE, shape: DecodedShape, chunk: int | None = None) -> PointField:
    """Stand in for the field of the geometry network."""
    return PointField(lambda points: vae.occupancy(points[None], shape)[0])
