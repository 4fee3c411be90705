"""Trajectories of a guided teacher, stored for distillation: noise, states between, and the end.

Rectified diffusion (Wang et al. 2024, arXiv 2410.07303), reflow and BOSS all learn from matched
pairs of noise and sample. Ours carry the states at a few times between as well, which few-step
students visit. Guidance is solved inside, so the student needs none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import (
    DENSE,
    AdamsBashforth2,
    ClassifierFree,
    Euler,
    Heun,
    NetworkField,
    Solver,
    UniformSchedule,
    UniPC,
    item_generators,
    sample,
)
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.caption_table import CaptionTable, TextEncoderLike
from gen3d.vecset.config import Settings
from gen3d.vecset.dit import Condition, ShapeDiT

SOLVERS: dict[str, Solver] = {
    "euler": Euler(),
    "heun": Heun(),
    "ab2": AdamsBashforth2(),
    "unipc": UniPC(order=2),
}
"""By the name in a configuration."""

_STATES, _META, _DONE = "states.npy", "meta.json", "done.json"


class PairConfig(Settings):
    """How trajectories are made.

    Attributes:
        count: Trajectories.
        knots: Times that are stored, from 1 to 0; each must be one of the solver's.
        steps: Equal steps of the solver.
        solver: Its name.
        guidance: Guidance strength, over the whole interval.
        seed: Trajectory i depends on this and i alone.
        batch: Trajectories at a time.
        precision: Of the teacher's matrix products.
    """

    count: int = Field(default=20_000, ge=1)
    knots: tuple[float, ...] = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
    steps: int = Field(default=10, ge=1)
    solver: Literal["euler", "heun", "ab2", "unipc"] = "ab2"
    guidance: float = Field(default=3.0, ge=0)
    seed: int = Field(default=0, ge=0)
    batch: int = Field(default=64, ge=1)
    precision: Literal["bf16", "32"] = "bf16"

    @model_validator(mode="after")
    def _knots_are_visited(self) -> PairConfig:
        knots = list(self.knots)
        if knots[:1] != [1.0] or knots[-1] != 0 or sorted(set(knots), reverse=True) != knots:
            raise ValueError(f"knots must fall from 1 to 0, got {knots}")
        if any(abs(knot * self.steps - round(knot * self.steps)) > 1e-9 for knot in knots):
            raise ValueError(f"knots {knots} are not all among the times of {self.steps} steps")
        return self


@dataclass(frozen=True)
class TeacherPairs:
    """Stored trajectories.

    Attributes:
        states: At every knot, float16, a memory-mapped file.
        knots: Their times.
        captions: Number of each trajectory's caption.
        texts: The captions.
    """

    states: Float[np.ndarray, "count knots latents channels"]
    knots: tuple[float, ...]
    captions: Int[np.ndarray, " count"]
    texts: list[str]

    def __len__(self) -> int:
        return len(self.captions)

    def at(
        self, index: Int[Tensor, " batch"], knot: int
    ) -> Float[Tensor, "batch latents channels"]:
        """Read the states of some trajectories at one knot, as float32."""
        return torch.from_numpy(np.asarray(self.states[index.numpy(), knot], np.float32))


def build_pairs(
    config: PairConfig,
    folder: Path | str,
    teacher: ShapeDiT,
    text: TextEncoderLike,
    captions: Sequence[Sequence[str]],
    *,
    teacher_sha256: str,
    progress: ProgressSink | None = None,
) -> TeacherPairs:
    """Make trajectories in a folder, or go on with it, or open it if it is complete.

    Args:
        config: How they are made.
        folder: Where they lie.
        teacher: The flow network, in eval mode.
        text: Its text encoder.
        captions: Of shapes; a trajectory takes a random caption of a random shape.
        teacher_sha256: Hash of the teacher's file.
        progress: Where to report; says how many are made per second.

    Raises:
        InputError: The folder holds trajectories of other settings.
        OutputError: It cannot be written.
    """
    folder = Path(folder)
    drawn = _draw_captions(config, captions)
    texts = sorted(set(drawn))
    wanted = {
        "config": config.model_dump(mode="json", exclude={"batch"}),
        "teacher_sha256": teacher_sha256,
        "texts": texts,
    }
    _claim(folder, wanted)
    shape = (config.count, len(config.knots), *_latent_shape(teacher))
    number = {caption: i for i, caption in enumerate(texts)}
    numbers = np.array([number[caption] for caption in drawn], np.int32)
    pairs = TeacherPairs(_states(folder / _STATES, shape), config.knots, numbers, texts)
    if _done(folder) < config.count:
        table = CaptionTable.encode(text, [[caption] for caption in texts])
        _make(pairs, config, folder, teacher, table, progress or NullProgress())
    return pairs


def _make(
    pairs: TeacherPairs,
    config: PairConfig,
    folder: Path,
    teacher: ShapeDiT,
    table: CaptionTable,
    progress: ProgressSink,
) -> None:
    assert isinstance(pairs.states, np.memmap)
    begun, done, start = time.perf_counter(), _done(folder), _done(folder)
    progress.stage_started("teacher trajectories", config.count)
    progress.advance(done)
    while done < config.count:
        end = min(done + config.batch, config.count)
        generators = item_generators(config.seed, end - done, first=done)
        noise = DENSE.randn((end - done, *_latent_shape(teacher)), generators)
        condition = table.condition(pairs.captions[done:end].tolist())
        states = solve(config, teacher, noise, condition)
        pairs.states[done:end] = states.cpu().numpy().astype(np.float16)
        pairs.states.flush()
        with atomic_write(folder / _DONE) as file:
            file.write(json.dumps({"done": end}).encode())
        rate = (end - start) / (time.perf_counter() - begun)
        progress.advance(end - done, per_second=rate)
        done = end
    progress.stage_finished()


@torch.no_grad()
def solve(
    config: PairConfig,
    teacher: ShapeDiT,
    noise: Float[Tensor, "batch latents channels"],
    condition: Condition,
) -> Float[Tensor, "batch knots latents channels"]:
    """Follow the guided teacher from noise and return its states at the knots."""
    device = teacher.latent_in.weight.device
    condition = condition.to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16"):
        result = sample(
            NetworkField(teacher),
            noise.to(device),
            steps=config.steps,
            cond=condition,
            guidance=ClassifierFree(config.guidance),
            # One token that does not exist is as good as many, and cheaper.
            uncond=condition.shortened(1).unconditional(),
            apart=True,
            schedule=UniformSchedule(),
            solver=SOLVERS[config.solver],
            keep_trajectory=True,
        )
    assert result.trajectory is not None
    at = [round((1 - knot) * config.steps) for knot in config.knots]
    return result.trajectory[at].transpose(0, 1)


def _draw_captions(config: PairConfig, captions: Sequence[Sequence[str]]) -> list[str]:
    """Draw each trajectory's shape, and one of its captions; the first ones never change."""
    generator = make_generator(config.seed)
    draws = torch.rand(config.count, 2, generator=generator, dtype=torch.float64)
    options = [captions[int(u * len(captions))] for u in draws[:, 0].tolist()]
    return [o[int(u * len(o))] for o, u in zip(options, draws[:, 1].tolist(), strict=True)]


def _latent_shape(teacher: ShapeDiT) -> tuple[int, int]:
    tokens = teacher.config.num_latents
    if tokens is None:
        raise InputError("trajectories need a flow network with a fixed number of latents")
    return tokens, teacher.config.latent_dim


def _claim(folder: Path, wanted: dict[str, object]) -> None:
    """Make the folder ours, unless it belongs to other settings."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _META
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) != wanted:
            raise InputError(
                f"{folder} holds trajectories of other settings or another teacher",
                hint="remove it, or choose another folder",
            )
        return
    with atomic_write(path) as file:
        file.write(json.dumps(wanted).encode())


def _states(path: Path, shape: tuple[int, ...]) -> np.memmap:
    if path.exists():
        return np.lib.format.open_memmap(path, mode="r+")
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def _done(folder: Path) -> int:
    path = folder / _DONE
    return json.loads(path.read_text())["done"] if path.exists() else 0
