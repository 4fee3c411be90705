from __future__ import annotations

import pytest

from gen3d.training import ScheduleConfig, lr_factor
from gen3d.training.schedule import run_fraction


def test_warm_up_is_linear_and_reaches_one() -> None:
    schedule = ScheduleConfig(warmup_steps=4)
    assert [lr_factor(schedule, step, 0.0) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_trapezoid_holds_then_falls_linearly_to_the_floor() -> None:
    schedule = ScheduleConfig(warmup_steps=0, decay_start=0.5, floor=0.1)
    factors = [lr_factor(schedule, 100, f) for f in (0.0, 0.5, 0.75, 1.0)]
    assert factors == pytest.approx([1.0, 1.0, 0.55, 0.1])


def test_cosine_falls_to_the_floor() -> None:
    schedule = ScheduleConfig(kind="cosine", warmup_steps=0, floor=0.2)
    factors = [lr_factor(schedule, 100, f) for f in (0.0, 0.5, 1.0)]
    assert factors == pytest.approx([1.0, 0.6, 0.2])


def test_fraction_follows_the_budget_nearer_to_its_end() -> None:
    assert run_fraction(50, 0.0, steps=100, max_minutes=None) == 0.5
    assert run_fraction(5, 90.0, steps=None, max_minutes=2) == 0.75
    assert run_fraction(50, 30.0, steps=100, max_minutes=1) == 0.5
    assert run_fraction(500, 1.0, steps=100, max_minutes=1) == 1.0
