"""What the image encoder is trained for: to say which shape, what it is called, and from where.

One augmented picture must predict the latents of its shape's autoencoder (regression through a
head that is dropped afterwards), lie nearest to its caption among the batch's (contrast, as in
CLIP, Radford et al. 2021), and tell where the camera stood. Shapes are in their canonical frame
whatever the picture shows; the camera is asked for so that tokens can say it, and is not needed
afterwards.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, normalize

from gen3d.conditioning.views import GREY
from gen3d.data.renders import ViewSet
from gen3d.data.view_augment import AugmentConfig, augment_views, plain_views
from gen3d.errors import InputError
from gen3d.nn.attention import muon_row_chunks
from gen3d.training.batch_part import current_part
from gen3d.training.objective import EXAMPLES, LossResult
from gen3d.vecset.caption_table import CaptionTable
from gen3d.vecset.config import Settings
from gen3d.vecset.image_encoder import (
    ImageEncoder,
    ImageEncoderConfig,
    ImageTokens,
    ViewTokens,
    join_views,
)
from gen3d.vecset.image_lesson import ImageLesson, Pictures, pick_pictures, told_slots
from gen3d.vecset.latent_head import (
    LatentHead,
    LatentHeadConfig,
    embed_shapes,
    nearest_shapes,
)

_VALIDATION_SEED = 5
_POSE = 4


class ImageObjectiveConfig(Settings):
    """Batches of the image encoder's training.

    Attributes:
        batch_size: Shapes per step; each is seen in two views.
        encode_points: Surface points from which each shape's latents are computed, once.
        head_width: Channels of the head that predicts latents.
        head_layers: Its blocks.
        augment: How pictures are changed.
        text_weight: Weight of the contrast with captions.
        pose_weight: Weight of the camera's error.
        temperature: Of the contrast.
        slot_share: Share of the views near a slot's direction that are told their slot.
        slot_reach_deg: How near.
        validation_shapes: Held-out shapes measured at each validation.
    """

    batch_size: int = Field(default=32, ge=2)
    encode_points: int = Field(default=1024, ge=16)
    head_width: int = Field(default=128, ge=8)
    head_layers: int = Field(default=2, ge=1)
    augment: AugmentConfig = AugmentConfig()
    text_weight: float = Field(default=0.2, ge=0)
    pose_weight: float = Field(default=0.2, ge=0)
    temperature: float = Field(default=0.1, gt=0)
    slot_share: float = Field(default=0.5, ge=0, le=1)
    slot_reach_deg: float = Field(default=25.0, ge=0, le=45)
    validation_shapes: int = Field(default=320, ge=1)


class ImageStudent(nn.Module):
    """The encoder and the heads that are trained with it."""

    def __init__(self, encoder: ImageEncoder, head: LatentHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head
        self.pose = nn.Linear(encoder.config.width, _POSE)


def make_student(
    model: ImageEncoderConfig, config: ImageObjectiveConfig, latents: tuple[int, int]
) -> ImageStudent:
    """Build an encoder with its heads.

    Args:
        model: Sizes of the encoder.
        config: Sizes of the head that predicts latents.
        latents: Tokens of the autoencoder, and their channels.
    """
    head = LatentHeadConfig(
        context_dim=model.out_dim,
        num_latents=latents[0],
        latent_dim=latents[1],
        width=config.head_width,
        layers=config.head_layers,
    )
    return ImageStudent(ImageEncoder(model), LatentHead(head))


class ImageObjective:
    """Trains an :class:`ImageEncoder` on renders of shapes.

    Args:
        model: Sizes of the encoder.
        config: Batches and weights.
        train: Shapes with pictures.
        held_out: Shapes to measure on.
        seed: Seed of the initial weights.

    Raises:
        InputError: The captions' width is not the encoder's.
    """

    def __init__(
        self,
        model: ImageEncoderConfig,
        config: ImageObjectiveConfig,
        train: ImageLesson,
        held_out: ImageLesson,
        *,
        seed: int = 0,
    ) -> None:
        width = train.captions.pooled.shape[-1]
        if width != model.out_dim:
            raise InputError(
                f"image tokens have out_dim {model.out_dim}, but the text encoder gives {width}",
                hint=f"set model.out_dim: {width}",
            )
        self.config, self._train, self._held_out = config, train, held_out
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            count, channels = train.latents.shape[1:]
            self.module: ImageStudent = make_student(model, config, (count, channels))
        self.module.head.fit_normalisation(train.latents)

    def muon_splits(self) -> dict[str, int]:
        """All matrices of attention and MLPs."""
        return muon_row_chunks(self.module)

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw shapes and two views of each, and ask all that the views must tell."""
        config, module, lesson = self.config, self.module, self._train
        device = module.pose.weight.device
        batch = config.batch_size
        part = current_part()
        count = part.size(batch)
        shapes = part.take(lesson.draw(batch, generator))
        # To change the pictures of the whole batch would take as long as to learn from them.
        generator = part.own_generator(generator)
        views = _two_views(count, lesson.views.images.shape[1], generator)
        rows = shapes.repeat_interleave(2)
        taken = pick_pictures(lesson.views, rows, views)
        slots = told_slots(taken.azimuth_deg, generator, config.slot_share, config.slot_reach_deg)
        changed = augment_views(taken.rgba, generator, config.augment, grey=GREY)
        seen = module.encoder(changed.to(device), slots.to(device))
        target = module.head.normalise(lesson.latents[shapes].to(device))
        alone = mse_loss(module.head(_singles(seen)), target.repeat_interleave(2, 0))
        paired = mse_loss(module.head(_pairs(seen)), target)
        captions = [_drawn(lesson.captions.of_shape[i], generator) for i in shapes.tolist()]
        contrast = _contrast(seen.pooled, captions, lesson.captions, config.temperature)
        pose = mse_loss(module.pose(seen.whole), _pose_of(taken).to(device))
        loss = (2 * alone + paired) / 3 + config.text_weight * contrast + config.pose_weight * pose
        figures = {"latent_mse": alone, "pair_mse": paired, "contrast": contrast, "pose": pose}
        return LossResult(loss, {EXAMPLES: 2 * count, **figures})

    @torch.no_grad()
    def validate(self, module: nn.Module) -> dict[str, float]:
        """Measure on held-out shapes; see :func:`image_figures`."""
        assert isinstance(module, ImageStudent)
        return image_figures(module, self._held_out, self._train, self.config)


@torch.no_grad()
def image_figures(
    student: ImageStudent, held_out: ImageLesson, train: ImageLesson, config: ImageObjectiveConfig
) -> dict[str, float]:
    """Measure an encoder on the first two views of held-out shapes.

    Returns:
        ``image_latent_mse`` from one plain view, in the latents' variances (1 is what their mean
        gives), ``image_latent_mse_augmented`` from an augmented one and ``image_latent_mse_pair``
        from two; ``image_retrieval_accuracy``, how often the training shape with the nearest
        latents is of the right category; ``image_text_accuracy``, how often the nearest caption of
        the held-out shapes is; ``azimuth_error_deg``, the median.
    """
    total = min(config.validation_shapes, len(held_out.views))
    index = torch.linspace(0, len(held_out.views) - 1, total).round().long()
    device = student.pose.weight.device
    generator = torch.Generator().manual_seed(_VALIDATION_SEED)
    known = embed_shapes(student.head, train.latents)
    first_captions = [options[0] for options in held_out.captions.of_shape]
    texts = normalize(held_out.captions.pooled[first_captions].to(device), dim=-1)
    sums: dict[str, float] = {}
    errors = []
    for part in index.split(32):
        rows = part.repeat_interleave(2)
        taken = pick_pictures(held_out.views, rows, _both_views(len(part), held_out.views))
        plain = student.encoder(plain_views(taken.rgba, grey=GREY).to(device))
        changed = augment_views(taken.rgba[::2], generator, config.augment, grey=GREY)
        target = student.head.normalise(held_out.latents[part].to(device))
        predicted = student.head(_singles(plain))[::2]
        augmented = student.head(_singles(student.encoder(changed.to(device))))
        nearest = nearest_shapes(predicted.flatten(1).cpu(), known)[:, 0].tolist()
        named = (normalize(plain.pooled[::2], dim=-1) @ texts.T).argmax(1).tolist()
        truth = [held_out.categories[i] for i in part.tolist()]
        found = {
            "image_latent_mse": _total(predicted, target),
            "image_latent_mse_augmented": _total(augmented, target),
            "image_latent_mse_pair": _total(student.head(_pairs(plain)), target),
            "image_retrieval_accuracy": _right(truth, [train.categories[i] for i in nearest]),
            "image_text_accuracy": _right(truth, [held_out.categories[i] for i in named]),
        }
        sums = {name: sums.get(name, 0.0) + value for name, value in found.items()}
        said = student.pose(plain.whole)[::2].float().cpu()
        turned = torch.atan2(said[:, 0], said[:, 1]).rad2deg() - taken.azimuth_deg[::2]
        errors.append(((turned + 180) % 360 - 180).abs())
    figures = {name: value / total for name, value in sums.items()}
    return {**figures, "azimuth_error_deg": float(torch.cat(errors).median())}


def _two_views(count: int, available: int, generator: torch.Generator) -> Int[Tensor, " two_each"]:
    """Draw two different views for each shape, the same one twice where there is only one."""
    order = torch.rand(count, available, generator=generator).argsort(1)
    return order[:, [0, min(1, available - 1)]].flatten()


def _both_views(count: int, views: ViewSet) -> Int[Tensor, " two_each"]:
    return torch.tensor([0, min(1, views.images.shape[1] - 1)]).repeat(count)


def _drawn(options: list[int], generator: torch.Generator) -> int:
    return options[int(torch.randint(len(options), (), generator=generator))]


def _contrast(
    pooled: Float[Tensor, "two_each out"],
    captions: list[int],
    table: CaptionTable,
    temperature: float,
) -> Float[Tensor, ""]:
    """Cross-entropy of each picture's caption among the batch's; equal captions share."""
    device = pooled.device
    numbers = torch.tensor(captions, device=device)
    texts = normalize(table.pooled[captions].to(device), dim=-1)
    logits = normalize(pooled, dim=-1) @ texts.T / temperature
    same = (numbers[:, None] == numbers).float()
    shares = same / same.sum(1, keepdim=True)
    return cross_entropy(logits, shares.repeat_interleave(2, 0))


def _pose_of(taken: Pictures) -> Float[Tensor, "n 4"]:
    """Sine and cosine of azimuth, then of elevation, as the camera's head gives them."""
    angles = torch.stack([taken.azimuth_deg, taken.elevation_deg], dim=1).deg2rad()
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)


def _singles(seen: ViewTokens) -> ImageTokens:
    """Each view as if it were all there is."""
    return join_views(seen.tokens[:, None], seen.pooled[:, None])


def _pairs(seen: ViewTokens) -> ImageTokens:
    """The two views of each shape together."""
    return join_views(seen.tokens.unflatten(0, (-1, 2)), seen.pooled.unflatten(0, (-1, 2)))


def _total(predicted: Tensor, target: Tensor) -> float:
    """Sum over shapes of the mean square error."""
    return float((predicted - target).square().mean((1, 2)).sum())


def _right(truth: list[str], said: list[str]) -> float:
    return float(sum(a == b for a, b in zip(truth, said, strict=True)))
