import math

import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import LINEAR, Schedule, ShiftedSchedule, UniformSchedule

SCHEDULES = [
    UniformSchedule(),
    ShiftedSchedule(3.0),
    ShiftedSchedule(0.5),
    ShiftedSchedule(2.0, ShiftedSchedule(4.0)),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@pytest.mark.parametrize("steps", [1, 2, 7, 50])
def test_grid_falls_from_one_to_zero_in_float64(schedule: Schedule, steps: int) -> None:
    grid = schedule.grid(steps)
    assert grid.dtype == torch.float64
    assert grid.shape == (steps + 1,)
    assert (grid[0].item(), grid[-1].item()) == (1.0, 0.0)
    assert (grid.diff() < 0).all()


def test_shift_adds_its_logarithm_to_the_logit() -> None:
    plain, shifted = UniformSchedule(0.95, 0.05), ShiftedSchedule(3.0, UniformSchedule(0.95, 0.05))
    moved = torch.logit(shifted.grid(10)) - torch.logit(plain.grid(10))
    torch.testing.assert_close(moved, torch.full_like(moved, math.log(3)), rtol=1e-12, atol=0)
    lam = LINEAR.lam(shifted.grid(10)) - LINEAR.lam(plain.grid(10))
    torch.testing.assert_close(lam, torch.full_like(lam, -math.log(3)), rtol=1e-12, atol=0)


def test_shifts_multiply() -> None:
    twice, once = ShiftedSchedule(2.0, ShiftedSchedule(4.0)), ShiftedSchedule(8.0)
    torch.testing.assert_close(twice.grid(9), once.grid(9), rtol=1e-14, atol=1e-15)


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1 step"):
        ShiftedSchedule(3.0).grid(0)
    with pytest.raises(InputError, match="shift must be positive"):
        ShiftedSchedule(0.0)
    with pytest.raises(InputError, match="start > end"):
        UniformSchedule(0.2, 0.8)
