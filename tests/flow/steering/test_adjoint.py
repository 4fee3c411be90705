import pytest
import torch
from torch import Tensor

from gen3d.bench.saved_bytes import peak_saved_bytes
from gen3d.errors import InputError
from gen3d.flow import COSINE, LINEAR, BoundField, Euler, Heun, NetworkField, Path, sample
from gen3d.flow.solvers import Evaluation, History
from gen3d.flow.steering import AdjointDPM, adjoint_gradient, squared_distance, steer
from tests.flow.oracle import gaussian
from tests.flow.steering.problems import TinyNetwork

STD = 0.4


def grid(steps: int, first: float = 1.0, last: float = 0.0) -> list[float]:
    return torch.linspace(first, last, steps + 1, dtype=torch.float64).tolist()


def total(x: Tensor) -> Tensor:
    return x.sum(1)


def variance_ratio(path: Path, s: float, t: float) -> float:
    """Derivative of a Gaussian's flow map from time s to time t."""

    def variance(u: float) -> float:
        return (path.a(u) * STD) ** 2 + path.b(u) ** 2

    return (variance(t) / variance(s)) ** 0.5


@pytest.mark.parametrize("mode", ["discrete", "continuous"])
@pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])
def test_gradient_of_a_gaussian_flow_is_the_root_of_the_variance_ratio(path, mode):
    field = BoundField(gaussian(0.3, STD, path))
    errors = []
    for steps in (20, 40):
        x = torch.linspace(-2, 2, 5, dtype=torch.float64)[:, None]
        found = adjoint_gradient(field, total, x, grid(steps), solver=Heun(), mode=mode)
        errors.append(float((found.noise - variance_ratio(path, 1.0, 0.0)).abs().max()))
    assert errors[1] < 2e-3
    assert errors[0] / errors[1] > 3.5  # second order


@pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])
def test_gradient_in_the_variables_of_adjoint_dpm_is_the_same(path):
    field = BoundField(gaussian(0.3, STD, path))
    x = torch.linspace(-2, 2, 5, dtype=torch.float64)[:, None]
    errors = []
    for steps in (40, 80):
        times = grid(steps, 0.8)
        found = adjoint_gradient(field, total, x, times, solver=Heun(), mode="continuous_rho")
        errors.append(float((found.noise - variance_ratio(path, 0.8, 0.0)).abs().max()))
    assert errors[1] < 2e-3
    assert errors[0] / errors[1] > 3.5


def test_rho_is_refused_where_it_is_infinite():
    field = BoundField(gaussian(0.0, STD))
    with pytest.raises(InputError, match="infinite"):
        adjoint_gradient(field, total, torch.ones(1, 1), grid(2), mode="continuous_rho")


@pytest.mark.parametrize("solver", [Euler(), Heun()], ids=["euler", "heun"])
def test_discrete_adjoint_equals_autograd_through_the_whole_run(solver):
    network = TinyNetwork()
    x = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3)
    cond = torch.full((4, 3), 0.1, dtype=torch.float64, requires_grad=True)
    objective = squared_distance(torch.zeros_like(x))

    leaf = x.clone().requires_grad_(True)
    inputs = [leaf, cond, *network.parameters()]
    run = sample(
        NetworkField(network), leaf, steps=7, cond=cond, solver=solver, differentiable=True
    )
    expected = torch.autograd.grad(objective(run.x0).sum(), inputs)

    field = BoundField(NetworkField(network), cond)
    found = adjoint_gradient(
        field, objective, x, grid(7), solver=solver, others=[cond, *network.parameters()]
    )
    for ours, theirs in zip([found.noise, *found.others], expected, strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-10)
    assert torch.equal(found.x0, run.x0.detach())


def test_continuous_adjoint_of_the_condition_converges_to_the_discrete_one():
    network = TinyNetwork()
    x = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3)
    cond = torch.full((4, 3), 0.1, dtype=torch.float64, requires_grad=True)
    field = BoundField(NetworkField(network), cond)
    objective = squared_distance(torch.zeros_like(x))
    times = grid(60)
    exact, near = (
        adjoint_gradient(field, objective, x, times, solver=Heun(), mode=mode, others=[cond])
        for mode in ("discrete", "continuous")
    )
    assert torch.allclose(exact.noise, near.noise, atol=1e-3)
    assert torch.allclose(exact.others[0], near.others[0], atol=1e-3)


def held_bytes(steps: int, *, adjoint: bool) -> int:
    network, x = TinyNetwork(), torch.ones(4, 3, dtype=torch.float64)

    def work() -> None:
        if adjoint:
            adjoint_gradient(BoundField(NetworkField(network)), total, x, grid(steps))
            return
        leaf = x.clone().requires_grad_(True)
        x0 = sample(NetworkField(network), leaf, steps=steps, differentiable=True).x0
        torch.autograd.grad(total(x0).sum(), leaf)

    return peak_saved_bytes(work)


def test_graph_memory_does_not_grow_with_the_steps():
    assert held_bytes(32, adjoint=True) == held_bytes(4, adjoint=True) > 0
    assert held_bytes(32, adjoint=False) > 7 * held_bytes(4, adjoint=False)


def test_descent_on_the_noise_reaches_the_noise_that_gives_the_target():
    field = gaussian(0.3, STD)
    target = torch.tensor([[0.9, -0.2]], dtype=torch.float64)
    method = AdjointDPM(iterations=25, rate=4.0, rule="gradient")
    result = steer(
        field, squared_distance(target), torch.zeros_like(target), method=method, steps=20
    )
    assert torch.allclose(result.x0, target, atol=1e-4)
    assert result.evaluations == 25 * 20 * 2


def test_a_solver_with_history_is_refused():
    class Remembering(Euler):
        def step(self, field, x, s, t, history: History) -> tuple[Tensor, History]:
            return x, (Evaluation(s, x),)

    field = BoundField(gaussian(0.0, STD))
    with pytest.raises(InputError, match="history"):
        adjoint_gradient(field, total, torch.ones(1, 1), grid(2), solver=Remembering())
