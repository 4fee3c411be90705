"""Encoded pictures for the training of a flow network: from a table, or made as they are asked for.

Picture 0 of a shape is its first view as drawn, with no side told: what is measured with. The
others are changed at random, and some are told which side they show.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float16, Int
from pydantic import Field
from torch import Tensor

from gen3d.conditioning.views import GREY
from gen3d.data.renders import ViewSet
from gen3d.data.rows import JoinedRows, StackedRows
from gen3d.data.view_augment import AugmentConfig, augment_views, plain_views
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import item_seed, make_generator
from gen3d.vecset.config import Settings
from gen3d.vecset.image_encoder import (
    UNKNOWN_SLOT,
    ImageEncoder,
    ImageTokens,
    ViewTokens,
    join_views,
)
from gen3d.vecset.image_lesson import pick_pictures, told_slots

TOKENS_FILE, POOLED_FILE, TABLE_FILE = "image-tokens.npy", "image-pooled.npy", "image-table.json"
_BATCH = 32


class PictureConfig(Settings):
    """Which pictures a flow network is trained on.

    Attributes:
        copies: Pictures per shape; picture c shows view c, from the first again after the last.
        augment: How pictures are changed.
        slot_share: Share of the views near a side's direction that are told it.
        slot_reach_deg: How near.
        seed: Of the changes, in a table.
    """

    copies: int = Field(default=4, ge=1)
    augment: AugmentConfig = AugmentConfig()
    slot_share: float = Field(default=0.3, ge=0, le=1)
    slot_reach_deg: float = Field(default=25.0, ge=0, le=45)
    seed: int = Field(default=0, ge=0)


class LivePictures:
    """Encodes pictures as they are asked for: always new ones, for the encoder's time.

    Args:
        encoder: Frozen.
        views: Pictures of all shapes.
        config: How they are changed.
    """

    def __init__(self, encoder: ImageEncoder, views: ViewSet, config: PictureConfig) -> None:
        self._encoder, self._views, self._config = encoder, views, config
        self.copies = config.copies

    def __len__(self) -> int:
        return len(self._views)

    def encoded(
        self,
        shapes: Int[Tensor, " batch"],
        copies: Int[Tensor, "batch views"],
        generator: torch.Generator,
    ) -> ImageTokens:
        """Return pictures of these shapes, on the CPU; see the module for which are changed."""
        seen = self.each(shapes.repeat_interleave(copies.shape[1]), copies.flatten(), generator)
        shape = copies.shape
        return join_views(seen.tokens.unflatten(0, shape), seen.pooled.unflatten(0, shape))

    @torch.no_grad()
    def each(
        self, shapes: Int[Tensor, " n"], copies: Int[Tensor, " n"], generator: torch.Generator
    ) -> ViewTokens:
        """Return one picture of each shape, on the CPU."""
        config = self._config
        taken = pick_pictures(self._views, shapes, copies % self._views.images.shape[1])
        plain = copies == 0
        slots = told_slots(taken.azimuth_deg, generator, config.slot_share, config.slot_reach_deg)
        slots = torch.where(plain, UNKNOWN_SLOT, slots)
        pictures = plain_views(taken.rgba, grey=GREY)
        if not bool(plain.all()):
            pictures[~plain] = augment_views(
                taken.rgba[~plain], generator, config.augment, grey=GREY
            )
        device = self._encoder.whole.device
        seen = self._encoder(pictures.to(device), slots.to(device))
        return ViewTokens(seen.tokens.cpu(), seen.pooled.cpu(), seen.whole.cpu())


@dataclass(frozen=True)
class PictureTable:
    """Encoded pictures of all shapes, memory-mapped.

    Attributes:
        tokens: Of each picture.
        pooled: Its vector.
    """

    tokens: Float16[np.ndarray, "shapes copies tokens out"] | StackedRows
    pooled: Float16[np.ndarray, "shapes copies out"] | StackedRows

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def copies(self) -> int:
        """Pictures per shape."""
        return self.tokens.shape[1]

    def encoded(
        self,
        shapes: Int[Tensor, " batch"],
        copies: Int[Tensor, "batch views"],
        generator: torch.Generator,
    ) -> ImageTokens:
        """Read pictures of these shapes."""
        # One by one, as tables of several sets lie in several files.
        pairs = [
            (i, k) for i, row in zip(shapes.tolist(), copies.tolist(), strict=True) for k in row
        ]
        tokens, pooled = (
            torch.from_numpy(np.stack([rows[pair] for pair in pairs]).astype(np.float32))
            for rows in (self.tokens, self.pooled)
        )
        return join_views(tokens.unflatten(0, copies.shape), pooled.unflatten(0, copies.shape))

    @classmethod
    def joined(cls, tables: Sequence[PictureTable]) -> PictureTable:
        """See several tables as one, table after table.

        Raises:
            InputError: There are none.
        """
        tokens, pooled = (
            StackedRows(JoinedRows([getattr(t, name) for t in tables]))
            for name in ("tokens", "pooled")
        )
        return cls(tokens, pooled)


def build_picture_table(
    encoder: ImageEncoder,
    views: ViewSet,
    config: PictureConfig,
    folder: Path | str,
    progress: ProgressSink | None = None,
) -> PictureTable:
    """Encode pictures of all shapes into a folder; a table of the same settings is reused.

    ``image-table.json`` is written last and marks the table as complete. It takes 12.8 kB per
    picture of the default encoder.

    Args:
        encoder: Frozen.
        views: Pictures of all shapes.
        config: How many, and how they are changed.
        folder: Where to; it is made if needed.
        progress: Where to report.
    """
    folder, sink = Path(folder), progress or NullProgress()
    wanted = {
        "config": config.model_dump(mode="json"),
        "encoder": _fingerprint(encoder),
        "views": hashlib.sha256(views.azimuth_deg.tobytes()).hexdigest()[:16],
        "shapes": len(views),
    }
    mark = folder / TABLE_FILE
    if not (mark.exists() and json.loads(mark.read_text()) == wanted):
        folder.mkdir(parents=True, exist_ok=True)
        mark.unlink(missing_ok=True)
        sink.stage_started("encoding pictures", len(views))
        _fill(LivePictures(encoder, views, config), config, folder, sink, encoder)
        sink.stage_finished()
        with atomic_write(mark) as file:
            file.write(json.dumps(wanted).encode())
    return PictureTable(
        np.load(folder / TOKENS_FILE, mmap_mode="r"), np.load(folder / POOLED_FILE, mmap_mode="r")
    )


def _fill(
    pictures: LivePictures,
    config: PictureConfig,
    folder: Path,
    sink: ProgressSink,
    encoder: ImageEncoder,
) -> None:
    count, copies, out = len(pictures), config.copies, encoder.config.out_dim
    tokens = np.lib.format.open_memmap(
        folder / TOKENS_FILE,
        mode="w+",
        dtype=np.float16,
        shape=(count, copies, encoder.config.tokens_per_view, out),
    )
    pooled = np.lib.format.open_memmap(
        folder / POOLED_FILE, mode="w+", dtype=np.float16, shape=(count, copies, out)
    )
    for number, part in enumerate(torch.arange(count).split(_BATCH)):
        generator = make_generator(item_seed(config.seed, number + 1))
        rows = part.repeat_interleave(copies)
        seen = pictures.each(rows, torch.arange(copies).repeat(len(part)), generator)
        at = slice(int(part[0]), int(part[-1]) + 1)
        tokens[at] = seen.tokens.unflatten(0, (-1, copies)).numpy()
        pooled[at] = seen.pooled.unflatten(0, (-1, copies)).numpy()
        sink.advance(len(part))
    tokens.flush()
    pooled.flush()


def _fingerprint(encoder: ImageEncoder) -> str:
    digest = hashlib.sha256(encoder.config.model_dump_json().encode())
    for _, weight in sorted(encoder.state_dict().items()):
        digest.update(weight.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
