import math

import pytest
import torch

from gen3d.flow import COSINE, LINEAR, Path

PATHS = [LINEAR, COSINE]
both_paths = pytest.mark.parametrize("path", PATHS, ids=["linear", "cosine"])
INSIDE = [1e-6, 1e-3, 0.1, 0.5, 0.9, 1 - 1e-3, 1 - 1e-6]


@both_paths
def test_ends_are_exactly_data_and_noise(path: Path) -> None:
    assert (path.a(0.0), path.b(0.0)) == (1.0, 0.0)
    assert (path.a(1.0), path.b(1.0)) == (0.0, 1.0)
    assert path.lam(0.0) == math.inf
    assert path.lam(1.0) == -math.inf
    assert path.t_of_lam(math.inf) == 0.0
    assert path.t_of_lam(-math.inf) == 1.0


@both_paths
@pytest.mark.parametrize("t", INSIDE)
def test_half_log_snr_is_inverted(path: Path, t: float) -> None:
    assert path.lam(t) == pytest.approx(math.log(path.a(t) / path.b(t)), rel=1e-9)
    assert path.t_of_lam(path.lam(t)) == pytest.approx(t, rel=1e-12)


@both_paths
def test_huge_half_log_snr_does_not_overflow(path: Path) -> None:
    assert 0 <= path.t_of_lam(1e4) < 1e-300
    assert path.t_of_lam(-1e4) == 1.0


@both_paths
@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_derivatives_match_central_differences(path: Path, t: float) -> None:
    h = 1e-6
    assert path.da(t) == pytest.approx((path.a(t + h) - path.a(t - h)) / (2 * h), rel=1e-8)
    assert path.db(t) == pytest.approx((path.b(t + h) - path.b(t - h)) / (2 * h), rel=1e-8)


@both_paths
def test_tensors_and_floats_agree(path: Path) -> None:
    times = torch.tensor(INSIDE, dtype=torch.float64)
    for method in (path.a, path.b, path.da, path.db, path.lam):
        values = method(times)
        assert values.dtype == torch.float64
        assert values.tolist() == [method(t) for t in INSIDE]


@both_paths
def test_velocity_is_the_derivative_of_the_interpolant(path: Path) -> None:
    x0, eps = torch.randn(2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    h = 1e-6
    slope = (path.interpolate(x0, eps, 0.3 + h) - path.interpolate(x0, eps, 0.3 - h)) / (2 * h)
    torch.testing.assert_close(path.velocity(x0, eps, 0.3), slope, rtol=1e-7, atol=1e-8)


@both_paths
def test_float64_times_leave_float32_states_in_float32(path: Path) -> None:
    x0, t = torch.ones(3, 2), torch.full((3, 1), 0.25, dtype=torch.float64)
    assert path.interpolate(x0, x0, t).dtype == torch.float32
