"""Runs with pictures: training the image encoder, and what a flow network's run says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from gen3d.conditioning.text import TextEncoder
from gen3d.data.renders import ViewConfig
from gen3d.errors import InputError
from gen3d.runtime.progress import ProgressSink
from gen3d.training.config import TrainConfig
from gen3d.training.processes import local_device
from gen3d.vecset.checkpoints import load_vae
from gen3d.vecset.condition_source import MixtureShares
from gen3d.vecset.config import Settings
from gen3d.vecset.flow_objective import TrainingPictures
from gen3d.vecset.image_encoder import (
    ImageEncoder,
    ImageEncoderConfig,
    load_image_encoder,
    save_image_encoder,
)
from gen3d.vecset.image_lesson import ImageLesson
from gen3d.vecset.image_objective import ImageObjective, ImageObjectiveConfig, make_student
from gen3d.vecset.latent_head import HEAD_FILE, save_latent_head
from gen3d.vecset.picture_source import (
    LivePictures,
    PictureConfig,
    PictureTable,
    build_picture_table,
)
from gen3d.vecset.run_sources import RunData, ShapeSource


class ImageRun(Settings):
    """A run of the image encoder (``configs/vecset/image.yaml``).

    Attributes:
        views: Pictures, drawn beside the shapes when they are not there.
        vae: Weights of the frozen autoencoder whose latents pictures shall predict.
        text: Weights of the frozen text encoder; the shipped ones by default.
    """

    kind: Literal["vecset-image"]
    data: RunData
    views: ViewConfig = ViewConfig()
    vae: Path
    text: Path | None = None
    model: ImageEncoderConfig = ImageEncoderConfig()
    objective: ImageObjectiveConfig = ImageObjectiveConfig()
    trainer: TrainConfig

    def build(self, progress: ProgressSink | None = None) -> ImageObjective:
        """Open the data, draw and encode it, and make the objective."""
        vae = load_vae(self.vae, device=local_device(self.trainer.device))
        text = TextEncoder.load(self.text)
        train, held_out = (
            ImageLesson.prepare(
                source.open_views(self.views, progress),
                source.open(progress),
                vae,
                text,
                points=self.objective.encode_points,
                progress=progress,
            )
            for source in (self.data.train, self.data.held_out)
        )
        return ImageObjective(self.model, self.objective, train, held_out, seed=self.trainer.seed)

    def export(self, weights: dict[str, Tensor], path: Path | str) -> None:
        """Write the encoder, and the head that predicts latents beside it.

        Raises:
            OutputError: The files cannot be written.
        """
        vae = load_vae(self.vae).config
        student = make_student(self.model, self.objective, (vae.num_latents, vae.latent_dim))
        student.load_state_dict(weights)
        save_image_encoder(student.encoder, path)
        save_latent_head(student.head, Path(path).parent / HEAD_FILE)


class ImageInput(Settings):
    """Pictures that a flow network is trained on, besides text.

    Attributes:
        encoder: Weights of the frozen image encoder.
        views: Pictures, drawn beside the shapes when they are not there.
        pictures: Which of them, and how they are changed.
        live: Encode pictures anew each time, instead of once into a table beside the shapes.
        shares: What items of a batch are conditioned on.
    """

    encoder: Path
    views: ViewConfig = ViewConfig()
    pictures: PictureConfig = PictureConfig()
    live: bool = False
    shares: MixtureShares = MixtureShares()

    def open(
        self,
        data: RunData,
        progress: ProgressSink | None = None,
        *,
        device: torch.device | str = "cpu",
    ) -> TrainingPictures:
        """Draw and encode what is not there yet.

        Args:
            data: Whose shapes' pictures.
            progress: Where to report.
            device: Where the encoder works.

        Raises:
            InputError: Only some of the shapes would have pictures.
        """
        if self.views.limit is not None:
            raise InputError("a flow network needs pictures of all shapes", hint="drop views.limit")
        encoder = load_image_encoder(self.encoder, device=device)
        train, held_out = (
            self._live(encoder, source, progress)
            if self.live
            else self._table(encoder, source, progress)
            for source in (data.train, data.held_out)
        )
        return TrainingPictures(train, held_out, self.shares)

    def _live(
        self, encoder: ImageEncoder, source: ShapeSource, progress: ProgressSink | None
    ) -> LivePictures:
        return LivePictures(encoder, source.open_views(self.views, progress), self.pictures)

    def _table(
        self, encoder: ImageEncoder, source: ShapeSource, progress: ProgressSink | None
    ) -> PictureTable:
        if source.folder is None:
            parts = [self._table(encoder, part.source, progress) for part in source.mix]
            return PictureTable.joined(parts)
        views = source.open_views(self.views, progress)
        return build_picture_table(encoder, views, self.pictures, source.folder, progress)
