import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import (
    BoundField,
    ClassifierFree,
    EndpointField,
    FlowMapField,
    Hook,
    Jump,
    NetworkField,
    UniformSchedule,
    sample,
)
from tests.flow.distill.gaussian import Gaussian

TRUTH = Gaussian()
FIELD = FlowMapField(TRUTH.average_velocity)
NOISE = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_jumps_are_exact_in_any_number_of_steps(steps):
    result = sample(FIELD, NOISE, steps=steps, solver=Jump())
    assert torch.allclose(result.x0, TRUTH.mean + TRUTH.std * NOISE)
    assert result.evaluations == steps


def test_jump_of_no_length_is_the_velocity():
    t = torch.full((5,), 0.3, dtype=torch.float64)
    assert torch.equal(FIELD(NOISE, 0.3).value, TRUTH.velocity(NOISE, t))


def test_an_endpoint_field_estimates_the_end_of_the_jump():
    field = EndpointField(TRUTH.average_velocity)
    end = NOISE - 0.3 * TRUTH.average_velocity(
        NOISE, torch.full((5,), 0.3, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    )
    assert torch.allclose(BoundField(field, None).x0(NOISE, 0.3), end)


def test_other_solvers_take_a_flow_map_for_a_velocity_field():
    many = sample(FIELD, NOISE, steps=400, schedule=UniformSchedule()).x0
    assert torch.allclose(many, TRUTH.mean + TRUTH.std * NOISE, atol=0.02)


def test_jumps_need_a_flow_map():
    with pytest.raises(InputError, match="average velocities, got NetworkField"):
        sample(NetworkField(TRUTH.velocity), NOISE, steps=1, solver=Jump())


def test_jumps_refuse_guidance_from_outside():
    with pytest.raises(InputError, match="without guidance"):
        sample(FIELD, NOISE, steps=1, solver=Jump(), guidance=ClassifierFree(3.0))


def test_hooks_see_and_change_the_data_that_a_jump_leads_to():
    class Nudge(Hook):
        def on_x0(self, x0, x, t):
            return x0 + 1

    plain = sample(FIELD, NOISE, steps=1, solver=Jump()).x0
    assert torch.allclose(
        sample(FIELD, NOISE, steps=1, solver=Jump(), hooks=[Nudge()]).x0, plain + 1
    )
