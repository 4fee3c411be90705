import math
from collections.abc import Callable

import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import COSINE, EDM, LINEAR, VP, OffsetLinearPath, Path, VPPath

OFFSET = OffsetLinearPath()
PATHS = {"linear": LINEAR, "cosine": COSINE, "offset": OFFSET, "vp": VP, "edm": EDM}
both_paths = pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])
every_path = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
INSIDE = [1e-6, 1e-3, 0.1, 0.5, 0.9, 1 - 1e-3, 1 - 1e-6]


@both_paths
def test_ends_are_exactly_data_and_noise(path: Path) -> None:
    assert (path.a(0.0), path.b(0.0)) == (1.0, 0.0)
    assert (path.a(1.0), path.b(1.0)) == (0.0, 1.0)
    assert path.lam(0.0) == math.inf
    assert path.lam(1.0) == -math.inf
    assert path.t_of_lam(math.inf) == 0.0
    assert path.t_of_lam(-math.inf) == 1.0


@every_path
@pytest.mark.parametrize("t", INSIDE)
def test_half_log_snr_is_inverted(path: Path, t: float) -> None:
    assert path.lam(t) == pytest.approx(math.log(path.a(t) / path.b(t)), rel=1e-9)
    # Half-log-SNR of 10 has an absolute precision of 1e-15, so t has that as a relative one.
    assert path.t_of_lam(path.lam(t)) == pytest.approx(t, rel=1e-12)


@both_paths
def test_huge_half_log_snr_does_not_overflow(path: Path) -> None:
    assert 0 <= path.t_of_lam(1e4) < 1e-300
    assert path.t_of_lam(-1e4) == 1.0


def test_the_time_of_a_half_log_snr_on_the_linear_path_is_no_exponential() -> None:
    # exp(-lam), which belongs to the EDM path, was published for the linear one: at lam = 0 they
    # are 1 and 1/2.
    assert LINEAR.t_of_lam(0.0) == 0.5
    assert EDM.t_of_lam(0.0) == 1.0


def test_an_offset_leaves_a_little_noise_on_the_data() -> None:
    assert (OFFSET.a(0.0), OFFSET.b(0.0)) == (1.0, 1e-5)
    assert (OFFSET.a(1.0), OFFSET.b(1.0), OFFSET.lam(1.0)) == (0.0, 1.0, -math.inf)
    assert OFFSET.t_of_lam(OFFSET.lam(0.0)) == pytest.approx(0.0, abs=1e-18)
    assert OFFSET.t_of_lam(-math.inf) == 1.0


def test_the_variance_preserving_path_keeps_its_variance_and_a_little_data() -> None:
    times = torch.linspace(0, 1, 11, dtype=torch.float64)
    torch.testing.assert_close(VP.a(times) ** 2 + VP.b(times) ** 2, torch.ones_like(times))
    assert (VP.a(0.0), VP.b(0.0), VP.lam(0.0)) == (1.0, 0.0, math.inf)
    assert VP.a(1.0) == pytest.approx(math.exp(-(0.1 + 20) / 4))
    assert VP.t_of_lam(math.inf) == 0.0
    assert VP.t_of_lam(-math.inf) == math.inf


def test_the_edm_path_goes_beyond_time_one() -> None:
    assert EDM.t_of_lam(EDM.lam(80.0)) == pytest.approx(80.0)
    assert (EDM.a(80.0), EDM.b(80.0), EDM.last) == (1.0, 80.0, math.inf)


@pytest.mark.parametrize(
    "make",
    [lambda: OffsetLinearPath(0.0), lambda: OffsetLinearPath(1.0), lambda: VPPath(20.0, 0.1)],
)
def test_paths_out_of_range_are_refused(make: Callable[[], Path]) -> None:
    with pytest.raises(InputError):
        make()


@every_path
@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_derivatives_match_central_differences(path: Path, t: float) -> None:
    h = 1e-6
    assert path.da(t) == pytest.approx((path.a(t + h) - path.a(t - h)) / (2 * h), rel=1e-8)
    assert path.db(t) == pytest.approx((path.b(t + h) - path.b(t - h)) / (2 * h), rel=1e-8)


@every_path
def test_tensors_and_floats_agree(path: Path) -> None:
    times = torch.tensor(INSIDE, dtype=torch.float64)
    for method in (path.a, path.b, path.da, path.db, path.lam):
        values = method(times)
        assert values.dtype == torch.float64
        assert values.tolist() == [method(t) for t in INSIDE]


@every_path
def test_velocity_is_the_derivative_of_the_interpolant(path: Path) -> None:
    x0, eps = torch.randn(2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    h = 1e-6
    slope = (path.interpolate(x0, eps, 0.3 + h) - path.interpolate(x0, eps, 0.3 - h)) / (2 * h)
    torch.testing.assert_close(path.velocity(x0, eps, 0.3), slope, rtol=1e-7, atol=1e-8)


@every_path
def test_float64_times_leave_float32_states_in_float32(path: Path) -> None:
    x0, t = torch.ones(3, 2), torch.full((3, 1), 0.25, dtype=torch.float64)
    assert path.interpolate(x0, x0, t).dtype == torch.float32
