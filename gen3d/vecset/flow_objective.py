"""What the flow network is trained for: velocities from latents of shapes to noise, given text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from gen3d.errors import InputError
from gen3d.flow import LINEAR, LogitNormalTimes, flow_matching_loss
from gen3d.nn.attention import muon_row_chunks
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.training.objective import EXAMPLES, LossResult
from gen3d.vecset.config import DiTConfig, Settings
from gen3d.vecset.dit import Condition, ShapeDiT
from gen3d.vecset.shape_data import ShapeSet, gather
from gen3d.vecset.vae import ShapeVAE

_VALIDATION_SEED = 3
_ENCODE_SEED = 1


class EncodedText(Protocol):
    """What a text encoder answers."""

    @property
    def tokens(self) -> Tensor:
        """(batch, tokens, width)."""
        ...

    @property
    def mask(self) -> Tensor:
        """True for tokens that exist, (batch, tokens)."""
        ...

    @property
    def pooled(self) -> Tensor:
        """One vector per text, (batch, width)."""
        ...


class TextEncoderLike(Protocol):
    """A frozen text encoder."""

    def encode(self, prompts: list[str]) -> EncodedText:
        """Encode texts."""
        ...


class FlowObjectiveConfig(Settings):
    """Batches of the flow's training; defaults are those of the measured recipe.

    Attributes:
        batch_size: Latent sets per step.
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


@dataclass(frozen=True)
class CaptionTable:
    """Encoded captions of a set of shapes; equal captions are stored once, without padding.

    Attributes:
        tokens: Tokens of all captions, one after the other, float16.
        starts: First token of each caption, closed by the number of tokens.
        pooled: Vector per caption.
        of_shape: Numbers of each shape's captions.
    """

    tokens: Float[Tensor, "all_tokens width"]
    starts: Int[Tensor, " captions_plus_1"]
    pooled: Float[Tensor, "captions width"]
    of_shape: list[list[int]]

    @classmethod
    @torch.no_grad()
    def encode(
        cls, encoder: TextEncoderLike, captions: Sequence[Sequence[str]], *, batch: int = 256
    ) -> CaptionTable:
        """Encode all captions of all shapes.

        Raises:
            InputError: A shape has no caption.
        """
        if not all(captions):
            raise InputError("every shape needs a caption; at least one has none")
        unique = sorted({text for texts in captions for text in texts})
        number = {text: i for i, text in enumerate(unique)}
        tokens, lengths, pooled = [], [], []
        for first in range(0, len(unique), batch):
            encoded = encoder.encode(unique[first : first + batch])
            tokens.append(encoded.tokens[encoded.mask].to(torch.float16))
            lengths.append(encoded.mask.sum(1))
            pooled.append(encoded.pooled.float())
        ends = torch.cat(lengths).cumsum(0)
        return cls(
            tokens=torch.cat(tokens),
            starts=torch.cat([ends.new_zeros(1), ends]),
            pooled=torch.cat(pooled),
            of_shape=[[number[text] for text in texts] for texts in captions],
        )

    def condition(self, captions: Sequence[int]) -> Condition:
        """Return the padded condition of the captions of these numbers."""
        index = torch.tensor(captions)
        starts, ends = self.starts[index], self.starts[index + 1]
        lengths = ends - starts
        slot = torch.arange(int(lengths.max()))
        mask: Bool[Tensor, "batch tokens"] = slot < lengths[:, None]
        rows = (starts[:, None] + slot).clamp(max=len(self.tokens) - 1)
        tokens = self.tokens[rows].float() * mask[..., None]
        return Condition(tokens, mask, self.pooled[index])

    def pick(self, shapes: Tensor, generator: torch.Generator) -> Condition:
        """Return one caption per shape, drawn at random."""
        draws = torch.rand(len(shapes), generator=generator).tolist()
        options = [self.of_shape[i] for i in shapes.tolist()]
        return self.condition([o[int(u * len(o))] for o, u in zip(options, draws, strict=True)])


@torch.no_grad()
def encode_shapes(
    vae: ShapeVAE,
    shapes: ShapeSet,
    *,
    points: int,
    batch: int = 32,
    progress: ProgressSink | None = None,
) -> Float[Tensor, "shapes latents channels"]:
    """Return the posterior means of all shapes, on the CPU in float32.

    Args:
        vae: The autoencoder, in eval mode.
        shapes: What to encode.
        points: Surface points per shape; all shapes use the same by index.
        batch: Shapes at a time.
        progress: Where to report.
    """
    sink = progress or NullProgress()
    device = vae.from_latent.weight.device
    total, available = shapes.surface.shape[:2]
    generator = torch.Generator().manual_seed(_ENCODE_SEED)
    picked = torch.randperm(available, generator=generator)[:points]
    latents = []
    sink.stage_started("encoding shapes", total)
    for index in torch.arange(total).split(batch):
        surface = gather(shapes.surface, index, picked).to(device)
        latents.append(vae.encode(surface).mean.float().cpu())
        sink.advance(len(index))
    sink.stage_finished()
    return torch.cat(latents)


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
        progress: ProgressSink | None = None,
    ) -> None:
        self.config = config
        self.captions = CaptionTable.encode(text, train.captions)
        self._held_out_captions = CaptionTable.encode(text, held_out.captions)
        _check_sizes(model, vae, self.captions)
        vae = vae.eval()
        points = config.encode_points
        latents = encode_shapes(vae, train, points=points, progress=progress)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module: ShapeDiT = ShapeDiT(model)
        if model.num_latents is not None:
            self.module.fit_normalisation(latents)
        self.latents = self.module.normalise(latents)
        held_out_latents = encode_shapes(vae, held_out, points=points, progress=progress)
        self._held_out_latents = self.module.normalise(held_out_latents)
        self._times = LogitNormalTimes(config.time_mean, config.time_std)

    def muon_splits(self) -> dict[str, int]:
        """All matrices of attention and MLPs."""
        return muon_row_chunks(self.module)

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw latents, captions, times and noise, and compute the velocity's error."""
        batch = self.config.batch_size
        index = torch.randint(len(self.latents), (batch,), generator=generator)
        drop = torch.rand(batch, generator=generator) < self.config.condition_dropout
        condition = self.captions.pick(index, generator).dropped(drop)
        device = self.module.latent_in.weight.device
        result = flow_matching_loss(
            self.module,
            self.latents[index].to(device),
            condition.to(device),
            generator=generator,
            path=LINEAR,
            times=self._times,
        )
        return LossResult(result.loss, {EXAMPLES: batch, "velocity_mse": result.loss})

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
        errors = []
        for part in torch.arange(len(index)).split(64):
            captions = [self._held_out_captions.of_shape[i][0] for i in index[part].tolist()]
            result = flow_matching_loss(
                module,
                self._held_out_latents[index[part]].to(device),
                self._held_out_captions.condition(captions).to(device),
                generator=generator,
                times=times[part],
                noise=noise[part].to(device),
            )
            errors.append(result.per_sample.cpu())
        return {"flow_velocity_mse": float(torch.cat(errors).mean())}


def _check_sizes(model: DiTConfig, vae: ShapeVAE, captions: CaptionTable) -> None:
    """Compare a flow network's sizes with what it will be fed.

    Raises:
        InputError: They differ.
    """
    pairs = {
        "latent_dim": (model.latent_dim, vae.config.latent_dim),
        "num_latents": (model.num_latents or vae.config.num_latents, vae.config.num_latents),
        "context_dim": (model.context_dim, captions.tokens.shape[-1]),
        "pooled_dim": (model.pooled_dim or captions.pooled.shape[-1], captions.pooled.shape[-1]),
    }
    for name, (asked, given) in pairs.items():
        if asked != given:
            raise InputError(
                f"flow network has {name} {asked}, but autoencoder and text encoder give {given}",
                hint=f"set model.{name}: {given}",
            )
