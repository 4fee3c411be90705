import json
import math
from collections.abc import Callable

import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import (
    COSINE,
    LINEAR,
    ConsistencySchedule,
    FixedSchedule,
    KarrasSchedule,
    LogSNRSchedule,
    Path,
    PowerSchedule,
    Schedule,
    ShiftedSchedule,
    UniformSchedule,
    ZeroLastStep,
    flux_shift,
    shift_by_ratio,
)
from gen3d.flow.schedules import flux_mu

SCHEDULES = [
    UniformSchedule(),
    ShiftedSchedule(3.0),
    ShiftedSchedule(0.5),
    ShiftedSchedule(2.0, ShiftedSchedule(4.0)),
    PowerSchedule(),
    LogSNRSchedule(),
    LogSNRSchedule(path=COSINE),
    KarrasSchedule(),
    KarrasSchedule(3.0, path=COSINE),
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


def test_consistency_times_are_the_published_starting_points():
    # Levels 0, 199, 399, 599 and 799 of 0..999, for 100 and for 50 intervals.
    expected = [1 - level / 999 for level in (0, 199, 399, 599, 799)] + [0.0]
    for intervals in (50, 100):
        times = ConsistencySchedule(intervals).grid(5).tolist()
        assert times == pytest.approx(expected, abs=1e-12)
    sigma = [round(1 - t, 4) for t in ConsistencySchedule().grid(5).tolist()]
    assert sigma == [0, 0.1992, 0.3994, 0.5996, 0.7998, 1]


def test_consistency_schedule_has_no_more_steps_than_starting_points():
    times = ConsistencySchedule(100).grid(100)
    assert bool((times.diff() < 0).all())
    with pytest.raises(InputError, match="takes 1 to 100 steps, got 101"):
        ConsistencySchedule(100).grid(101)
    with pytest.raises(InputError, match="intervals must lie in"):
        ConsistencySchedule(0)


def test_published_euler_spends_its_last_step_on_nothing():
    # Noise at 0: linspace(0, 1, 5), then 1 once more.
    sigma = 1 - ZeroLastStep().grid(5)
    assert sigma.tolist() == [0, 0.25, 0.5, 0.75, 1, 1]
    assert ZeroLastStep().grid(1).tolist() == [1, 0]


def test_published_shift_is_ours_by_the_inverse():
    sigma = torch.linspace(0, 1, 7, dtype=torch.float64)
    published = 3 * sigma / (1 + 2 * sigma)
    assert torch.allclose(1 - ShiftedSchedule(1 / 3).grid(6), published, atol=1e-15)


def test_flux_shift_meets_its_published_anchors() -> None:
    assert (flux_mu(256), flux_mu(4096)) == pytest.approx((0.5, 1.15), abs=1e-15)
    t = torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
    published = math.exp(1.15) / (math.exp(1.15) + (1 / t - 1))
    ours = flux_shift(4096) * t / (1 + (flux_shift(4096) - 1) * t)
    torch.testing.assert_close(ours, published, rtol=1e-14, atol=0)
    with pytest.raises(InputError, match="tokens"):
        flux_shift(0)


def test_four_times_the_tokens_shift_by_two() -> None:
    assert shift_by_ratio(4096, 1024) == 2
    with pytest.raises(InputError, match="token counts"):
        shift_by_ratio(4096, 0)


@pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])
def test_log_snr_steps_are_equal_between_their_times(path: Path) -> None:
    grid = LogSNRSchedule(0.97, 0.05, path).grid(8)
    steps = path.lam(grid[1:-1]).diff()
    torch.testing.assert_close(steps, steps[:1].expand(6), rtol=1e-9, atol=0)
    assert grid[-2].item() == pytest.approx(0.05, rel=1e-12)


def test_karras_steps_are_equal_in_a_root_of_sigma() -> None:
    grid = KarrasSchedule().grid(18)
    root = (grid[1:-1] / (1 - grid[1:-1])) ** (1 / 7)
    torch.testing.assert_close(root.diff(), root.diff()[:1].expand(16), rtol=1e-9, atol=0)
    assert (grid[-2] / (1 - grid[-2])).item() == pytest.approx(0.002, rel=1e-9)


def test_karras_tends_to_equal_log_snr_steps() -> None:
    steep = KarrasSchedule(1e6, 0.98 / 0.02, 0.02 / 0.98).grid(9)
    torch.testing.assert_close(steep, LogSNRSchedule(0.98, 0.02).grid(9), rtol=1e-4, atol=0)


def test_fixed_times_survive_json() -> None:
    schedule = FixedSchedule.of(torch.tensor([1.0, 2 / 3, 0.1, 0.0], dtype=torch.float64))
    again = FixedSchedule.of(json.loads(json.dumps(schedule.times)))
    assert again == schedule
    assert torch.equal(again.grid(3), torch.tensor([1.0, 2 / 3, 0.1, 0.0], dtype=torch.float64))


def test_fixed_schedule_serves_its_own_number_of_steps() -> None:
    with pytest.raises(InputError, match="has 2 steps, 3 are asked for"):
        FixedSchedule((1.0, 0.4, 0.0)).grid(3)


@pytest.mark.parametrize("times", [(1.0,), (1.0, 0.5, 0.5), (1.2, 0.0), (1.0, -0.1)])
def test_fixed_times_must_fall_within_time(times: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="fall within"):
        FixedSchedule(times)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PowerSchedule(0.0),
        lambda: LogSNRSchedule(1.0, 0.1),
        lambda: KarrasSchedule(0.0),
        lambda: KarrasSchedule(7.0, 0.1, 0.2),
    ],
)
def test_spacings_refuse_nonsense(make: Callable[[], Schedule]) -> None:
    with pytest.raises(InputError):
        make()


@pytest.mark.parametrize("schedule", [LogSNRSchedule(), KarrasSchedule()], ids=str)
def test_spacings_need_a_step(schedule: Schedule) -> None:
    with pytest.raises(InputError, match="at least 1 step"):
        schedule.grid(0)
