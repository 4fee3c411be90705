"""Settings of a training run; defaults are those of the measured embedded recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gen3d.runtime.seeds import MAX_SEED


class Settings(BaseModel):
    """Base: unknown keys are errors, values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MuonConfig(Settings):
    """Muon, for the matrices that the objective names."""

    lr: float = Field(default=3e-3, gt=0)
    momentum: float = Field(default=0.95, ge=0, lt=1)
    newton_schulz_steps: int = Field(default=5, ge=1, le=20)
    weight_decay: float = Field(default=0.0, ge=0)


class AdamWConfig(Settings):
    """AdamW, for all other parameters. Vectors (biases, norms) are not decayed."""

    lr: float = Field(default=2e-3, gt=0)
    betas: tuple[float, float] = (0.9, 0.99)
    eps: float = Field(default=1e-8, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)


class ScheduleConfig(Settings):
    """Learning-rate factor over a run; see :func:`gen3d.training.schedule.lr_factor`."""

    kind: Literal["cosine", "trapezoid"] = "trapezoid"
    warmup_steps: int = Field(default=50, ge=0)
    decay_start: float = Field(
        default=0.4, ge=0, lt=1, description="trapezoid: fraction held constant"
    )
    floor: float = Field(default=0.01, ge=0, le=1, description="factor at the end")


class TrainConfig(Settings):
    """One training run.

    The run ends after ``steps`` or after ``max_minutes`` of wall clock (summed over resumes),
    whichever comes first, and the learning rate decays with whichever fraction is larger.
    """

    output: Path
    steps: int | None = Field(default=None, ge=1)
    max_minutes: float | None = Field(default=None, gt=0)
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    device: str = "auto"
    precision: Literal["bf16-mixed", "32-true"] = "bf16-mixed"
    threads: int | None = Field(default=None, ge=1, description="None: as torch is set")
    flush_denormal: bool = True
    accumulate: int = Field(
        default=1, ge=1, description="passes that share a batch which does not fit at once"
    )

    muon: MuonConfig = MuonConfig()
    adamw: AdamWConfig = AdamWConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    clip_norm: float | None = Field(
        default=1.0, gt=0, description="of AdamW's gradients; None: never"
    )
    ema_decay: float = Field(default=0.995, ge=0, lt=1)

    log_every: int = Field(default=50, ge=1)
    validate_every: int = Field(default=0, ge=0, description="steps; 0: only at the end")
    checkpoint_every_s: float = Field(default=120.0, gt=0)
    best_figure: str | None = Field(
        default=None, description="validation figure that picks best.ckpt"
    )
    best_direction: Literal["max", "min"] = "max"
    tensorboard: bool = False

    @model_validator(mode="after")
    def _has_an_end(self) -> TrainConfig:
        if self.steps is None and self.max_minutes is None:
            raise ValueError("a run needs an end: give steps, max_minutes or both")
        return self
