"""What a run leaves to read: one JSON row per log step, its settings and its origin."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from gen3d import __version__
from gen3d.errors import Gen3dError, OutputError
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.optional import require
from gen3d.training.objective import EXAMPLES, LossResult


class Meter:
    """Collects the losses and figures of the steps since the last row.

    Scalars stay tensors until a row is due, so an accelerator is not stalled at every step; on the
    CPU, where reading is free, a bad loss stops the run at once.
    """

    def __init__(self) -> None:
        self._first_step = 0
        self._losses: list[Tensor] = []
        self._norms: list[Tensor] = []
        self._figures: dict[str, list[float | Tensor]] = {}

    def add(self, step: int, result: LossResult, gradient_norm: Tensor) -> None:
        """Take the outcome of ``step``.

        Raises:
            Gen3dError: On the CPU, the loss or the gradient is not finite.
        """
        if not self._losses:
            self._first_step = step
        self._losses.append(result.loss.detach())
        self._norms.append(gradient_norm)
        for name, value in result.figures.items():
            kept = value.detach() if isinstance(value, Tensor) else value
            self._figures.setdefault(name, []).append(kept)
        if gradient_norm.device.type == "cpu" and not math.isfinite(gradient_norm.item()):
            self.check()

    def check(self) -> None:
        """Look for the first step whose loss or gradient is not finite.

        Raises:
            Gen3dError: There is one.
        """
        for what, kept in (("loss", self._losses), ("gradient norm", self._norms)):
            for offset, value in enumerate(_read(kept)):
                if not math.isfinite(value):
                    raise Gen3dError(
                        f"the {what} became {value} at step {self._first_step + offset}",
                        hint="lower the learning rates, lengthen the warm-up or use 32-true,"
                        " and resume from the last checkpoint",
                    )

    def flush(self, seconds: float) -> dict[str, Any]:
        """Return the means since the last flush and begin again.

        Args:
            seconds: Wall clock since the last flush.

        Raises:
            Gen3dError: A loss or gradient was not finite.
        """
        self.check()
        steps = len(self._losses)
        examples = sum(_read(self._figures.pop(EXAMPLES, [])))
        row = {
            "loss": _mean(_read(self._losses)),
            "figures": {name: _mean(_read(kept)) for name, kept in self._figures.items()},
            "grad_norm": _mean(_read(self._norms)),
            "steps_per_s": steps / max(seconds, 1e-9),
        }
        if examples:
            row["examples_per_s"] = examples / max(seconds, 1e-9)
        self._losses, self._norms, self._figures = [], [], {}
        return row


def joint_row(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the row of a run from what each of its processes flushed.

    Losses and figures are means, the examples' rates a sum; the rest is alike in all.
    """
    joint = dict(rows[0])
    if len(rows) > 1:
        joint["loss"] = _mean([row["loss"] for row in rows])
        joint["figures"] = {n: _mean([row["figures"][n] for row in rows]) for n in joint["figures"]}
        if "examples_per_s" in joint:
            joint["examples_per_s"] = sum(row["examples_per_s"] for row in rows)
    return joint


def _read(values: list[Any]) -> list[float]:
    # One transfer for all tensors of a list.
    if values and all(isinstance(value, Tensor) for value in values):
        return torch.stack(values).float().tolist()
    return [float(value) for value in values]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


class RunLog:
    """Writes rows to ``log.jsonl`` and, if asked for, scalars to TensorBoard.

    A resumed run first drops the rows that it will write again.

    Args:
        folder: The run folder.
        resumed_step: Rows of later steps are dropped; 0 begins a new file.
        tensorboard: Whether to log there too.

    Raises:
        MissingDependencyError: TensorBoard is asked for and not installed.
        OutputError: The folder cannot be written.
    """

    def __init__(self, folder: Path, *, resumed_step: int, tensorboard: bool) -> None:
        path = folder / "log.jsonl"
        self._board = _make_board(folder) if tensorboard else None
        rows = _rows_until(path, resumed_step) if resumed_step else []
        with atomic_write(path) as file:
            file.write("".join(rows).encode())
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, step: int, elapsed_s: float, row: Mapping[str, Any]) -> None:
        """Append one row; it is on its way to the disk when this returns.

        Args:
            step: Steps done.
            elapsed_s: Seconds spent.
            row: Numbers, or dicts of numbers whose names become ``group/name`` in TensorBoard.

        Raises:
            OutputError: The disk is full.
        """
        stamped = {"step": step, "elapsed_s": round(elapsed_s, 3), **row}
        try:
            self._file.write(json.dumps(stamped) + "\n")
        except OSError as error:
            raise OutputError(f"cannot write {self._file.name}: {error.strerror}") from error
        if self._board is not None:
            self._board.log_metrics(_flatten(row), step)

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.finalize("finished")


def _make_board(folder: Path) -> Any:
    require("tensorboard", extra="train", feature="the TensorBoard log")
    loggers = require("lightning_fabric.loggers", extra="train", feature="training")
    return loggers.TensorBoardLogger(root_dir=folder, name="tensorboard", version="")


def _flatten(row: Mapping[str, Any]) -> dict[str, float]:
    scalars: dict[str, float] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            scalars.update({f"{name}/{inner}": number for inner, number in value.items()})
        else:
            scalars[name] = value
    return scalars


def _rows_until(path: Path, step: int) -> list[str]:
    rows = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:  # the row that a crash cut short
                continue
            if row["step"] <= step:
                rows.append(line + "\n")
    return rows


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write the resolved settings of the run to ``config.yaml``."""
    with atomic_write(folder / "config.yaml") as file:
        file.write(yaml.safe_dump(dict(settings), sort_keys=False).encode())


def write_record(folder: Path, *, seed: int, device: str, processes: int) -> None:
    """Write what the run was made with to ``record.json``: versions, seed, devices, threads."""
    packages = ("torch", "lightning-fabric", "numpy", "pydantic", "safetensors")
    record = {
        "gen3d": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: metadata.version(name) for name in packages},
        "seed": seed,
        "device": device,
        "processes": processes,
        "threads": torch.get_num_threads(),
    }
    with atomic_write(folder / "record.json") as file:
        file.write((json.dumps(record, indent=2) + "\n").encode())
