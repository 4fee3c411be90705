"""Training runs from YAML files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gen3d.api.models import CARD, TUNED_FOR
from gen3d.conditioning import distill
from gen3d.errors import InputError
from gen3d.io.files import read_bytes
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.progress import ProgressSink
from gen3d.training import Processes, Trainer, launched_processes, one_after_another
from gen3d.upsampling.runs import RUNS as UPSAMPLING_RUNS
from gen3d.upsampling.runs import Run as UpsamplingRun
from gen3d.upsampling.runs import run_stage
from gen3d.vecset.checkpoints import DIT_FILE, VAE_FILE
from gen3d.vecset.few_steps import EVERY_BESPOKE
from gen3d.vecset.image_encoder import IMAGE_FILE
from gen3d.vecset.image_runs import ImageRun
from gen3d.vecset.runs import (
    RUNS,
    DecoderRun,
    FlowRun,
    LightningRun,
    Run,
    StudentRun,
    TuneRun,
    VAERun,
    export_run,
)
from gen3d.vecset.students import STUDENT_FILE

TEXT_KIND = "text"
SIZES_KEY = "sizes"
_SHARED_RUNS = (VAERun, FlowRun, ImageRun, LightningRun, DecoderRun)


@dataclass(frozen=True)
class TrainingRun:
    """How a run ended.

    Attributes:
        output: Weights (a file, or a folder that ``load`` takes).
        figures: What was measured on held-out data.
    """

    output: Path
    figures: dict[str, float]


def run_training(
    path: Path | str,
    assign: Sequence[str] = (),
    *,
    size: str | None = None,
    kinds: Sequence[str] = (),
    resume: bool = True,
    progress: ProgressSink | None = None,
) -> TrainingRun:
    """Train what a YAML file says; under ``torchrun``, together with the other processes.

    Args:
        path: File such as ``configs/vecset/vae.yaml``.
        assign: Changes as ``key.sub=value``.
        size: One of the file's ``sizes``; None: the file as it stands.
        kinds: Kinds of runs that are welcome; all, if none is named.
        resume: Go on with what the output folder holds; False removes it first.
        progress: Where to report.

    Raises:
        InputError: The file cannot be read, or a setting is wrong.
        CancelledError: The user stopped; the state was saved.
    """
    settings = read_settings(path, assign, size=size)
    if kinds and settings.get("kind") not in kinds:
        raise InputError(
            f"{path} is of kind {settings.get('kind')!r}, expected {' or '.join(kinds)}",
            hint="gen3d train takes every kind",
        )
    _check_shared(settings.get("kind"))
    if settings.get("kind") == TEXT_KIND:
        result = distill.run(settings, progress=progress)
        return TrainingRun(result.output, result.figures)
    run = validated(settings, path)
    if isinstance(run, UpsamplingRun):
        return TrainingRun(*run_stage(run, resume=resume, progress=progress))
    with launched_processes(run.trainer.device) as processes:
        with one_after_another(processes):
            if processes.is_first and not resume:
                shutil.rmtree(run.trainer.output, ignore_errors=True)
            objective = run.build(progress if processes.is_first else None)
        dumped = run.model_dump(mode="json")
        trainer = Trainer(run.trainer, objective, progress=progress, settings=dumped)
        result = trainer.fit(resume="auto")
        if processes.is_first:
            _export(run, result.best_checkpoint or result.checkpoint)
        processes.wait()
    return TrainingRun(_output(run), result.figures)


def _check_shared(kind: str | None) -> None:
    launched = Processes.launched()
    if launched.count > 1 and RUNS.get(kind or "") not in _SHARED_RUNS:
        raise InputError(
            f"a run of kind {kind!r} is for one process, but torchrun started {launched.count}",
            hint="start it without torchrun",
        )


def _output(run: Run) -> Path:
    if isinstance(run, VAERun | ImageRun):
        return run.trainer.output / (VAE_FILE if isinstance(run, VAERun) else IMAGE_FILE)
    return run.trainer.output / "model"


def _export(run: Run, checkpoint: Path) -> None:
    if isinstance(run, VAERun | ImageRun):
        export_run(run, checkpoint, _output(run))
    else:
        export_model(run, checkpoint, _output(run))


def export_model(
    run: FlowRun | LightningRun | DecoderRun | StudentRun | TuneRun, checkpoint: Path, folder: Path
) -> Path:
    """Write a folder that :func:`gen3d.api.load` takes: both networks and the card.

    Lightning and decoder runs keep the flow network and the card of their base, if it has them;
    runs of students keep all of it and add the student, tuning runs replace its flow network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(run, StudentRun):
        export_run(run, checkpoint, folder / STUDENT_FILE)
        _keep(run.base, folder, VAE_FILE, DIT_FILE, CARD, EVERY_BESPOKE)
        return folder
    if isinstance(run, TuneRun):
        export_run(run, checkpoint, folder / DIT_FILE)
        _copy(run.base / VAE_FILE, folder / VAE_FILE)
        card = json.loads(read_bytes(run.base / CARD)) | {TUNED_FOR: run.reward}
        _write_json(card, folder / CARD)
        return folder
    if isinstance(run, LightningRun | DecoderRun):
        export_run(run, checkpoint, folder / VAE_FILE)
        # The flow network stays, and with it what was made for it.
        _keep(run.base, folder, DIT_FILE, CARD, STUDENT_FILE, EVERY_BESPOKE)
        return folder
    export_run(run, checkpoint, folder / DIT_FILE)
    _copy(run.vae, folder / VAE_FILE)
    if run.image is not None:
        _copy(run.image.encoder, folder / IMAGE_FILE)
    _write_json({"concepts": run.data.train.concepts()}, folder / CARD)
    return folder


def _write_json(values: dict[str, Any], path: Path) -> None:
    with atomic_write(path) as file:
        file.write(json.dumps(values, indent=2).encode() + b"\n")


def _keep(base: Path, folder: Path, *patterns: str) -> None:
    """Copy what a base has of some files."""
    for pattern in patterns:
        for path in sorted(base.glob(pattern)):
            _copy(path, folder / path.name)


def _copy(source: Path, target: Path) -> None:
    with atomic_write(target) as file:
        file.write(read_bytes(source))


def read_settings(
    path: Path | str, assign: Sequence[str] = (), *, size: str | None = None
) -> dict[str, Any]:
    """Read a YAML file and apply changes.

    A file may hold ``sizes``: names, each with the settings that differ for that size of machine.

    Args:
        path: The file.
        assign: Changes as ``key.sub=value``, made last.
        size: One of the file's sizes; None: the file as it stands.

    Raises:
        InputError: It is missing, no YAML mapping, has no such size, or a change is malformed.
    """
    try:
        settings = yaml.safe_load(read_bytes(path))
    except yaml.YAMLError as error:
        raise InputError(f"{path} is no valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(settings, dict):
        raise InputError(f"{path} holds no settings", hint="see configs/")
    sizes = settings.pop(SIZES_KEY, {})
    if size is not None:
        if size not in sizes:
            known = ", ".join(sizes) or "none"
            raise InputError(f"{path} has no size {size!r}", hint=f"its sizes: {known}")
        settings = _merged(settings, sizes[size])
    for change in assign:
        key, equals, value = change.partition("=")
        if not equals:
            raise InputError(f"--set {change!r} has no '='", hint="write key.sub=value")
        *parents, leaf = key.split(".")
        node = settings
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                raise InputError(f"--set {change!r}: {parent!r} holds a value, not settings")
        node[leaf] = yaml.safe_load(value)
    return settings


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return settings with others over them, key by key, down to what is no mapping."""
    made = dict(base)
    for key, value in changes.items():
        known = made.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            value = _merged(known, value)
        made[key] = value
    return made


def validated(settings: dict[str, Any], path: Path | str = "the settings") -> Run | UpsamplingRun:
    """Check the settings of a run.

    Raises:
        InputError: Names the first wrong key, what came, and what was expected.
    """
    kind = settings.get("kind")
    runs: dict[str, type[Run | UpsamplingRun]] = {**RUNS, **UPSAMPLING_RUNS}
    if kind not in runs:
        known = ", ".join((*runs, TEXT_KIND))
        raise InputError(f"{path} is of unknown kind {kind!r}", hint=f"kinds: {known}")
    try:
        return runs[kind].model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {where}: {first['msg']} (got {first['input']!r})") from error
