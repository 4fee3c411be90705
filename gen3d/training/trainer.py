"""The trainer: time, optimisers, averages and files around an objective.

A run folder holds ``config.yaml`` (resolved settings), ``record.json`` (versions, seed, device),
``log.jsonl`` (a row per log step and per validation), ``last.ckpt`` and, where a figure to choose
by is named, ``best.ckpt``.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from gen3d.errors import CancelledError, InputError, ModelError, OutputError
from gen3d.runtime.optional import require
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import item_seed
from gen3d.training.batch_part import BatchPart, batch_part
from gen3d.training.config import TrainConfig
from gen3d.training.ema import Ema
from gen3d.training.interrupt import InterruptWatch
from gen3d.training.log import Meter, RunLog, joint_row, write_record, write_settings
from gen3d.training.objective import LossResult, Objective, joint_result
from gen3d.training.optimizers import make_optimizers
from gen3d.training.processes import Processes, local_device
from gen3d.training.schedule import lr_factor, run_fraction
from gen3d.training.state import load_state, save_state

# Streams derived from the run's seed: batches and noise; torch's global generator (dropout).
_BATCH_STREAM, _GLOBAL_STREAM = 1, 2


@dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        steps: Steps done, over all resumes.
        elapsed_s: Wall-clock seconds, over all resumes.
        figures: The last validation's figures (of the averaged weights).
        checkpoint: ``last.ckpt`` of the run.
        best_checkpoint: ``best.ckpt``, if a figure to choose by was named.
    """

    steps: int
    elapsed_s: float
    figures: dict[str, float]
    checkpoint: Path
    best_checkpoint: Path | None


class Trainer:
    """Trains one objective: on one device, or on one per process of torch's process group.

    Resuming from a checkpoint gives the same weights, bit for bit, as never having stopped, on one
    CPU at one thread count (with a budget in steps; a budget in minutes follows the clock). Several
    processes share each step's batch, and take the same steps as one but for rounding; a run may
    go on with another number of them. The first one writes the run folder.

    Args:
        config: Settings of the run.
        objective: What is trained; its module is moved to the device.
        progress: Where to report; nowhere by default.
        settings: What to write as the run's resolved settings, in plain values (a pydantic
            model's ``model_dump(mode="json")``); None: ``config`` alone.

    Raises:
        InputError: The device does not exist, or the objective names unknown parameters.
        MissingDependencyError: Lightning Fabric (or TensorBoard, if asked for) is not installed.
    """

    def __init__(
        self,
        config: TrainConfig,
        objective: Objective,
        *,
        progress: ProgressSink | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        fabric_package = require("lightning_fabric", extra="train", feature="training")
        self._config = config
        self._objective = objective
        self._processes = Processes.current()
        self._progress = progress if progress and self._processes.is_first else NullProgress()
        self._settings = settings or config.model_dump(mode="json")
        device = local_device(config.device)
        # Lightning prints its choice of precision; the library is silent, the record says it.
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        self._fabric = fabric_package.Fabric(
            accelerator=device.type,
            devices=1 if device.type == "cpu" else [device.index or 0],
            precision=config.precision,
        )
        self._fabric.setup_module(objective.module)
        self._processes.equalise(objective.module.state_dict().values())
        self._optimizers = make_optimizers(objective.module, objective.muon_splits(), config)
        self._steppers = [
            self._fabric.setup_optimizers(o) for o in self._optimizers.by_name.values()
        ]
        self._ema = Ema(objective.module, config.ema_decay)
        self._generator = torch.Generator()
        self._meter = Meter()
        self._step = 0
        self._elapsed_before_s = 0.0
        self._started_s = 0.0
        self._best: float | None = None
        self._figures: dict[str, float] = {}
        self._validated_step = -1

    @property
    def last_checkpoint(self) -> Path:
        """The newest checkpoint of the run folder."""
        return self._config.output / "last.ckpt"

    @property
    def best_checkpoint(self) -> Path:
        """The checkpoint with the best validation figure, if one was named."""
        return self._config.output / "best.ckpt"

    def ema_module(self) -> nn.Module:
        """Return the network with averaged weights, in eval mode."""
        return self._ema.synchronise()

    def fit(self, *, resume: bool | Literal["auto"] = "auto") -> TrainResult:
        """Train to the end of the budget.

        Args:
            resume: ``auto`` continues from ``last.ckpt`` if there is one; True demands it; False
                demands a folder without one, so that no finished run is overwritten.

        Raises:
            InputError: ``resume`` and the run folder do not agree, or the seed is another one.
            ModelError: ``last.ckpt`` is damaged or of another network.
            OutputError: The run folder cannot be written.
            CancelledError: Ctrl-C or SIGTERM; a checkpoint was written before.
            Gen3dError: The loss or its gradient is not finite; names the step.
        """
        self._restore_if(resume)
        with _process_settings(self._config, self._fabric.device), InterruptWatch() as watch:
            log = self._begin_log() if self._processes.is_first else None
            try:
                self._run(watch, log)
            except KeyboardInterrupt as error:
                raise CancelledError(
                    f"training stopped at step {self._step} before its state was saved",
                    hint="run again to continue from the last checkpoint",
                ) from error
            finally:
                if log is not None:
                    log.close()
                self._progress.stage_finished()
        return TrainResult(
            steps=self._step,
            elapsed_s=self._elapsed_s(),
            figures=dict(self._figures),
            checkpoint=self.last_checkpoint,
            best_checkpoint=self.best_checkpoint if self._config.best_figure else None,
        )

    def _begin_log(self) -> RunLog:
        folder = self._config.output
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make run folder {folder}: {error.strerror}") from error
        write_settings(folder, self._settings)
        write_record(
            folder,
            seed=self._config.seed,
            device=str(self._fabric.device),
            processes=self._processes.count,
        )
        return RunLog(folder, resumed_step=self._step, tensorboard=self._config.tensorboard)

    def _run(self, watch: InterruptWatch, log: RunLog | None) -> None:
        config, module = self._config, self._objective.module
        module.train()
        self._started_s = time.perf_counter()
        saved_s = logged_s = self._started_s
        reported = self._begin_progress()
        while (fraction := self._fraction()) < 1.0:
            rates = self._optimizers.set_lr_factor(lr_factor(config.schedule, self._step, fraction))
            self._train_step()
            now_s = time.perf_counter()
            if self._step % config.log_every == 0:
                row = joint_row(self._processes.gathered(self._meter.flush(now_s - logged_s)))
                logged_s = now_s
                row = {**row, "lr": rates, "fraction": fraction}
                if log is not None:
                    log.write(self._step, self._elapsed_s(), row)
                reported = self._advance(reported, loss=row["loss"], **row["figures"])
            else:
                reported = self._advance(reported)
            if config.validate_every and self._step % config.validate_every == 0:
                self._validate(log)
                logged_s += time.perf_counter() - now_s  # not the training's speed
            if self._processes.largest(watch.requested):
                self._save(self.last_checkpoint)
                raise CancelledError(
                    f"training stopped at step {self._step}; state saved in {self.last_checkpoint}",
                    hint="run again to continue",
                )
            if now_s - saved_s >= config.checkpoint_every_s:
                self._save(self.last_checkpoint)
                saved_s = time.perf_counter()
        self._save(self.last_checkpoint)  # before a validation that may fail after hours of work
        if self._validated_step != self._step:
            self._validate(log)
            self._save(self.last_checkpoint)

    def _train_step(self) -> None:
        result = joint_result([self._backward(n) for n in range(self._config.accumulate)])
        self._processes.average_gradients(self._optimizers.trained)
        self._meter.add(self._step, result, self._optimizers.clip(self._config.clip_norm))
        for stepper in self._steppers:
            stepper.step()
        for optimizer in self._optimizers.by_name.values():
            optimizer.zero_grad(set_to_none=True)
        self._ema.update()
        self._step += 1

    def _backward(self, number: int) -> LossResult:
        """Compute one part of the step's batch and add its gradients to the others'."""
        parts = self._config.accumulate
        part = BatchPart(self._processes.rank * parts + number, self._processes.count * parts)
        self._generator.manual_seed(self._seed_of(_BATCH_STREAM))
        torch.manual_seed(item_seed(self._seed_of(_GLOBAL_STREAM), part.index))
        with batch_part(part), self._fabric.autocast():
            result = self._objective.loss(self._step, self._generator)
        self._fabric.backward(result.loss if parts == 1 else result.loss / parts)
        return LossResult(result.loss.detach(), result.figures)

    def _seed_of(self, stream: int) -> int:
        return item_seed(item_seed(self._config.seed, stream), self._step + 1)

    def _elapsed_s(self) -> float:
        return self._elapsed_before_s + time.perf_counter() - self._started_s

    def _fraction(self) -> float:
        timed = self._config.max_minutes is not None
        return run_fraction(
            self._step,
            self._processes.largest(self._elapsed_s()) if timed else 0.0,
            steps=self._config.steps,
            max_minutes=self._config.max_minutes,
        )

    @torch.no_grad()
    def _validate(self, log: RunLog | None) -> None:
        self._meter.check()
        if log is not None:
            torch.manual_seed(self._config.seed)  # the same draws at every validation
            with self._fabric.autocast():
                self._figures = dict(self._objective.validate(self.ema_module()))
            log.write(self._step, self._elapsed_s(), {"validation": self._figures})
        self._figures = self._processes.from_first(self._figures)
        self._validated_step = self._step
        self._keep_best()

    def _keep_best(self) -> None:
        name = self._config.best_figure
        if name is None:
            return
        if name not in self._figures:
            raise InputError(
                f"best_figure {name!r} is not among the validation figures:"
                f" {', '.join(self._figures) or 'none'}"
            )
        sign = 1.0 if self._config.best_direction == "max" else -1.0
        value = self._figures[name]
        if math.isfinite(value) and (self._best is None or sign * value > sign * self._best):
            self._best = value
            self._save(self.best_checkpoint)

    def _begin_progress(self) -> int:
        # A budget in minutes is shown in seconds, one in steps in steps.
        minutes = self._config.max_minutes
        name = "training" if minutes is None else "training (s)"
        total = self._config.steps if minutes is None else round(60 * minutes)
        self._progress.stage_started(name, total)
        return self._advance(0)

    def _advance(self, reported: int, **info: float) -> int:
        reached = self._step if self._config.max_minutes is None else int(self._elapsed_s())
        if reached > reported or info:
            self._progress.advance(reached - reported, **info)
        return reached

    def _save(self, path: Path) -> None:
        self._meter.check()  # a state after a bad step must not replace a good one
        if not self._processes.is_first:
            return
        state = {
            "step": self._step,
            "elapsed_s": self._elapsed_s(),
            "seed": self._config.seed,
            "module": self._objective.module.state_dict(),
            "ema": self.ema_module().state_dict(),
            "ema_updates": self._ema.updates,
            "optimizers": self._optimizers.state(),
            "best": self._best,
            "figures": self._figures,
            "validated_step": self._validated_step,
        }
        save_state(state, path)

    def _restore_if(self, resume: bool | Literal["auto"]) -> None:
        # Others may not see the first one's disk.
        state = self._processes.from_first(
            self._state_to_resume(resume) if self._processes.is_first else None
        )
        if state is None:
            return
        try:
            self._objective.module.load_state_dict(state["module"])
            self._ema.module.load_state_dict(state["ema"])
            self._optimizers.restore(state["optimizers"])
        except (RuntimeError, KeyError, ValueError) as error:
            raise ModelError(
                f"checkpoint {self.last_checkpoint} is of another network:"
                f" {str(error).splitlines()[0]}",
                hint="use the settings it was begun with, or another output",
            ) from error
        self._ema.updates = state["ema_updates"]
        self._step, self._elapsed_before_s = state["step"], state["elapsed_s"]
        self._best, self._figures = state["best"], state["figures"]
        self._validated_step = state["validated_step"]

    def _state_to_resume(self, resume: bool | Literal["auto"]) -> dict[str, Any] | None:
        path = self.last_checkpoint
        if resume is False and path.exists():
            raise InputError(
                f"run folder {path.parent} already holds a run",
                hint="resume it, remove it, or choose another output",
            )
        if resume is True and not path.exists():
            raise InputError(f"nothing to resume: there is no {path}")
        if not path.exists():
            return None
        state = load_state(path)
        if state["seed"] != self._config.seed:
            raise InputError(
                f"cannot resume {path} with seed {self._config.seed}: it was begun with seed"
                f" {state['seed']}"
            )
        return state


@contextlib.contextmanager
def _process_settings(config: TrainConfig, device: torch.device) -> Iterator[None]:
    """Set threads, denormals and torch's global generator for the run, and put them back."""
    threads = torch.get_num_threads()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        try:
            torch.set_flush_denormal(config.flush_denormal)
            if config.threads is not None:
                torch.set_num_threads(config.threads)
            yield
        finally:
            torch.set_flush_denormal(False)
            torch.set_num_threads(threads)
