import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import BoundField, CountedField, Heun, PseudoCorrector, UniformSchedule, sample
from gen3d.flow.refiner import RefinedField, Refiner, RefinerStep, refiner_loss
from gen3d.flow.solver_search import ScheduledSolver
from tests.flow.oracle import Mixture


def noise() -> Tensor:
    return torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(4, 3)


def exact(x: Tensor, last: Tensor, t: Tensor, cond: object) -> Tensor:
    """The change that a perfect refiner predicts."""
    return Mixture()(x, float(t[0])).value - last


def test_exact_refiner_makes_steps_of_heun_for_one_evaluation() -> None:
    counted = CountedField(Mixture())
    refined = sample(counted, noise(), steps=6, solver=RefinerStep(exact)).x0
    torch.testing.assert_close(refined, sample(Mixture(), noise(), steps=6, solver=Heun()).x0)
    assert counted.calls == 1


def test_refiner_goes_on_from_the_pseudo_corrector() -> None:
    times = tuple(UniformSchedule().grid(5).tolist())
    solvers = (PseudoCorrector(),) * 2 + (RefinerStep(exact),) * 3
    counted = CountedField(Mixture())
    found = sample(counted, noise(), steps=5, solver=ScheduledSolver(times, solvers)).x0
    # Heun's start costs two evaluations, the second step one, the refiner none.
    assert counted.calls == 3
    truth = Mixture().flow(noise(), 1.0, 0.0)
    euler = sample(Mixture(), noise(), steps=5).x0
    assert (found - truth).norm() < 0.5 * (euler - truth).norm()


def test_refined_field_adds_the_change_to_the_last_velocity() -> None:
    field = RefinedField(Mixture(), exact, torch.ones_like(noise()))
    velocity = BoundField(field).velocity(noise(), 0.4)
    torch.testing.assert_close(velocity, Mixture()(noise(), 0.4).value)


def test_loss_is_zero_for_the_exact_refiner_only() -> None:
    def loss(refiner: Refiner) -> float:
        generator = torch.Generator().manual_seed(0)
        data = noise().flip(0)
        return refiner_loss(refiner, Mixture(), data, noise(), generator=generator).item()

    assert loss(exact) < 1e-20
    assert loss(lambda x, last, t, cond: torch.zeros_like(x)) > 1e-6


def test_training_lowers_the_loss() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 1).double()
    generator = torch.Generator().manual_seed(1)

    def refiner(x: Tensor, last: Tensor, t: Tensor, cond: object) -> Tensor:
        seen = torch.stack([x, last, t[:, None].expand_as(x)], dim=-1)
        return layer(seen)[..., 0]

    optimiser = torch.optim.Adam(layer.parameters(), lr=0.03)
    losses = []
    data = Mixture().flow(noise(), 1.0, 0.0)
    for _ in range(150):
        loss = refiner_loss(refiner, Mixture(), data, noise(), generator=generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-20:]) < 0.3 * sum(losses[:20])


def test_gap_must_lie_in_time() -> None:
    with pytest.raises(InputError, match="longest gap"):
        refiner_loss(exact, Mixture(), noise(), noise(), generator=torch.Generator(), max_gap=0.0)
