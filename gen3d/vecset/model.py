"""The networks of this capability, under one name."""

from gen3d.vecset.dit import Condition, ShapeDiT
from gen3d.vecset.encoder import Encoder, Posterior
from gen3d.vecset.query_decoder import QueryDecoder
from gen3d.vecset.vae import DecodedShape, ShapeVAE

__all__ = [
    "Condition",
    "DecodedShape",
    "Encoder",
    "Posterior",
    "QueryDecoder",
    "ShapeDiT",
    "ShapeVAE",
]
