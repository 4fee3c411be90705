"""What a lightning decoder is trained for: the full decoder's field and the true occupancy."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gen3d.geometry.metrics import volume_iou
from gen3d.nn.attention import muon_row_chunks
from gen3d.runtime.progress import ProgressSink
from gen3d.training.batch_part import current_part
from gen3d.training.objective import EXAMPLES, LossResult
from gen3d.vecset.config import QueryDecoderConfig, Settings
from gen3d.vecset.flow_objective import encode_shapes
from gen3d.vecset.lightning import lightning_decoder, query_macs
from gen3d.vecset.query_decoder import QueryDecoder
from gen3d.vecset.shape_data import (
    ShapeSet,
    check_shape_set,
    draw_queries,
    draw_shapes,
    gather,
)
from gen3d.vecset.vae import ShapeVAE

_VALIDATION_SEED = 5
_VALIDATION_BATCH = 8


class LightningObjectiveConfig(Settings):
    """Batches and targets of a geometry decoder's fine-tuning.

    The target of a query is ``teacher_share * sigmoid(full logit) + (1 - teacher_share) * inside``:
    since cross-entropy is linear in its target this is the weighted sum of distillation and true
    occupancy losses. The full decoder's logits need no clamp, for far from the surface, where they
    grow without meaning, their probabilities are 0 and 1.

    Attributes:
        batch_size: Shapes per step.
        encode_points: Surface points from which each shape's latents are computed, once.
        queries: Field queries per shape.
        near_fraction: Share of them near the surface.
        teacher_share: Weight of the full decoder's answer against the true occupancy. The truth
            has the details that the full decoder missed; its answer says which of them latents
            can tell, and how steep the field is.
        latent_noise: Standard deviation of the noise added to latents, over that of each latent
            channel over the training shapes; the target stays that of the clean latents. Makes
            the decoder robust to what a flow network gets wrong. 0: none.
        noise_share: Share of the shapes of a batch that get it.
        validation_shapes: Held-out shapes measured at each validation.
        validation_queries: At most so many uniform queries per shape then.
    """

    batch_size: int = Field(default=16, ge=1)
    encode_points: int = Field(default=1024, ge=16)
    queries: int = Field(default=1024, ge=2)
    near_fraction: float = Field(default=0.5, gt=0, lt=1)
    teacher_share: float = Field(default=0.5, ge=0, le=1)
    latent_noise: float = Field(default=0.0, ge=0)
    noise_share: float = Field(default=0.5, ge=0, le=1)
    validation_shapes: int = Field(default=64, ge=1)
    validation_queries: int = Field(default=4096, ge=16)


@dataclass(frozen=True)
class _HeldOut:
    """What validation compares with.

    Attributes:
        tokens: After the latent transformer.
        noisy: The same from latents with noise; None without ``latent_noise``.
        queries: Uniform.
        truth: Insideness of the queries.
        full: The full decoder's answer.
        full_noisy: That from noisy latents.
    """

    tokens: Float[Tensor, "shapes latents width"]
    noisy: Float[Tensor, "shapes latents width"] | None
    queries: Float[Tensor, "shapes queries 3"]
    truth: Bool[Tensor, "shapes queries"]
    full: Bool[Tensor, "shapes queries"]
    full_noisy: Bool[Tensor, "shapes queries"] | None


class LightningObjective:
    """Trains a new geometry decoder for a frozen autoencoder (FlashVDM, arXiv 2503.16302, 3.3).

    The latents of all shapes are encoded once, when the objective is made. With the full decoder's
    own sizes and ``latent_noise`` the same objective makes a shipped decoder more robust.

    Args:
        vae: The frozen autoencoder; its geometry decoder is the teacher.
        decoder: Sizes of the new decoder.
        config: Batches and targets.
        train: Shapes to learn.
        held_out: Shapes to measure on.
        seed: Seed of weights that have no namesake in the full decoder.
        progress: Where the encoding reports.

    Raises:
        InputError: A shape set cannot be used.
        ModelError: The autoencoder has no encoder.
    """

    def __init__(
        self,
        vae: ShapeVAE,
        decoder: QueryDecoderConfig,
        config: LightningObjectiveConfig,
        train: ShapeSet,
        held_out: ShapeSet,
        *,
        seed: int = 0,
        progress: ProgressSink | None = None,
    ) -> None:
        for shapes in (train, held_out):
            check_shape_set(shapes, points=config.encode_points)
        self.config, self.train = config, train
        self._vae = vae.eval().requires_grad_(False)
        self._macs = query_macs(vae.config), query_macs(vae.config, decoder)
        points = config.encode_points
        self.latents = encode_shapes(vae, train, points=points, progress=progress)
        # Slots with an embedding of their own differ in spread as channels do; others are alike.
        alike = 0 if vae.config.latent_embedding else (0, 1)
        self._noise_std = config.latent_noise * self.latents.std(alike, correction=0)
        self._held_out = self._prepare(held_out, progress)
        self.module: QueryDecoder = lightning_decoder(vae, decoder, seed=seed)

    def muon_splits(self) -> dict[str, int]:
        """All matrices of attention and MLP."""
        return muon_row_chunks(self.module)

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw shapes and queries, ask the full decoder, and compare."""
        config, vae = self.config, self._vae
        device = self.module.output_proj.weight.device
        vae.to(device)
        part = current_part()
        count = part.size(config.batch_size)
        whole = draw_shapes(self.train, config.batch_size, generator)
        index = part.take(whole)
        queries, inside = draw_queries(
            self.train, generator, index, queries=config.queries, near_fraction=config.near_fraction
        )
        queries, inside = queries.to(device), inside.to(device)
        latents = self.latents[index]
        # The shapes come in random order, so the first ones are a random choice.
        noisy = round(config.noise_share * len(whole)) if config.latent_noise > 0 else 0
        with torch.no_grad():
            tokens = vae.tokens(latents.to(device))
            target = inside
            if config.teacher_share > 0:
                full = _logits(vae.geometry, tokens, queries).sigmoid()
                target = torch.lerp(inside, full, config.teacher_share)
            if noisy:
                wrong = self._with_noise(self.latents[whole[:noisy]], generator)
                wrong = part.take(wrong).to(device)
                tokens = torch.cat([vae.tokens(wrong), tokens[len(wrong) :]])
        logits = _logits(self.module, tokens, queries)
        loss = binary_cross_entropy_with_logits(logits, target)
        with torch.no_grad():
            truth = binary_cross_entropy_with_logits(logits, inside)
        return LossResult(loss, {EXAMPLES: count, "bce": truth})

    @torch.no_grad()
    def validate(self, module: nn.Module) -> dict[str, float]:
        """Compare with the truth and with the full decoder on held-out shapes.

        Returns:
            Means over shapes of volume IoUs on uniform queries: ``vae_iou`` (its least is
            ``vae_iou_min``) of the new decoder and ``full_iou`` of the full one against the truth,
            ``iou_vs_full`` of one against the other; with ``latent_noise``, ``noisy_iou`` and
            ``full_noisy_iou`` against the truth from noisy latents. ``macs`` and ``full_macs`` per
            query and their quotient ``mac_ratio``.
        """
        assert isinstance(module, QueryDecoder)
        held = self._held_out
        answer = _inside(module, held.tokens, held.queries)
        iou = volume_iou(answer, held.truth)
        figures = {
            "vae_iou": iou.mean(),
            "vae_iou_min": iou.min(),
            "full_iou": volume_iou(held.full, held.truth).mean(),
            "iou_vs_full": volume_iou(answer, held.full).mean(),
        }
        if held.noisy is not None and held.full_noisy is not None:
            answer = _inside(module, held.noisy, held.queries)
            figures["noisy_iou"] = volume_iou(answer, held.truth).mean()
            figures["full_noisy_iou"] = volume_iou(held.full_noisy, held.truth).mean()
        full, macs = self._macs
        costs = {"macs": float(macs), "full_macs": float(full), "mac_ratio": macs / full}
        return {name: float(figure) for name, figure in figures.items()} | costs

    @torch.no_grad()
    def _prepare(self, shapes: ShapeSet, progress: ProgressSink | None) -> _HeldOut:
        """Encode the held-out shapes and ask the full decoder, once."""
        config, vae = self.config, self._vae
        device = vae.from_latent.weight.device
        total = len(shapes.surface)
        chosen = torch.linspace(0, total - 1, min(config.validation_shapes, total)).round().long()
        at = torch.arange(shapes.near_count, shapes.queries.shape[1])[: config.validation_queries]
        queries = gather(shapes.queries, chosen, at)
        encoded = encode_shapes(vae, shapes, points=config.encode_points, progress=progress)
        latents = encoded[chosen]
        tokens = vae.tokens(latents.to(device)).cpu()
        noisy = full_noisy = None
        if config.latent_noise > 0:
            generator = torch.Generator().manual_seed(_VALIDATION_SEED)
            noisy = vae.tokens(self._with_noise(latents, generator).to(device)).cpu()
            full_noisy = _inside(vae.geometry, noisy, queries)
        return _HeldOut(
            tokens=tokens,
            noisy=noisy,
            queries=queries,
            truth=gather(shapes.inside, chosen, at) > 0.5,
            full=_inside(vae.geometry, tokens, queries),
            full_noisy=full_noisy,
        )

    def _with_noise(
        self, latents: Float[Tensor, "batch latents channels"], generator: torch.Generator
    ) -> Float[Tensor, "batch latents channels"]:
        return latents + self._noise_std * torch.randn(latents.shape, generator=generator)


def _logits(
    decoder: QueryDecoder,
    tokens: Float[Tensor, "batch latents width"],
    queries: Float[Tensor, "batch n 3"],
) -> Float[Tensor, "batch n"]:
    return decoder(queries, decoder.keys_values(tokens)).squeeze(-1).float()


def _inside(
    decoder: QueryDecoder,
    tokens: Float[Tensor, "shapes latents width"],
    queries: Float[Tensor, "shapes n 3"],
) -> Bool[Tensor, "shapes n"]:
    """Answer on the decoder's device, without autocast: equal decoders shall agree exactly."""
    device = decoder.output_proj.weight.device
    parts = zip(tokens.split(_VALIDATION_BATCH), queries.split(_VALIDATION_BATCH), strict=True)
    with torch.autocast(device.type, enabled=False):
        answers = [_logits(decoder, t.to(device), q.to(device)).cpu() > 0 for t, q in parts]
    return torch.cat(answers)
