import dataclasses
import itertools

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import (
    AdamsBashforth2,
    BoundField,
    FixedSchedule,
    Guided,
    SampleResult,
    StepwiseClassifierFree,
    sample,
)
from gen3d.flow.bespoke import BespokeSolver, fit_bespoke
from tests.flow.oracle import Mixture

TIMES = (1.0, 0.8, 0.5, 0.2, 0.0)
TARGET = Mixture()


def noise(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(64, 3, generator=generator, dtype=torch.float64)


def states(x: Tensor) -> Tensor:
    return torch.stack([TARGET.flow(x, 1.0, t) for t in TIMES])


def run(solver: BespokeSolver | AdamsBashforth2, x: Tensor) -> Tensor:
    schedule = FixedSchedule(TIMES)
    return sample(TARGET, x, steps=4, solver=solver, schedule=schedule).x0


def fitted() -> BespokeSolver:
    field = BoundField(TARGET)
    times = torch.tensor(TIMES, dtype=torch.float64)
    return fit_bespoke(field, states(noise(0)), times, (1.0,) * 4)


def test_fitted_weights_beat_adams_bashforth_on_other_samples() -> None:
    truth = TARGET.flow(noise(1), 1.0, 0.0)

    def error(solver: BespokeSolver | AdamsBashforth2) -> float:
        return (run(solver, noise(1)) - truth).square().mean().sqrt().item()

    assert error(fitted()) < 0.8 * error(AdamsBashforth2())


def test_weights_of_euler_give_euler() -> None:
    rows = tuple(tuple(t - s for s, t in itertools.pairwise(TIMES[: i + 2])) for i in range(4))
    euler = BespokeSolver(TIMES, (1.0,) * 4, (1.0,) * 4, rows)
    expected = sample(TARGET, noise(2), steps=4, schedule=FixedSchedule(TIMES)).x0
    torch.testing.assert_close(run(euler, noise(2)), expected)


def test_one_unconditional_evaluation_carries_guidance_over_the_run() -> None:
    # With one point as data all velocities are known from one of each branch.
    point = Mixture((1.0,), (0.0,), (1e-9,))
    cond, uncond, weight = torch.full((64, 1), 0.7), torch.full((1, 1), -0.2), 3.0
    times = (1.0, 0.9, 0.0)
    guidance = (1.0, 0.0)
    reached = -0.2 + weight * 0.9
    x = noise(3)
    reference = torch.stack([t * x + (1 - t) * reached for t in times])
    rule = StepwiseClassifierFree(times, guidance)
    field = BoundField(Guided(point, rule, uncond), cond)
    grid = torch.tensor(times, dtype=torch.float64)
    solver = fit_bespoke(field, reference, grid, guidance, ridge=0.0)
    found: SampleResult = sample(
        point,
        noise(4),
        steps=2,
        cond=cond,
        uncond=uncond,
        guidance=solver.rule,
        schedule=solver.schedule,
        solver=solver,
    )
    assert found.evaluations == 2
    torch.testing.assert_close(found.x0, torch.full_like(found.x0, reached), rtol=1e-5, atol=1e-5)


def test_json_keeps_every_bit() -> None:
    solver = fitted()
    assert BespokeSolver.from_json(solver.to_json()) == solver


@pytest.mark.parametrize("text", ["[]", "{", '{"times": [1.0, 0.0]}'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no bespoke solver"):
        BespokeSolver.from_json(text)


def test_other_times_are_refused() -> None:
    with pytest.raises(InputError, match="fitted for"):
        sample(TARGET, noise(5), steps=4, solver=fitted())


def test_numbers_must_fit_each_other() -> None:
    with pytest.raises(InputError, match="rows of 1 to 4"):
        dataclasses.replace(fitted(), velocities=((0.1,), (0.2,), (0.1,), (0.2,)))
