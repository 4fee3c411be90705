"""Training runs as users write them down: one YAML file per run, one class per ``kind``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from torch import Tensor

from gen3d.conditioning.text import TextEncoder
from gen3d.errors import ModelError
from gen3d.runtime.progress import ProgressSink
from gen3d.training.config import TrainConfig
from gen3d.training.processes import local_device
from gen3d.training.state import load_ema_weights
from gen3d.vecset.checkpoints import VAE_FILE, load_vae, save_dit, save_vae
from gen3d.vecset.config import (
    DiTConfig,
    QueryDecoderConfig,
    SamplingConfig,
    Settings,
    VAEConfig,
)
from gen3d.vecset.decoder_objective import (
    DecoderObjective,
    DecoderObjectiveConfig,
    with_decoder,
)
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.flow_objective import FlowObjective, FlowObjectiveConfig
from gen3d.vecset.image_runs import ImageInput, ImageRun
from gen3d.vecset.lightning import with_geometry
from gen3d.vecset.lightning_objective import LightningObjective, LightningObjectiveConfig
from gen3d.vecset.objective import VAEObjective, VAEObjectiveConfig
from gen3d.vecset.resident import ResidentShapes
from gen3d.vecset.run_sources import RunData
from gen3d.vecset.shape_data import TrainingShapes
from gen3d.vecset.student_runs import DistillRun, RegressionRun, StudentRun
from gen3d.vecset.tune_runs import TuneRun
from gen3d.vecset.vae import ShapeVAE


class VAERun(Settings):
    """A run of the shape autoencoder (``configs/vecset/vae.yaml``).

    Attributes:
        resident: Hold the training set in the device's memory, see
            :class:`gen3d.vecset.resident.ResidentShapes`.
        start: Weights of an autoencoder to begin with, as ``save_vae`` writes them; the model may
            have more tokens and blocks. None: begin anew.
    """

    kind: Literal["vecset-vae"]
    data: RunData
    resident: bool = False
    start: Path | None = None
    model: VAEConfig = VAEConfig()
    objective: VAEObjectiveConfig = VAEObjectiveConfig()
    trainer: TrainConfig

    def build(self, progress: ProgressSink | None = None) -> VAEObjective:
        """Open the data and make the objective."""
        source = self.data.train.open(progress)
        train: TrainingShapes = source
        if self.resident:
            train = ResidentShapes.load(source, local_device(self.trainer.device), progress)
        return VAEObjective(
            self.model,
            self.objective,
            train,
            self.data.held_out.open(progress),
            seed=self.trainer.seed,
            start=None if self.start is None else load_vae(self.start),
        )


class FlowRun(Settings):
    """A run of the flow network (``configs/vecset/dit.yaml``).

    Attributes:
        vae: Weights of the frozen autoencoder, as ``save_vae`` writes them.
        text: Weights of the frozen text encoder; the shipped ones by default.
        image: Pictures to train on besides text; None: text alone.
    """

    kind: Literal["vecset-dit"]
    data: RunData
    vae: Path
    text: Path | None = None
    image: ImageInput | None = None
    model: DiTConfig = DiTConfig()
    objective: FlowObjectiveConfig = FlowObjectiveConfig()
    sampling: SamplingConfig = SamplingConfig()
    trainer: TrainConfig

    def build(self, progress: ProgressSink | None = None) -> FlowObjective:
        """Open the data, encode it, and make the objective."""
        device = local_device(self.trainer.device)
        images = None
        if self.image is not None:
            images = self.image.open(self.data, progress, device=device)
        return FlowObjective(
            self.model,
            self.objective,
            load_vae(self.vae, device=device),
            TextEncoder.load(self.text),
            self.data.train.open(progress),
            self.data.held_out.open(progress),
            seed=self.trainer.seed,
            images=images,
            progress=progress,
        )


class LightningRun(Settings):
    """A run of another geometry decoder (``configs/vecset/lightning.yaml``).

    Attributes:
        base: Folder of the trained model, with ``vae.safetensors``; all but the geometry decoder
            stays as it is there.
        decoder: Sizes of the new decoder; None: those of the full one, whose weights it starts
            from.
    """

    kind: Literal["vecset-lightning"]
    data: RunData
    base: Path
    decoder: QueryDecoderConfig | None = None
    objective: LightningObjectiveConfig = LightningObjectiveConfig()
    trainer: TrainConfig

    def build(self, progress: ProgressSink | None = None) -> LightningObjective:
        """Open the data, encode it, and make the objective."""
        vae = load_vae(self.base / VAE_FILE)
        return LightningObjective(
            vae,
            self.decoder or vae.config.geometry,
            self.objective,
            self.data.train.open(progress),
            self.data.held_out.open(progress),
            seed=self.trainer.seed,
            progress=progress,
        )


class DecoderRun(Settings):
    """A run of an autoencoder's decoder on fixed latents (``configs/vecset/decoder.yaml``).

    Attributes:
        base: Folder of the trained model, with ``vae.safetensors``; its encoder stays.
    """

    kind: Literal["vecset-decoder"]
    data: RunData
    base: Path
    objective: DecoderObjectiveConfig = DecoderObjectiveConfig()
    trainer: TrainConfig

    def build(self, progress: ProgressSink | None = None) -> DecoderObjective:
        """Open the data, encode it, and make the objective."""
        return DecoderObjective(
            load_vae(self.base / VAE_FILE),
            self.objective,
            self.data.train.open(progress),
            self.data.held_out.open(progress),
            progress=progress,
        )


Run: TypeAlias = VAERun | FlowRun | ImageRun | LightningRun | DecoderRun | StudentRun | TuneRun

RUNS: dict[str, type[Run]] = {
    "vecset-vae": VAERun,
    "vecset-dit": FlowRun,
    "vecset-image": ImageRun,
    "vecset-lightning": LightningRun,
    "vecset-decoder": DecoderRun,
    "vecset-student": RegressionRun,
    "vecset-distill": DistillRun,
    "vecset-tune": TuneRun,
}
"""Kinds of runs by the name in their YAML."""


def export_run(run: Run, checkpoint: Path | str, path: Path | str) -> None:
    """Write the averaged weights of a run's checkpoint as a file that pipelines load.

    Lightning and decoder runs give a whole autoencoder, with the new parts in it; runs of students
    the difference to the teacher.

    Args:
        run: The run's settings.
        checkpoint: ``best.ckpt`` or ``last.ckpt`` of its folder.
        path: File to write.

    Raises:
        ModelError: The checkpoint is missing, damaged, or of another network.
        OutputError: The file cannot be written.
    """
    weights = load_ema_weights(checkpoint)
    try:
        if isinstance(run, ImageRun | StudentRun | TuneRun):
            run.export(weights, path)
            return
        network = _network(run, weights)
    except RuntimeError as error:
        raise ModelError(
            f"{checkpoint} is not of this run's network: {str(error).splitlines()[0]}",
            hint="export with the settings that it was trained with",
        ) from error
    if isinstance(network, ShapeVAE):
        save_vae(network, path)
    elif isinstance(run, FlowRun):
        save_dit(network, path, run.sampling)


def _network(
    run: VAERun | FlowRun | LightningRun | DecoderRun, weights: dict[str, Tensor]
) -> ShapeVAE | ShapeDiT:
    if isinstance(run, DecoderRun):
        return with_decoder(load_vae(run.base / VAE_FILE), weights)
    if isinstance(run, LightningRun):
        vae = load_vae(run.base / VAE_FILE)
        return with_geometry(vae, run.decoder or vae.config.geometry, weights)
    network = ShapeVAE(run.model) if isinstance(run, VAERun) else ShapeDiT(run.model)
    network.load_state_dict(weights)
    return network
