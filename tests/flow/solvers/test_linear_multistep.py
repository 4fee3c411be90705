import pytest
import torch
from torch import Tensor

from gen3d.flow import AdamsBashforth2, BoundField, CountedField, Heun, Prediction, PseudoCorrector
from gen3d.flow.paths import LINEAR, Path
from gen3d.flow.schedules import UniformSchedule
from tests.flow.oracle import Mixture
from tests.flow.solvers.convergence import reached, starts


class Rising:
    """A velocity that is a straight line in time: any method of second order is exact."""

    path: Path = LINEAR

    def __call__(self, x: Tensor, t: float, cond: object = None) -> Prediction:
        return Prediction("velocity", torch.full_like(x, 3 - 2 * t))


@pytest.mark.parametrize("solver", [AdamsBashforth2(), PseudoCorrector()], ids=str)
def test_steps_of_uneven_size_follow_a_velocity_that_rises_with_time(
    solver: AdamsBashforth2,
) -> None:
    field = BoundField(Rising())
    x, history = Heun().step(field, starts(), 0.9, 0.8, ())
    x, history = solver.step(field, x, 0.8, 0.75, ())
    truth = starts() + 3 * (0.75 - 0.9) - (0.75**2 - 0.9**2)
    start_error = x - truth  # AB2 begins with Euler; what follows must be exact
    for s, t in [(0.75, 0.4), (0.4, 0.38), (0.38, 0.1)]:
        x, history = solver.step(field, x, s, t, history)
    truth = starts() + 3 * (0.1 - 0.9) - (0.1**2 - 0.9**2)
    torch.testing.assert_close(x - truth, start_error, rtol=0, atol=1e-14)


def test_the_pseudo_corrector_begins_with_heun() -> None:
    field = CountedField(Mixture())
    heun, _ = Heun().step(BoundField(Mixture()), starts(), 0.9, 0.7, ())
    first, history = PseudoCorrector().step(BoundField(field), starts(), 0.9, 0.7, ())
    assert torch.equal(first, heun)
    assert field.calls == 2
    PseudoCorrector().step(BoundField(field), first, 0.7, 0.5, history)
    assert field.calls == 3


def test_the_pseudo_corrector_asks_anew_after_a_jump_in_time() -> None:
    field = CountedField(Mixture())
    x, history = PseudoCorrector().step(BoundField(field), starts(), 0.9, 0.7, ())
    PseudoCorrector().step(BoundField(field), x, 0.8, 0.6, history)
    assert field.calls == 4


def test_from_noise_to_data_in_even_steps_it_is_adams_bashforth() -> None:
    # Predict with d_i, correct with (d_i + d_i+1) / 2, predict with d_i+1: the half steps telescope
    # to 3/2 d_i+1 - 1/2 d_i at the predicted points, the first and last step included.
    one = reached(Mixture(), PseudoCorrector(), UniformSchedule(), 12)
    other = reached(Mixture(), AdamsBashforth2(), UniformSchedule(), 12)
    torch.testing.assert_close(one, other, rtol=0, atol=1e-14)
