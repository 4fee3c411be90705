from itertools import product
from typing import get_args

import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import COSINE, EDM, LINEAR, VP, Kind, OffsetLinearPath, Path, Prediction
from tests.flow.oracle import Mixture

KINDS: tuple[Kind, ...] = get_args(Kind)
TIMES = [1e-3, 0.2, 0.5, 0.8, 1 - 1e-3]
PATHS = {"linear": LINEAR, "cosine": COSINE, "offset": OffsetLinearPath(), "vp": VP, "edm": EDM}
every_path = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
both_paths = pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])


def points() -> torch.Tensor:
    return torch.linspace(-2, 2, 21, dtype=torch.float64)


def distance(x: torch.Tensor, y: torch.Tensor, kind: Kind, path: Path, t: float) -> float:
    # A score is data over b^2: at t = 0.001 one rounding of x_0 moves it by a million roundings.
    unit = path.b(t) ** -2 if kind == "score" else 1.0
    return ((x - y).abs().max() / (unit + y.abs().max())).item()


@every_path
@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_every_kind_turns_into_every_other_and_back(path: Path, source: Kind, target: Kind) -> None:
    x = points()
    for t in TIMES:
        here = Mixture(path=path, kind=source)(x, t)
        there = here.to(target, path, x, t)
        truth = Mixture(path=path, kind=target)(x, t).value
        back = there.to(source, path, x, t).value
        assert distance(there.value, truth, target, path, t) <= 1e-12
        assert distance(back, here.value, source, path, t) <= 1e-12


def test_own_kind_comes_back_untouched() -> None:
    prediction = Prediction("eps", torch.ones(2))
    assert prediction.to("eps", LINEAR, torch.zeros(2), 1.0) is prediction


def test_linear_path_has_the_textbook_formulas() -> None:
    x, v, t = points(), points().flip(0) ** 3, 0.3
    velocity = Prediction("velocity", v)
    torch.testing.assert_close(velocity.to("x0", LINEAR, x, t).value, x - t * v)
    torch.testing.assert_close(velocity.to("eps", LINEAR, x, t).value, x + (1 - t) * v)
    x0 = Prediction("x0", v)
    torch.testing.assert_close(x0.to("velocity", LINEAR, x, t).value, (x - v) / t)


@both_paths
@pytest.mark.parametrize("t", [0.0, 1.0])
def test_a_velocity_determines_data_and_noise_at_both_ends(path: Path, t: float) -> None:
    x0, eps = points(), points().flip(0) ** 2
    x, velocity = path.interpolate(x0, eps, t), Prediction("velocity", path.velocity(x0, eps, t))
    torch.testing.assert_close(velocity.to("x0", path, x, t).value, x0)
    torch.testing.assert_close(velocity.to("eps", path, x, t).value, eps)


@both_paths
def test_what_an_end_does_not_determine_is_refused(path: Path) -> None:
    x = points()
    impossible: list[tuple[Kind, Kind, float]] = [
        *product(("eps", "score"), ("x0", "velocity"), (1.0,)),
        *product(("x0",), ("eps", "velocity", "score"), (0.0,)),
        *product(("velocity", "eps"), ("score",), (0.0,)),
    ]
    for source, target, t in impossible:
        with pytest.raises(InputError, match="does not determine"):
            Prediction(source, x).to(target, path, x, t)


@both_paths
def test_a_time_per_sample_converts_like_single_times(path: Path) -> None:
    x = torch.stack([points()] * len(TIMES))
    times = torch.tensor(TIMES, dtype=torch.float64)[:, None]
    together = Prediction("eps", x**2).to("velocity", path, x, times).value
    alone = [Prediction("eps", x[0] ** 2).to("velocity", path, x[0], t).value for t in TIMES]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-14, atol=0)


def test_flow_is_noise_minus_data_on_any_path_and_the_velocity_on_the_linear_one() -> None:
    x0, eps = points(), points().flip(0) ** 2
    for path in PATHS.values():
        x, flow = path.interpolate(x0, eps, 0.3), Prediction("flow", eps - x0)
        torch.testing.assert_close(flow.to("x0", path, x, 0.3).value, x0)
        torch.testing.assert_close(flow.to("eps", path, x, 0.3).value, eps)
    linear = flow.to("velocity", LINEAR, LINEAR.interpolate(x0, eps, 0.3), 0.3)
    torch.testing.assert_close(linear.value, flow.value)


def test_an_infinite_velocity_at_the_data_of_the_vp_path_is_refused() -> None:
    with pytest.raises(InputError, match="does not determine"):
        Prediction("velocity", points()).to("x0", VP, points(), 0.0)
