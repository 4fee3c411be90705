import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import Euler, ShiftedSchedule, sample
from gen3d.flow.fixed_point import sample_parallel, solve_triangular
from tests.flow.oracle import Mixture

ENTRIES = 16


def affine_flow() -> tuple[torch.Tensor, torch.Tensor]:
    """An autoregressive affine flow: scales and shifts of each entry come from those before."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(2, ENTRIES, ENTRIES, generator=generator, dtype=torch.float64)
    return torch.tril(weights, -1) / 4, torch.randn(3, ENTRIES, generator=generator).double()


def inverse(x: torch.Tensor) -> torch.Tensor:
    (scales, shifts), z = affine_flow()
    return torch.exp(torch.tanh(x @ scales.T)) * z + x @ shifts.T


def one_by_one() -> torch.Tensor:
    x = torch.zeros(3, ENTRIES, dtype=torch.float64)
    for i in range(ENTRIES):
        x[:, i] = inverse(x)[:, i]
    return x


@pytest.mark.parametrize("segments", [1, 3, 4, ENTRIES])
def test_every_segmentation_gives_the_sequential_solution(segments):
    start = torch.randn(3, ENTRIES, dtype=torch.float64)
    found = solve_triangular(inverse, start, segments=segments)
    torch.testing.assert_close(found.x, one_by_one(), rtol=1e-12, atol=1e-12)
    length = -(-ENTRIES // segments)
    assert max(found.iterations) <= length


def test_after_k_turns_the_first_k_entries_are_right():
    start = torch.full((3, ENTRIES), 5.0, dtype=torch.float64)
    found = solve_triangular(inverse, start, most=6)
    wrong = (found.x - one_by_one()).abs().amax(0)
    assert wrong[:6].max() < 1e-12 < 1e-6 < wrong[6:].max()


def test_a_tolerance_ends_early_and_near():
    start = torch.zeros(3, ENTRIES, dtype=torch.float64)
    found = solve_triangular(inverse, start, tolerance=1e-3)
    assert found.iterations[0] < ENTRIES
    torch.testing.assert_close(found.x, one_by_one(), rtol=0, atol=0.05)


@pytest.mark.parametrize("segments", [0, ENTRIES + 1])
def test_segments_are_checked(segments):
    with pytest.raises(InputError, match="1 to 16 segments"):
        solve_triangular(inverse, torch.zeros(3, ENTRIES), segments=segments)


@pytest.mark.parametrize("segments", [1, 4])
def test_parallel_sampling_equals_eulers_steps(segments):
    mixture, steps = Mixture(), 12
    noise = torch.randn(5, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    shifts = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    schedule = ShiftedSchedule(2.0)
    calls = []

    def network(x, times, cond):
        calls.append(len(x))
        rows = [mixture(x[i], float(t), cond[i]).value for i, t in enumerate(times)]
        return torch.stack(rows)

    found = sample_parallel(
        network, noise, steps=steps, cond=shifts, schedule=schedule, segments=segments, tolerance=0
    )
    euler = sample(
        mixture,
        noise,
        steps=steps,
        cond=shifts,
        schedule=schedule,
        solver=Euler(),
        keep_trajectory=True,
    )
    assert euler.trajectory is not None
    states = euler.trajectory[1:].transpose(0, 1)
    torch.testing.assert_close(found.x, states, rtol=1e-10, atol=1e-10)
    assert set(calls) == {5 * steps}


def test_few_turns_suffice_for_a_smooth_flow():
    mixture = Mixture(weights=(1.0,), means=(0.5,), stds=(0.7,))
    noise = torch.randn(4, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    def network(x, times, cond):
        return torch.stack([mixture(x[i], float(t)).value for i, t in enumerate(times)])

    found = sample_parallel(network, noise, steps=40, tolerance=1e-6)
    assert found.iterations[0] < 20
    one = sample(mixture, noise, steps=40).x0
    torch.testing.assert_close(found.x[:, -1], one, rtol=0, atol=1e-5)
