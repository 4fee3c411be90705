"""Training runs of the upsampling network: one class per ``kind`` of YAML file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import Field

from gen3d.errors import InputError, ModelError
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.progress import ProgressSink
from gen3d.training import Trainer
from gen3d.training.config import Settings, TrainConfig
from gen3d.training.state import load_ema_weights
from gen3d.upsampling.checkpoints import MODEL_FILE, load_upsampler, save_upsampler
from gen3d.upsampling.config import RINConfig
from gen3d.upsampling.objective import FlowObjective, FlowObjectiveConfig
from gen3d.upsampling.patch_batches import BatchConfig
from gen3d.upsampling.patch_data import PatchSet, PatchSetConfig, build_patch_set
from gen3d.upsampling.patch_figures import endpoint_figures, velocity_losses
from gen3d.upsampling.refine_objective import RefineObjective, RefineObjectiveConfig
from gen3d.upsampling.rin import RIN
from gen3d.upsampling.schedule import LossCurve

CURVE_FILE = "schedule.json"
_LEAST_LOSS = 1e-12


class PatchSource(Settings):
    """A folder of patches, made when it is not there.

    Attributes:
        folder: Where the patches lie.
        make: What they are made from; None: the folder must hold them.
    """

    folder: Path
    make: PatchSetConfig | None = None

    def open(self, progress: ProgressSink | None = None) -> PatchSet:
        """Open the folder, or make the patches first.

        Raises:
            ModelError: The folder holds no patches, and nothing to make them from is known.
            InputError: Their source is missing or empty.
        """
        if self.make is None:
            return PatchSet.open(self.folder)
        return build_patch_set(self.make, self.folder, progress)


class PatchData(Settings):
    """What a run learns and what it is measured on."""

    train: PatchSource
    held_out: PatchSource


class FlowRun(Settings):
    """Stage 1 (``configs/upsampling/stage1.yaml``).

    Attributes:
        start: Weights to begin with, as ``save_upsampler`` writes them; None: begin anew.
    """

    kind: Literal["upsampling-flow"]
    data: PatchData
    start: Path | None = None
    model: RINConfig = RINConfig()
    objective: FlowObjectiveConfig = FlowObjectiveConfig()
    trainer: TrainConfig

    def build(self, progress: ProgressSink | None = None) -> FlowObjective:
        """Open the data and make the objective."""
        start = None if self.start is None else _our_network(self.start)
        model = self.model if start is None else start.config
        return FlowObjective(
            model,
            self.objective,
            self.data.train.open(progress),
            self.data.held_out.open(progress),
            seed=self.trainer.seed,
            start=start,
        )


class RefineRun(Settings):
    """Stage 2 (``configs/upsampling/stage2.yaml``).

    Attributes:
        start: Weights of stage 1, as ``save_upsampler`` writes them.
    """

    kind: Literal["upsampling-refine"]
    data: PatchData
    start: Path
    objective: RefineObjectiveConfig = RefineObjectiveConfig()
    trainer: TrainConfig

    def build(self, progress: ProgressSink | None = None) -> RefineObjective:
        """Open the data and make the objective."""
        start = _our_network(self.start)
        return RefineObjective(
            start.config,
            self.objective,
            self.data.train.open(progress),
            self.data.held_out.open(progress),
            seed=self.trainer.seed,
            start=start,
        )


class ScheduleRun(Settings):
    """Stage 3 (``configs/upsampling/stage3.yaml``): nothing is trained, the loss is measured.

    Attributes:
        model: Weights of the last stage.
        data: Patches to measure on.
        batches: Which of them, and the noise.
        times: How many times are measured, ends included.
        power: Power of the loss that steps share, see :class:`LossCurve`.
        offset: Added to the loss before, in loss units.
        output: Folder of the weights with their schedule, and of the schedule as JSON.
    """

    kind: Literal["upsampling-schedule"]
    model: Path
    data: PatchSource
    batches: BatchConfig = BatchConfig()
    times: int = Field(default=51, ge=2)
    power: float = Field(default=1.0, ge=0)
    offset: float = Field(default=0.0, ge=0)
    output: Path

    def measure(self, progress: ProgressSink | None = None) -> tuple[Path, dict[str, float]]:
        """Measure the curve and write it, by itself and into a copy of the weights.

        Returns:
            The weights, and the figures of the network.

        Raises:
            ModelError: The weights are missing, or not of a network of ours.
            InputError: The data cannot be read.
            OutputError: The folder cannot be written.
        """
        network = _our_network(self.model)
        patches = self.data.open(progress)
        losses = velocity_losses(network, patches, self.batches, self.times)
        curve = LossCurve(
            times=tuple(1 - i / (self.times - 1) for i in range(self.times)),
            losses=tuple(max(float(loss), _LEAST_LOSS) for loss in losses),
            power=self.power,
            offset=self.offset,
        )
        self.output.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.output / CURVE_FILE) as file:
            file.write(curve.model_dump_json(indent=1).encode() + b"\n")
        output = self.output / MODEL_FILE
        save_upsampler(network, output, curve)
        figures = endpoint_figures(network, patches, self.batches)
        return output, {"velocity_mse": float(losses.mean()), **figures}


TrainedRun: TypeAlias = FlowRun | RefineRun
Run: TypeAlias = TrainedRun | ScheduleRun

RUNS: dict[str, type[Run]] = {
    "upsampling-flow": FlowRun,
    "upsampling-refine": RefineRun,
    "upsampling-schedule": ScheduleRun,
}
"""Kinds of runs by the name in their YAML."""


def run_stage(
    run: Run, *, resume: bool = True, progress: ProgressSink | None = None
) -> tuple[Path, dict[str, float]]:
    """Do a run, and write weights that ``load_upsampler`` reads.

    Args:
        run: Its settings.
        resume: Go on with what the output folder holds; False removes it first.
        progress: Where to report.

    Returns:
        The weights, and the figures on held-out patches.

    Raises:
        InputError: The data or the device is not there.
        ModelError: Weights to start from are missing or damaged.
        CancelledError: The user stopped; the state was saved.
    """
    if isinstance(run, ScheduleRun):
        return run.measure(progress)
    folder = run.trainer.output
    if not resume:
        shutil.rmtree(folder, ignore_errors=True)
    objective = run.build(progress)
    dumped = run.model_dump(mode="json")
    result = Trainer(run.trainer, objective, progress=progress, settings=dumped).fit(resume="auto")
    export_run(run, result.best_checkpoint or result.checkpoint, folder / MODEL_FILE)
    return folder / MODEL_FILE, result.figures


def export_run(run: TrainedRun, checkpoint: Path | str, path: Path | str) -> None:
    """Write the averaged weights of a run's checkpoint as a file that ``load_upsampler`` reads.

    Args:
        run: The run's settings.
        checkpoint: ``best.ckpt`` or ``last.ckpt`` of its folder.
        path: File to write.

    Raises:
        ModelError: The checkpoint is missing, damaged, or of another network.
        OutputError: The file cannot be written.
    """
    config = run.model if isinstance(run, FlowRun) and run.start is None else None
    network = RIN(config or _our_network(_start_of(run)).config)
    try:
        network.load_state_dict(load_ema_weights(checkpoint))
    except RuntimeError as error:
        raise ModelError(
            f"{checkpoint} is not of this run's network: {str(error).splitlines()[0]}",
            hint="export with the settings that it was trained with",
        ) from error
    save_upsampler(network, path)


def _start_of(run: TrainedRun) -> Path:
    if run.start is None:
        raise InputError("the run starts from no weights")
    return run.start


def _our_network(path: Path) -> RIN:
    network = load_upsampler(path).network
    if not isinstance(network, RIN):
        raise ModelError(
            f"{path} holds a published network, which is not trained further here",
            hint="give weights that gen3d train wrote",
        )
    return network
