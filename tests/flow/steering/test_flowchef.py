import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import COSINE, LINEAR, UniformSchedule, sample
from gen3d.flow.steering import FlowChef, squared_distance, steer
from tests.flow.oracle import gaussian


def test_one_step_moves_the_state_by_the_residual_of_what_is_known():
    field = gaussian(0.2, 0.7)
    x = torch.tensor([[1.0, -0.5, 0.3]], dtype=torch.float64)
    target = torch.tensor([[0.4, 9.0, 9.0]], dtype=torch.float64)
    known = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    s, t, rate = 0.6, 0.5, 0.3
    velocity = field(x, s).to("velocity", LINEAR, x, s).value
    residual = known * (x - s * velocity - target)
    expected = x - rate * residual + (t - s) * velocity
    result = steer(
        field,
        squared_distance(target, known),
        x,
        method=FlowChef(rate=rate),
        steps=1,
        schedule=UniformSchedule(s, t),
    )
    assert torch.allclose(result.x0, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])
def test_full_steps_give_the_known_entries_exactly_and_leave_the_others_to_the_flow(path):
    field = gaussian(0.2, 0.7, path)
    x = torch.tensor([[1.0, -0.5], [0.1, 0.8]], dtype=torch.float64)
    target = torch.tensor([[0.4, 9.0], [-1.0, 9.0]], dtype=torch.float64)
    known = torch.tensor([1.0, 0.0], dtype=torch.float64)
    method = FlowChef(rate=1.0) if path is LINEAR else FlowChef(rate=0.5, inner=40)
    result = steer(field, squared_distance(target, known), x, method=method, steps=12)
    plain = sample(field, x, steps=12).x0
    assert torch.allclose(result.x0[:, 0], target[:, 0], atol=1e-12 if path is LINEAR else 1e-2)
    assert torch.allclose(result.x0[:, 1], plain[:, 1], rtol=0, atol=1e-14)
    assert result.evaluations == 12


def test_a_vanishing_rate_gives_the_plain_flow():
    field = gaussian(0.2, 0.7)
    x = torch.tensor([[1.0, -0.5]], dtype=torch.float64)
    objective = squared_distance(torch.zeros_like(x))
    steered = steer(field, objective, x, method=FlowChef(rate=1e-12), steps=9).x0
    assert torch.allclose(steered, sample(field, x, steps=9).x0, rtol=0, atol=1e-10)


def test_more_descents_leave_less_residual():
    field = gaussian(0.2, 0.7)
    x = torch.tensor([[1.0, -0.5]], dtype=torch.float64)
    objective = squared_distance(torch.full_like(x, -2.0))
    losses = [
        float(steer(field, objective, x, method=FlowChef(rate=0.1, inner=n), steps=9).loss)
        for n in (1, 3, 9)
    ]
    assert losses[0] > losses[1] > losses[2]


def test_after_until_the_flow_runs_free():
    field = gaussian(0.2, 0.7)
    x = torch.tensor([[1.0, -0.5]], dtype=torch.float64)
    objective = squared_distance(torch.full_like(x, -2.0))
    half = steer(
        field, objective, x, method=FlowChef(rate=0.5), steps=4, schedule=UniformSchedule(1, 0.5)
    )
    rest = sample(field, half.x0, steps=4, schedule=UniformSchedule(0.5, 0)).x0
    method = FlowChef(rate=0.5, until=0.5)
    both = steer(field, objective, x, method=method, steps=8).x0
    assert torch.allclose(both, rest, rtol=0, atol=1e-12)


def test_adam_also_meets_the_target():
    field = gaussian(0.2, 0.7)
    x = torch.tensor([[1.0, -0.5]], dtype=torch.float64)
    objective = squared_distance(torch.full_like(x, -1.0))
    method = FlowChef(rate=0.1, inner=5, rule="adam")
    assert float(steer(field, objective, x, method=method, steps=20).loss) < 1e-3


@pytest.mark.parametrize("settings", [{"rate": 0.0}, {"inner": 0}, {"until": 1.0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        FlowChef(**settings)
