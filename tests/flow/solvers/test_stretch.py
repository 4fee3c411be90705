import math

import pytest
import torch

from gen3d.flow import COSINE, EDM, LINEAR, VP, Path
from gen3d.flow.solvers.stretch import Stretch, exponential_moment

PATHS = {"linear": LINEAR, "cosine": COSINE, "vp": VP, "edm": EDM}
every_path = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())


@pytest.mark.parametrize("h", [-30.0, -2.0, -1.0, -0.3, -1e-6, 1e-9, 1e-3, 0.999, 1.0, 7.0, 60.0])
@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_moments_are_those_of_the_exponential_weight(k: int, h: float) -> None:
    u = torch.linspace(0, 1, 200_001, dtype=torch.float64)
    weight = torch.exp(h * u - max(h, 0.0))
    integral = torch.trapezoid(u**k * weight, u) / torch.trapezoid(weight, u)
    assert exponential_moment(k, h) == pytest.approx(integral.item(), rel=1e-8)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_series_and_recurrence_of_the_moments_meet(k: int) -> None:
    for h in (1.0, -1.0):
        below = exponential_moment(k, math.nextafter(h, 0.0))
        assert below == pytest.approx(exponential_moment(k, h), rel=1e-13)


@every_path
def test_shrink_and_gain_are_the_published_coefficients(path: Path) -> None:
    stretch = Stretch(path, 0.7, 0.4)
    h = path.lam(0.4) - path.lam(0.7)
    assert stretch.shrink == pytest.approx(path.b(0.4) / path.b(0.7))
    assert stretch.gain == pytest.approx(-path.a(0.4) * math.expm1(-h), rel=1e-12)


@every_path
@pytest.mark.parametrize("end", [0.4, 0.0], ids=["inside", "data"])
def test_constant_data_is_carried_exactly(path: Path, end: float) -> None:
    x0, eps = torch.tensor([1.5, -2.0]).double(), torch.tensor([0.3, 1.0]).double()
    x_t = Stretch(path, 0.8, end).carry(path.interpolate(x0, eps, 0.8), x0)
    torch.testing.assert_close(x_t, path.interpolate(x0, eps, end), rtol=0, atol=1e-14)


@every_path
def test_the_start_tells_its_noise(path: Path) -> None:
    x0, eps = torch.tensor([1.5, -2.0]).double(), torch.tensor([0.3, 1.0]).double()
    stretch = Stretch(path, 0.8, 0.2)
    torch.testing.assert_close(stretch.noise(path.interpolate(x0, eps, 0.8), x0), eps)


def test_positions_are_shares_of_half_log_snr() -> None:
    stretch = Stretch(VP, 0.6, 0.3, (0.9,))
    assert (stretch.position(0.6), stretch.position(0.3)) == (0.0, 1.0)
    assert stretch.position(0.9) < 0
    assert stretch.position(stretch.part(0.25).t) == pytest.approx(0.25, rel=1e-12)


@pytest.mark.parametrize("nodes", [(), (0.9,)], ids=["start", "start and past"])
def test_from_pure_noise_positions_are_shares_of_the_snr(nodes: tuple[float, ...]) -> None:
    stretch = Stretch(LINEAR, 1.0, 0.5, nodes)
    assert stretch.part(0.25).t == pytest.approx(0.8)  # where a / b = 1/4
    assert [stretch.moment(k) for k in range(4)] == [1.0, 1 / 2, 1 / 3, 1 / 4]


def test_memory_of_pure_noise_gives_adams_bashforth_in_the_snr() -> None:
    # d(x / b) / d(a / b) = x0, solved on a / b = 0, 1, 2 by the rule of weights 3/2 and -1/2.
    stretch = Stretch(LINEAR, 1 / 2, 1 / 3, (1.0,))
    assert stretch.weights([0.0, stretch.position(1.0)]) == pytest.approx([1.5, -0.5])


def test_weights_integrate_polynomials_exactly() -> None:
    stretch = Stretch(LINEAR, 0.6, 0.3)
    positions = [0.0, -0.4, -1.3]
    weights = stretch.weights(positions)
    for k in range(3):
        integral = sum(w * p**k for w, p in zip(weights, positions, strict=True))
        assert integral == pytest.approx(stretch.moment(k), rel=1e-12)
