"""What the autoencoder is trained for: occupancy, colours, and a posterior near the normal."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss, smooth_l1_loss

from gen3d.errors import InputError
from gen3d.geometry.metrics import volume_iou
from gen3d.nn.attention import muon_row_chunks
from gen3d.training.batch_part import current_part
from gen3d.training.objective import EXAMPLES, LossResult
from gen3d.vecset.config import Settings, VAEConfig
from gen3d.vecset.shape_data import (
    ShapeSet,
    TrainingShapes,
    check_shape_set,
    draw_batch,
    gather,
)
from gen3d.vecset.vae import ShapeVAE
from gen3d.vecset.warm_start import warm_start

COLOUR_BETA = 0.1
"""Differences of sRGB colours below this count squared, above it linearly."""
_VALIDATION_SEED = 5


class VAEObjectiveConfig(Settings):
    """Batches and loss weights; defaults are those of the measured recipe.

    Attributes:
        batch_size: Shapes per step, over all processes.
        points: Surface points that the encoder sees.
        queries: Field queries per shape.
        near_fraction: Share of them near the surface.
        colour_points: Colour queries per shape.
        colour_loss: ``smooth_l1`` or ``mse``, on sRGB.
        colour_weight: Weight of the colour loss; the occupancy loss has 1.
        kl_weight: Weight of the mean divergence per latent entry.
        token_counts: Numbers of latents, one of which each step draws, so that the first ones
            carry most and any of these numbers will do; empty: all of them always. Validation has
            all of them, and a figure ``vae_iou_N`` for each smaller number.
        validation_shapes: Held-out shapes measured at each validation.
        validation_points: Surface points that the encoder sees then.
        validation_queries: At most so many uniform queries and colour points per shape then.
    """

    batch_size: int = Field(default=32, ge=1)
    points: int = Field(default=320, ge=16)
    queries: int = Field(default=320, ge=2)
    near_fraction: float = Field(default=0.5, gt=0, lt=1)
    colour_points: int = Field(default=96, ge=1)
    colour_loss: Literal["smooth_l1", "mse"] = "smooth_l1"
    colour_weight: float = Field(default=1.0, ge=0)
    kl_weight: float = Field(default=1e-4, ge=0)
    token_counts: tuple[int, ...] = ()
    validation_shapes: int = Field(default=64, ge=1)
    validation_points: int = Field(default=1024, ge=16)
    validation_queries: int = Field(default=4096, ge=16)


class VAEObjective:
    """Trains a :class:`ShapeVAE`: binary cross-entropy, colour loss and a small KL term.

    Args:
        model: Sizes of the network.
        config: Batches and weights.
        train: Shapes to learn.
        held_out: Shapes to measure on.
        seed: Seed of the initial weights.
        start: Another autoencoder to begin with, see :func:`gen3d.vecset.warm_start.warm_start`.

    Raises:
        InputError: A shape set cannot be used, the network has no encoder or fewer tokens than
            asked for, or ``start`` does not fit.
    """

    def __init__(
        self,
        model: VAEConfig,
        config: VAEObjectiveConfig,
        train: TrainingShapes,
        held_out: ShapeSet,
        *,
        seed: int = 0,
        start: ShapeVAE | None = None,
    ) -> None:
        if model.encoder is None:
            raise InputError("training an autoencoder needs an encoder; the config has none")
        if max(config.token_counts, default=1) > model.num_latents:
            raise InputError(
                f"token_counts go up to {max(config.token_counts)}, the model has "
                f"{model.num_latents} latents",
                hint="raise model.num_latents",
            )
        check_shape_set(train, points=config.points)
        check_shape_set(held_out, points=config.points)
        self.config, self.train, self.held_out = config, train, held_out
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module: ShapeVAE = ShapeVAE(model)
        if start is not None:
            warm_start(self.module, start)

    def muon_splits(self) -> dict[str, int]:
        """All matrices of attention and MLPs."""
        return muon_row_chunks(self.module)

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw a batch and compute its loss."""
        config, module = self.config, self.module
        device = module.from_latent.weight.device
        batch = draw_batch(
            self.train,
            generator,
            batch_size=config.batch_size,
            points=config.points,
            queries=config.queries,
            near_fraction=config.near_fraction,
            colour_points=config.colour_points,
            device=device,
        )
        posterior = module.encode(batch.surface, tokens=self._tokens(generator))
        part = current_part()
        count = part.size(config.batch_size)
        noise = torch.randn(config.batch_size, *posterior.mean.shape[1:], generator=generator)
        noise = part.take(noise).to(device)
        shape = module.decode(posterior.sample(noise))
        logits = module.occupancy(batch.queries, shape)
        occupancy = binary_cross_entropy_with_logits(logits, batch.inside)
        kl = posterior.kl()
        loss = occupancy + config.kl_weight * kl
        figures: dict[str, float | Tensor] = {EXAMPLES: count, "bce": occupancy}
        if module.colour is not None and config.colour_weight > 0:
            colours = module.colours(batch.colour_points, shape)
            if config.colour_loss == "mse":
                colour = mse_loss(colours, batch.colours)
            else:
                colour = smooth_l1_loss(colours, batch.colours, beta=COLOUR_BETA)
            loss = loss + config.colour_weight * colour
            figures["colour"] = colour
        figures["kl"] = kl
        return LossResult(loss, figures)

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Measure reconstruction of held-out shapes."""
        assert isinstance(module, ShapeVAE)

        def figures(tokens: int | None) -> dict[str, float]:
            return reconstruction_figures(
                module,
                self.held_out,
                shapes=self.config.validation_shapes,
                points=self.config.validation_points,
                queries=self.config.validation_queries,
                tokens=tokens,
            )

        fewer = [n for n in self.config.token_counts if n < module.config.num_latents]
        return figures(None) | {f"vae_iou_{n}": figures(n)["vae_iou"] for n in fewer}

    def _tokens(self, generator: torch.Generator) -> int | None:
        counts = self.config.token_counts
        if not counts:
            return None
        return counts[int(torch.randint(len(counts), (), generator=generator))]


@torch.no_grad()
def reconstruction_figures(
    vae: ShapeVAE,
    held_out: ShapeSet,
    *,
    shapes: int,
    points: int,
    queries: int,
    batch: int = 8,
    tokens: int | None = None,
) -> dict[str, float]:
    """Measure how well posterior means reproduce shapes.

    Args:
        vae: The network.
        held_out: Shapes that it was not trained on.
        shapes: How many of them, spread over the set.
        points: Surface points that the encoder sees.
        queries: Uniform queries and colour points per shape, at most.
        batch: Shapes at a time.
        tokens: Latents per shape; None: all.

    Returns:
        ``vae_iou``: mean over shapes of the volume IoU on uniform queries; ``vae_iou_min``;
        ``bce`` on the same queries; and, with colours, ``colour_psnr_db``: mean over shapes of
        10 log10(1 / MSE) of sRGB on surface points that the encoder did not see.
    """
    device = vae.from_latent.weight.device
    generator = torch.Generator().manual_seed(_VALIDATION_SEED)
    total = len(held_out.surface)
    chosen = torch.linspace(0, total - 1, min(shapes, total)).round().long()
    order = torch.randperm(held_out.surface.shape[1], generator=generator)
    points = min(points, len(order) // 2)
    unseen = order[points : points + queries]
    at = torch.arange(held_out.near_count, held_out.queries.shape[1])[:queries]
    ious, errors, losses = [], [], []
    for index in chosen.split(batch):
        surface = gather(held_out.surface, index, order[:points]).to(device)
        decoded = vae.decode(vae.encode(surface, tokens=tokens).mean)
        logits = vae.occupancy(gather(held_out.queries, index, at).to(device), decoded)
        truth = gather(held_out.inside, index, at).to(device)
        ious.append(volume_iou(logits > 0, truth > 0.5).cpu())
        losses.append(binary_cross_entropy_with_logits(logits, truth).cpu())
        if vae.colour is not None:
            target = gather(held_out.surface, index, unseen).to(device)
            colours = vae.colours(target[..., :3], decoded)
            errors.append((colours - target[..., 6:9]).square().mean((1, 2)).cpu())
    iou = torch.cat(ious)
    figures = {
        "vae_iou": float(iou.mean()),
        "vae_iou_min": float(iou.min()),
        "bce": float(torch.stack(losses).mean()),
    }
    if errors:
        psnr = -10 * torch.cat(errors).clamp(min=1e-8).log10()
        figures["colour_psnr_db"] = float(psnr.mean())
    return figures
