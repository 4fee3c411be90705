"""What the decoder half of an autoencoder is trained for when its latents must not change."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

from gen3d.nn.attention import muon_row_chunks
from gen3d.runtime.progress import ProgressSink
from gen3d.training.batch_part import current_part
from gen3d.training.objective import EXAMPLES, LossResult
from gen3d.vecset.config import Settings
from gen3d.vecset.flow_objective import encode_shapes
from gen3d.vecset.objective import COLOUR_BETA, reconstruction_figures
from gen3d.vecset.shape_data import (
    ShapeSet,
    check_shape_set,
    draw_queries,
    draw_shapes,
    gather,
)
from gen3d.vecset.vae import ShapeVAE

_ENCODER_PARTS = ("encoder.", "to_posterior.")


class DecoderObjectiveConfig(Settings):
    """Batches and loss weights.

    Attributes:
        batch_size: Shapes per step.
        encode_points: Surface points from which each shape's latents are computed, once.
        queries: Field queries per shape.
        near_fraction: Share of them near the surface.
        colour_points: Colour queries per shape.
        colour_weight: Weight of the colour loss; the occupancy loss has 1.
        latent_noise: Standard deviation of the noise added to latents, over that of each latent
            entry over the training shapes: about what a flow network gets wrong.
        noise_share: Share of the shapes of a batch that get it.
        validation_shapes: Held-out shapes measured at each validation.
        validation_points: Surface points that the encoder sees then.
        validation_queries: At most so many uniform queries and colour points per shape then.
    """

    batch_size: int = Field(default=32, ge=1)
    encode_points: int = Field(default=1024, ge=16)
    queries: int = Field(default=512, ge=2)
    near_fraction: float = Field(default=0.5, gt=0, lt=1)
    colour_points: int = Field(default=96, ge=1)
    colour_weight: float = Field(default=1.0, ge=0)
    latent_noise: float = Field(default=0.1, ge=0)
    noise_share: float = Field(default=0.5, ge=0, le=1)
    validation_shapes: int = Field(default=64, ge=1)
    validation_points: int = Field(default=1024, ge=16)
    validation_queries: int = Field(default=4096, ge=16)


class DecoderObjective:
    """Trains latent transformer, geometry and colour decoders; the encoder stays as it is.

    A flow network that was trained on the autoencoder's latents stays valid. The latents of all
    shapes are encoded once, when the objective is made.

    Args:
        vae: The autoencoder to start from.
        config: Batches.
        train: Shapes to learn.
        held_out: Shapes to measure on.
        progress: Where the encoding reports.

    Raises:
        InputError: A shape set cannot be used.
        ModelError: The autoencoder has no encoder.
    """

    def __init__(
        self,
        vae: ShapeVAE,
        config: DecoderObjectiveConfig,
        train: ShapeSet,
        held_out: ShapeSet,
        *,
        progress: ProgressSink | None = None,
    ) -> None:
        for shapes in (train, held_out):
            check_shape_set(shapes, points=config.encode_points)
        self.config, self.train, self.held_out = config, train, held_out
        self._vae = vae.eval().requires_grad_(False)
        self.latents = encode_shapes(vae, train, points=config.encode_points, progress=progress)
        self._noise_std = config.latent_noise * self.latents.std(0, correction=0)
        self.module: ShapeVAE = decoder_of(vae)

    def muon_splits(self) -> dict[str, int]:
        """All matrices of attention and MLPs."""
        return muon_row_chunks(self.module)

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw shapes and queries, and compare fields and colours with the truth."""
        config, module = self.config, self.module
        device = module.from_latent.weight.device
        part = current_part()
        count = part.size(config.batch_size)
        whole = draw_shapes(self.train, config.batch_size, generator)
        index = part.take(whole)
        queries, inside = draw_queries(
            self.train, generator, index, queries=config.queries, near_fraction=config.near_fraction
        )
        latents = self.latents[whole]
        # The shapes come in random order, so the first ones are a random choice.
        noisy = round(config.noise_share * len(whole))
        noise = torch.randn(latents[:noisy].shape, generator=generator)
        latents = torch.cat([latents[:noisy] + self._noise_std * noise, latents[noisy:]])
        shape = module.decode(part.take(latents).to(device))
        logits = module.occupancy(queries.to(device), shape)
        loss = occupancy = binary_cross_entropy_with_logits(logits, inside.to(device))
        figures: dict[str, float | Tensor] = {EXAMPLES: count, "bce": occupancy}
        if module.colour is not None and config.colour_weight > 0:
            at = torch.randint(
                self.train.surface.shape[1], (config.colour_points,), generator=generator
            )
            surface = gather(self.train.surface, index, at).to(device)
            colours = module.colours(surface[..., :3], shape)
            colour = smooth_l1_loss(colours, surface[..., 6:9], beta=COLOUR_BETA)
            loss = loss + config.colour_weight * colour
            figures["colour"] = colour
        return LossResult(loss, figures)

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Measure reconstruction of held-out shapes by the old encoder and the new decoder."""
        assert isinstance(module, ShapeVAE)
        return reconstruction_figures(
            with_decoder(self._vae, module.state_dict()),
            self.held_out,
            shapes=self.config.validation_shapes,
            points=self.config.validation_points,
            queries=self.config.validation_queries,
        )


def decoder_of(vae: ShapeVAE) -> ShapeVAE:
    """Return a trainable copy of an autoencoder without its encoder."""
    with torch.random.fork_rng(devices=[]):
        made = ShapeVAE(vae.config.model_copy(update={"encoder": None}))
    weights = vae.state_dict()
    made.load_state_dict({n: x for n, x in weights.items() if not n.startswith(_ENCODER_PARTS)})
    return made.to(vae.from_latent.weight.device)


def with_decoder(vae: ShapeVAE, weights: dict[str, Tensor]) -> ShapeVAE:
    """Return a copy of an autoencoder with other weights for all but the encoder, frozen.

    Args:
        vae: Where the encoder comes from.
        weights: State dict of a :func:`decoder_of`.

    Raises:
        RuntimeError: The weights are not of those sizes.
    """
    with torch.random.fork_rng(devices=[]):
        made = ShapeVAE(vae.config)
    kept = {n: x for n, x in vae.state_dict().items() if n.startswith(_ENCODER_PARTS)}
    made.load_state_dict(kept | weights)
    return made.to(vae.from_latent.weight.device).eval().requires_grad_(False)
