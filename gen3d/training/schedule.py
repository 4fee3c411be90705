"""Learning-rate factor over a run."""

from __future__ import annotations

import math

from gen3d.training.config import ScheduleConfig


def run_fraction(
    step: int, elapsed_s: float, *, steps: int | None, max_minutes: float | None
) -> float:
    """Return the part of the run that is over, in [0, 1].

    Args:
        step: Steps done.
        elapsed_s: Wall-clock seconds spent, over all resumes.
        steps: Budget in steps, if any.
        max_minutes: Budget in minutes, if any; the budget nearer to its end counts.
    """
    by_steps = step / steps if steps else 0.0
    by_time = elapsed_s / (60.0 * max_minutes) if max_minutes else 0.0
    return min(1.0, max(by_steps, by_time))


def lr_factor(schedule: ScheduleConfig, step: int, fraction: float) -> float:
    """Return the factor on every learning rate at ``step``.

    Linear warm-up over the first steps, times a cosine from 1 to the floor, or times a trapezoid:
    1 until ``decay_start``, then linear to the floor. The trapezoid is the embedded recipe's: most
    of the gain arrives during its decay.

    Args:
        schedule: Shape and constants.
        step: Step about to be taken, from 0.
        fraction: Part of the run that is over, in [0, 1].
    """
    warmup = min(1.0, (step + 1) / schedule.warmup_steps) if schedule.warmup_steps else 1.0
    if schedule.kind == "cosine":
        remaining = 0.5 * (1.0 + math.cos(math.pi * fraction))
    else:
        remaining = min(1.0, (1.0 - fraction) / (1.0 - schedule.decay_start))
    return warmup * (schedule.floor + (1.0 - schedule.floor) * remaining)
