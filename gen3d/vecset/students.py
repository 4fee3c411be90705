"""Few-step students of a flow network, and their small files.

A student is the teacher with a second time and other weights. Its file holds the difference of
each matrix to the teacher's in 8 bits with one scale per row, half the teacher's size: the
difference is small, so its rounding (0.4 % of a row's largest entry at most) is far below that of
the weights themselves, and unlike low-rank factors it can be of full rank.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float, Int8
from pydantic import Field, field_validator
from torch import Tensor

from gen3d.errors import ModelError
from gen3d.io.network_files import fill, read_settings, settings_fields
from gen3d.io.tensors import load_tensors, save_tensors
from gen3d.vecset.config import Settings
from gen3d.vecset.dit import ShapeDiT

STUDENT_FILE = "student.safetensors"
_KIND = "ShapeDiTStudent"
_SCALE = ".scale"
_LEVELS = 127


class StudentConfig(Settings):
    """How a student is to be sampled.

    Attributes:
        teacher_sha256: Hash of the teacher's file.
        guidance: The guidance that is distilled into it.
        grids: The times to visit, one grid for each number of steps it was trained for.
        default_steps: What a model takes by default; None: its flow network.
    """

    teacher_sha256: str
    guidance: float = Field(default=3.0, ge=0)
    grids: tuple[tuple[float, ...], ...] = ((1.0, 0.0), (1.0, 0.6, 0.0))
    default_steps: int | None = Field(default=None, ge=1)

    @field_validator("grids")
    @classmethod
    def _fall_from_1_to_0(
        cls, grids: tuple[tuple[float, ...], ...]
    ) -> tuple[tuple[float, ...], ...]:
        for grid in grids:
            if len(grid) < 2 or grid[0] != 1 or grid[-1] != 0 or sorted(grid)[::-1] != list(grid):
                raise ValueError(f"a grid must fall from 1 to 0, got {list(grid)}")
        return grids

    def grid(self, steps: int) -> tuple[float, ...] | None:
        """Return the times for a number of steps; None if it was not trained for it."""
        return next((grid for grid in self.grids if len(grid) == steps + 1), None)


def new_student(teacher: ShapeDiT) -> ShapeDiT:
    """Return a trainable copy of a flow network that takes an interval and ignores it at first."""
    config = teacher.config.model_copy(update={"interval_embedding": True})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        student = ShapeDiT(config)
    student.load_state_dict(teacher.state_dict(), strict=False)
    return student.to(teacher.latent_in.weight.device)


def save_student(
    student: ShapeDiT, teacher: ShapeDiT, path: Path | str, config: StudentConfig
) -> None:
    """Write a student as its difference to the teacher.

    Args:
        student: From :func:`new_student`, trained.
        teacher: As it was loaded from the file with ``config.teacher_sha256``.
        path: File to write.
        config: How it is to be sampled.

    Raises:
        OutputError: The file cannot be written.
    """
    base = teacher.state_dict()
    tensors: dict[str, Tensor] = {}
    for name, weight in student.named_parameters():
        delta = weight.detach().float()
        if name in base:
            delta = delta - base[name].float()
        if delta.ndim == 2:
            tensors[name], tensors[name + _SCALE] = _quantise(delta)
        else:
            tensors[name] = delta.to(torch.float16)
    save_tensors(tensors, path, settings_fields(_KIND, config))


def load_student(
    path: Path | str, teacher: ShapeDiT, *, teacher_sha256: str
) -> tuple[ShapeDiT, StudentConfig]:
    """Read a student, in float32 and eval mode, on the teacher's device.

    Args:
        path: File that :func:`save_student` wrote.
        teacher: The flow network that it was made from.
        teacher_sha256: Hash of the file that ``teacher`` was loaded from.

    Raises:
        ModelError: The file is missing or damaged, or belongs to another teacher.
    """
    tensors, metadata = load_tensors(path)
    config = read_settings(StudentConfig, metadata, path, kind=_KIND)
    if config.teacher_sha256 != teacher_sha256:
        raise ModelError(
            f"{path} belongs to the flow network {config.teacher_sha256[:12]}..., "
            f"this one is {teacher_sha256[:12]}...",
            hint="use the student that came with the model, or distil a new one",
        )
    lacking = [name for name, _ in teacher.named_parameters() if name not in tensors]
    if lacking:
        raise ModelError(f"{path} is no whole student: lacks {', '.join(lacking[:3])}")
    weights = {name: tensor.cpu() for name, tensor in teacher.state_dict().items()}
    for name, tensor in tensors.items():
        if name.endswith(_SCALE):
            continue
        scale = tensors.get(name + _SCALE)
        if scale is not None and scale.shape != tensor.shape[:1]:
            raise ModelError(f"{name} in {path} has a scale of shape {tuple(scale.shape)}")
        delta = tensor.float() if scale is None else tensor.float() * scale[:, None]
        if name in weights and weights[name].shape != delta.shape:
            raise ModelError(
                f"{name} in {path} has shape {tuple(delta.shape)}, "
                f"expected {tuple(weights[name].shape)}"
            )
        weights[name] = weights[name] + delta if name in weights else delta
    sizes = teacher.config.model_copy(update={"interval_embedding": True})
    return fill(ShapeDiT, sizes, weights, path, teacher.latent_in.weight.device), config


def _quantise(
    delta: Float[Tensor, "rows cols"],
) -> tuple[Int8[Tensor, "rows cols"], Float[Tensor, " rows"]]:
    """Round each row to 255 levels."""
    scale = delta.abs().amax(1) / _LEVELS
    levels = delta / torch.where(scale > 0, scale, 1.0)[:, None]
    return levels.round().to(torch.int8), scale
