"""How a cloud is to be upsampled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from gen3d.errors import InputError

Mode = Literal["ours", "reference"]
"""Patches cut once, or cut and merged anew at every step as the public evaluators do."""

Schedule = Literal["adaptive", "uniform"]
Manifold = Literal["drift", "nearest", "surface", "none"]

MAX_RATE = 64.0
MAX_WORKERS = 64
MIN_TILE = 1024
DEFAULT_TILE = 65_536
"""Input points of a tile; larger clouds are cut into tiles by default."""


@dataclass(frozen=True)
class UpsampleOptions:
    """Options of one run; the defaults are the ones that measured best.

    Attributes:
        steps: Steps of the flow; None: the pipeline's default.
        mode: Inference mode.
        schedule: Times of the steps: those of the model's loss curve, or equally spaced.
        manifold: What holds moved points near the surface: ``drift`` limits how far they get from
            the interpolated cloud; ``nearest`` pulls them by a small step to its nearest point
            (PUFM++'s rule, normalised per point); ``surface`` puts them onto quadrics through the
            input; ``none``.
        curvature: Points at curved places move faster by up to a third of that share.
        noise: Added to the interpolated points, as a share of a patch's radius.
        overlap: Points of all patches over points of the cloud, at least 1.
        oversample: Points that are moved over points that are kept, at least 1: the most crowded
            go.
        max_edge: Longest edge to interpolate over, in spacings at its ends; None: no limit.
        keep_input: Keep all input points as they are, bit for bit, at the beginning.
        denoise: Move the input points onto the surface first.
        outliers: Leave out input points whose mean distance to their neighbours exceeds the mean by
            that many standard deviations; None: keep all.
        tile: Input points of a tile; 0: never cut into tiles.
        workers: Processes that work on tiles.
        batch: Patches at a time; None: as memory allows.
    """

    steps: int | None = None
    mode: Mode = "ours"
    schedule: Schedule = "adaptive"
    manifold: Manifold = "drift"
    curvature: float = 0.0
    noise: float = 0.0
    overlap: float = 1.5
    oversample: float = 1.0
    max_edge: float | None = 2.5
    keep_input: bool = False
    denoise: bool = False
    outliers: float | None = None
    tile: int = DEFAULT_TILE
    workers: int = 1
    batch: int | None = None

    def check(self) -> None:
        """Check the ranges.

        Raises:
            InputError: A value is out of its range, or two do not go together.
        """
        _check("steps", 1 if self.steps is None else self.steps, 1, 1000)
        _check("curvature", self.curvature, 0, 100)
        _check("noise", self.noise, 0, 1)
        _check("overlap", self.overlap, 1, 16)
        _check("oversample", self.oversample, 1, 16)
        _check("max_edge", 1.0 if self.max_edge is None else self.max_edge, 0.1, 1000)
        _check("outliers", 1.0 if self.outliers is None else self.outliers, 0.1, 100)
        _check("workers", self.workers, 1, MAX_WORKERS)
        _check("batch", 1 if self.batch is None else self.batch, 1, 65_536)
        for name, value, choices in (
            ("mode", self.mode, Mode),
            ("schedule", self.schedule, Schedule),
            ("manifold", self.manifold, Manifold),
        ):
            if value not in get_args(choices):
                raise InputError(f"{name} must be one of {get_args(choices)}, got {value!r}")
        if self.tile and self.tile < MIN_TILE:
            raise InputError(f"tile must be 0 or at least {MIN_TILE} points, got {self.tile}")
        if self.keep_input and self.denoise:
            raise InputError(
                "input points cannot both be kept and denoised",
                hint="choose one of --keep-input and --denoise",
            )


def check_rate(rate: float) -> float:
    """Return a rate if it lies in 1 < rate <= 64.

    Raises:
        InputError: It does not.
    """
    if not 1 < rate <= MAX_RATE:
        raise InputError(
            f"rate must be more than 1 and at most {MAX_RATE:g}, got {rate:g}",
            hint="to thin a cloud out is another job",
        )
    return rate


def target_count(points: int, rate: float) -> int:
    """Return rate * points, rounded half up, and more than there were."""
    return max(points + 1, math.floor(points * rate + 0.5))


def _check(name: str, value: float, low: float, high: float) -> None:
    # A NaN fails every comparison, so the test is for being inside.
    if not low <= value <= high:
        raise InputError(f"{name} must lie in {low}..{high}, got {value}")
