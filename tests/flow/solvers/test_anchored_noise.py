import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import COSINE, LINEAR, AnchoredNoise, BoundField, Euler, Path, UniformSchedule
from tests.flow.oracle import Mixture, gaussian
from tests.flow.solvers.convergence import error, starts


@pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])
def test_every_step_returns_to_the_noise_of_the_start(path: Path) -> None:
    field, solver = BoundField(Mixture(path=path)), AnchoredNoise()
    noise = starts()
    x, history = solver.step(field, noise, 1.0, 0.7, ())
    first = field.x0(noise, 1.0)
    torch.testing.assert_close(x, path.interpolate(first, noise, 0.7))
    second = field.x0(x, 0.7)
    x, _ = solver.step(field, x, 0.7, 0.2, history)
    torch.testing.assert_close(x, path.interpolate(second, noise, 0.2))


def test_a_start_in_between_anchors_the_noise_that_the_field_sees_there() -> None:
    field = BoundField(Mixture())
    anchored, _ = AnchoredNoise().step(field, starts(), 0.6, 0.4, ())
    euler, _ = Euler().step(field, starts(), 0.6, 0.4, ())
    torch.testing.assert_close(anchored, euler)


def test_a_straight_flow_is_followed_and_a_curved_one_is_not() -> None:
    # The documented limit: more steps do not help on a flow whose lines bend.
    grid = UniformSchedule()
    assert error(gaussian(0.25, 0.0), AnchoredNoise(), grid, 7) < 1e-14
    assert (
        error(Mixture(), AnchoredNoise(), grid, 80) > 20 * error(Mixture(), Euler(), grid, 80) / 4
    )


def test_the_data_has_no_noise_to_anchor() -> None:
    with pytest.raises(InputError, match="cannot go from t = 0"):
        AnchoredNoise().step(BoundField(Mixture()), starts(), 0.0, 0.5, ())
