import torch
from torch import Tensor

from gen3d.flow import (
    BoundField,
    CountedField,
    Flip,
    NetworkField,
    Prediction,
    SparseReducer,
    sample,
)
from tests.flow.oracle import Mixture


def points() -> Tensor:
    return torch.linspace(-2, 2, 12).reshape(4, 3)


def test_a_network_gets_one_time_per_sample_and_its_dtype() -> None:
    seen: list[tuple[torch.dtype, Tensor]] = []

    def network(x: Tensor, t: Tensor, cond: object) -> Tensor:
        seen.append((x.dtype, t))
        return x

    field = NetworkField(network, dtype=torch.bfloat16)
    assert field(points(), 0.3).value.dtype == torch.float32
    assert seen[0][0] == torch.bfloat16
    assert torch.equal(seen[0][1], torch.full((4,), 0.3))
    NetworkField(network, reducer=SparseReducer((1, 3)))(points(), 0.3)
    assert seen[1][1].shape == (2,)


def test_flipping_mirrors_time_and_the_sign_of_the_velocity() -> None:
    exact = Mixture()

    def towards_data(x: Tensor, t: Tensor, cond: object) -> Tensor:
        """The same flow, written down by people whose noise is at t = 0."""
        return -exact(x, 1 - t[0].item()).value

    noise = points().double()
    ours = sample(exact, noise, steps=8).x0
    theirs = sample(Flip(NetworkField(towards_data)), noise, steps=8).x0
    torch.testing.assert_close(theirs, ours, rtol=1e-12, atol=1e-12)


def test_flipping_twice_changes_nothing_and_data_have_no_direction() -> None:
    exact = Mixture()
    assert torch.allclose(Flip(Flip(exact))(points(), 0.3).value, exact(points(), 0.3).value)
    data = Mixture(kind="x0")
    assert torch.equal(Flip(data)(points(), 0.7).value, data(points(), 1 - 0.7).value)


def test_evaluations_are_counted_in_calls_and_rows() -> None:
    counted = CountedField(Mixture())
    counted(points(), 0.5)
    counted(torch.cat([points(), points()]), 0.5)
    assert (counted.calls, counted.rows) == (2, 12)


def test_a_hook_on_x0_changes_velocity_and_x0_alike() -> None:
    field = BoundField(Mixture(), on_x0=lambda x0, x, t: torch.zeros_like(x0))
    assert torch.equal(field.x0(points(), 0.5), torch.zeros(4, 3))
    torch.testing.assert_close(field.velocity(points(), 0.5), points() / 0.5)


def test_a_hook_that_only_looks_changes_no_bit() -> None:
    plain = BoundField(Mixture())
    watched = BoundField(Mixture(), on_x0=lambda x0, x, t: None)
    assert torch.equal(watched.velocity(points(), 0.37), plain.velocity(points(), 0.37))


def test_a_bound_condition_reaches_the_field() -> None:
    def field(x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        return x + cond

    bound = BoundField(NetworkField(field), torch.ones(4, 1))
    assert torch.equal(bound.velocity(points(), 0.5), points() + 1)
    assert Prediction("velocity", points()).kind == "velocity"
