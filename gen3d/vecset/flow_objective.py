"""What the flow network is trained for: velocities from latents of shapes to noise."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from gen3d.errors import InputError
from gen3d.flow import LINEAR, LogitNormalTimes, flow_matching_loss
from gen3d.nn.attention import muon_row_chunks
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import randn
from gen3d.training.batch_part import current_part
from gen3d.training.objective import EXAMPLES, LossResult
from gen3d.vecset.caption_table import CaptionTable, TextEncoderLike
from gen3d.vecset.condition_source import (
    ConditionSource,
    MixtureShares,
    MixtureSource,
    PictureSource,
    TextSource,
)
from gen3d.vecset.config import DiTConfig, Settings
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.shape_data import ShapeSet, draw_shapes, gather
from gen3d.vecset.vae import ShapeVAE

_VALIDATION_SEED = 3
_ENCODE_SEED = 1


class FlowObjectiveConfig(Settings):
    """Batches of the flow's training; defaults are those of the measured recipe.

    Attributes:
        batch_size: Latent sets per step, over all processes.
        encode_points: Surface points from which each shape's latents are computed, once.
        condition_dropout: Share of items trained without condition, for guidance.
        time_mean: Mean of logit(t).
        time_std: Standard deviation of logit(t).
        validation_shapes: Held-out shapes measured at each validation.
    """

    batch_size: int = Field(default=64, ge=1)
    encode_points: int = Field(default=1024, ge=16)
    condition_dropout: float = Field(default=0.1, ge=0, le=1)
    time_mean: float = 0.0
    time_std: float = Field(default=1.0, gt=0)
    validation_shapes: int = Field(default=160, ge=1)


@torch.no_grad()
def encode_shapes(
    vae: ShapeVAE,
    shapes: ShapeSet,
    *,
    points: int,
    batch: int = 32,
    limit: int | None = None,
    tokens: int | None = None,
    progress: ProgressSink | None = None,
) -> Float[Tensor, "shapes latents channels"]:
    """Return the posterior means of all shapes, on the CPU in float32.

    Args:
        vae: The autoencoder, in eval mode.
        shapes: What to encode.
        points: Surface points per shape; all shapes use the same by index.
        batch: Shapes at a time.
        limit: Only the first so many shapes; None: all.
        tokens: Latents per shape; None: all that the autoencoder has.
        progress: Where to report.
    """
    sink = progress or NullProgress()
    device = vae.from_latent.weight.device
    total, available = shapes.surface.shape[:2]
    total = min(total, limit or total)
    generator = torch.Generator().manual_seed(_ENCODE_SEED)
    picked = torch.randperm(available, generator=generator)[:points]
    latents = []
    sink.stage_started("encoding shapes", total)
    for index in torch.arange(total).split(batch):
        surface = gather(shapes.surface, index, picked).to(device)
        latents.append(vae.encode(surface, tokens=tokens).mean.float().cpu())
        sink.advance(len(index))
    sink.stage_finished()
    return torch.cat(latents)


@dataclass(frozen=True)
class TrainingPictures:
    """Encoded pictures of the shapes that a flow network is trained and measured on."""

    train: PictureSource
    held_out: PictureSource
    shares: MixtureShares = field(default_factory=MixtureShares)


class FlowObjective:
    """Trains a :class:`ShapeDiT` on the latents of a frozen autoencoder.

    Latents and texts are encoded once, when the objective is made.

    Args:
        model: Sizes of the network.
        config: Batches.
        vae: The frozen autoencoder.
        text: The frozen text encoder.
        train: Shapes with captions.
        held_out: Shapes to measure on.
        seed: Seed of the initial weights.
        images: Pictures of both sets, for training on them, too; None: text alone.
        progress: Where the encoding reports.

    Raises:
        InputError: Sizes of network, latents and text do not agree.
    """

    def __init__(
        self,
        model: DiTConfig,
        config: FlowObjectiveConfig,
        vae: ShapeVAE,
        text: TextEncoderLike,
        train: ShapeSet,
        held_out: ShapeSet,
        *,
        seed: int = 0,
        images: TrainingPictures | None = None,
        progress: ProgressSink | None = None,
    ) -> None:
        self.config, self._shapes = config, train
        self.captions = CaptionTable.encode(text, train.captions)
        held_out_captions = CaptionTable.encode(text, held_out.captions)
        self._source: ConditionSource = TextSource(self.captions)
        self._held_out: ConditionSource = TextSource(held_out_captions)
        if images is not None:
            self._source = MixtureSource(self.captions, images.train, images.shares)
            self._held_out = MixtureSource(held_out_captions, images.held_out, images.shares)
        _check_sizes(model, vae, self.captions)
        vae = vae.eval()
        points, tokens = config.encode_points, model.num_latents
        latents = encode_shapes(vae, train, points=points, tokens=tokens, progress=progress)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module: ShapeDiT = ShapeDiT(model)
        if model.num_latents is not None:
            self.module.fit_normalisation(latents)
        self.latents = self.module.normalise(latents)
        held_out_latents = encode_shapes(
            vae, held_out, points=points, tokens=tokens, progress=progress
        )
        self._held_out_latents = self.module.normalise(held_out_latents)
        self._times = LogitNormalTimes(config.time_mean, config.time_std)

    def muon_splits(self) -> dict[str, int]:
        """All matrices of attention and MLPs."""
        return muon_row_chunks(self.module)

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw latents, conditions, times and noise, and compute the velocity's error."""
        batch = self.config.batch_size
        count = current_part().size(batch)
        index = draw_shapes(self._shapes, batch, generator)
        drop = torch.rand(batch, generator=generator) < self.config.condition_dropout
        device = self.module.latent_in.weight.device
        loss = torch.zeros((), device=device)
        for part in self._source.pick(index, generator):
            times = self._times.sample(len(part.rows), generator)
            noise = randn((len(part.rows), *self.latents.shape[1:]), generator)
            if part.condition is None:
                continue
            rows = part.share.take(part.rows)
            result = flow_matching_loss(
                self.module,
                self.latents[index[rows]].to(device),
                part.condition.dropped(drop[rows]).to(device),
                generator=generator,
                path=LINEAR,
                times=part.share.take(times),
                noise=part.share.take(noise).to(device),
            )
            loss = loss + result.loss * (len(rows) / count)
        return LossResult(loss, {EXAMPLES: count, "velocity_mse": loss})

    @torch.no_grad()
    def validate(self, module: nn.Module) -> dict[str, float]:
        """Measure the velocity's error on held-out shapes at fixed times and noise."""
        assert isinstance(module, ShapeDiT)
        device = module.latent_in.weight.device
        total = len(self._held_out_latents)
        chosen = torch.linspace(0, total - 1, min(self.config.validation_shapes, total))
        index = chosen.round().long()
        generator = torch.Generator().manual_seed(_VALIDATION_SEED)
        noise = torch.randn(self._held_out_latents[index].shape, generator=generator)
        # Times in random order: categories lie in regular order in a set.
        order = torch.randperm(len(index), generator=generator)
        times = ((order + 0.5) / len(index)).float()
        errors: dict[str, list[Tensor]] = {}
        for part in torch.arange(len(index)).split(64):
            for name, condition in self._held_out.fixed(index[part]).items():
                result = flow_matching_loss(
                    module,
                    self._held_out_latents[index[part]].to(device),
                    condition.to(device),
                    generator=generator,
                    times=times[part],
                    noise=noise[part].to(device),
                )
                errors.setdefault(name, []).append(result.per_sample.cpu())
        return {name: float(torch.cat(parts).mean()) for name, parts in errors.items()}


def _check_sizes(model: DiTConfig, vae: ShapeVAE, captions: CaptionTable) -> None:
    """Compare a flow network's sizes with what it will be fed.

    Raises:
        InputError: They differ.
    """
    pairs = {
        "latent_dim": (model.latent_dim, vae.config.latent_dim),
        "context_dim": (model.context_dim, captions.tokens.shape[-1]),
        "pooled_dim": (model.pooled_dim or captions.pooled.shape[-1], captions.pooled.shape[-1]),
    }
    most = vae.config.num_latents
    if (model.num_latents or most) > most:
        raise InputError(
            f"flow network has num_latents {model.num_latents}, the autoencoder only {most}",
            hint=f"set model.num_latents: {most}",
        )
    for name, (asked, given) in pairs.items():
        if asked != given:
            raise InputError(
                f"flow network has {name} {asked}, but autoencoder and text encoder give {given}",
                hint=f"set model.{name}: {given}",
            )
