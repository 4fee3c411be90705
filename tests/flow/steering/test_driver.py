import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import BoundField, ClassifierFree, Prediction, item_generators
from gen3d.flow.steering import Descent, FlowChef, run_steps, squared_distance, steer
from gen3d.flow.steering.problem import Problem
from tests.flow.oracle import Mixture, gaussian


def test_a_guided_evaluation_counts_twice():
    x = torch.zeros(3, 2, dtype=torch.float64)
    result = steer(
        Mixture(),
        squared_distance(x),
        x,
        method=FlowChef(),
        steps=5,
        cond=torch.ones_like(x),
        uncond=torch.zeros_like(x),
        guidance=ClassifierFree(2.0),
    )
    assert result.evaluations == 10


def test_every_round_is_reported_and_may_stop_the_work():
    seen: list[tuple[int, int]] = []

    def report(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 3:
            raise KeyboardInterrupt

    x = torch.zeros(1, 2)
    with pytest.raises(KeyboardInterrupt):
        steer(gaussian(0, 1), squared_distance(x), x, method=FlowChef(), steps=5, report=report)
    assert seen == [(1, 5), (2, 5), (3, 5)]


def test_states_of_integers_are_refused():
    x = torch.zeros(1, 2, dtype=torch.int64)
    with pytest.raises(InputError, match="floats"):
        steer(gaussian(0, 1), squared_distance(x), x, method=FlowChef(), steps=2)


def test_generators_must_match_the_samples():
    x = torch.zeros(2, 2)
    with pytest.raises(InputError, match="one generator per sample"):
        steer(
            gaussian(0, 1),
            squared_distance(x),
            x,
            method=FlowChef(),
            steps=2,
            generators=item_generators(0, 3),
        )


def test_a_narrow_state_is_widened():
    x = torch.zeros(1, 2, dtype=torch.bfloat16)
    found = steer(gaussian(0, 1), squared_distance(x.float()), x, method=FlowChef(), steps=2)
    assert found.x0.dtype == torch.float32


def test_the_gradient_of_a_squared_distance_is_the_weighted_residual():
    x, target = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.5, 5.0]])
    weight = torch.tensor([[2.0, 0.0]])
    problem = Problem(BoundField(gaussian(0, 1)), squared_distance(target, weight), (1.0, 0.0))
    assert torch.equal(problem.gradient(x), torch.tensor([[1.0, 0.0]]))


def test_adams_first_step_is_as_long_as_its_rate():
    x, gradient = torch.zeros(2), torch.tensor([3.0, -0.01])
    moved = Descent("adam", 0.1).move(x, gradient)
    assert torch.allclose(moved, torch.tensor([-0.1, 0.1]), atol=1e-5)


def test_steps_up_the_times_undo_steps_down_for_a_constant_field():
    class Constant:
        path = gaussian(0, 1).path

        def __call__(self, x, t, cond=None):
            return Prediction("velocity", torch.full_like(x, 2.0))

    field, x = BoundField(Constant()), torch.ones(2, 2, dtype=torch.float64)
    down = run_steps(field, x, [1.0, 0.4, 0.0])
    assert torch.allclose(down, x - 2.0)
    assert torch.allclose(run_steps(field, down, [0.0, 0.4, 1.0]), x)
