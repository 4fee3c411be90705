import math

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import DENSE, BoundField, ClassifierFree, Heun, item_generators, sample
from gen3d.flow.stochastic import ConstantSDE, FlowSDE, Rollout, SDEDPMSolver, sample_stochastic
from tests.flow.oracle import Mixture, gaussian


def noise(batch: int = 3) -> Tensor:
    return DENSE.randn((batch, 4, 2), item_generators(1, batch))


def run(batch: int = 3, **options: object) -> Rollout:
    settings = {"step": FlowSDE(0.7), "steps": 6, "generators": item_generators(2, batch)}
    return sample_stochastic(Mixture(), noise(batch), **(settings | options))  # pyright: ignore


def test_every_step_but_the_last_is_stochastic() -> None:
    rollout = run()
    assert [move.index for move in rollout.moves] == [0, 1, 2, 3, 4]
    assert rollout.evaluations == 6
    assert rollout.moves[0].s == 1.0
    for before, after in zip(rollout.moves, rollout.moves[1:], strict=False):
        assert torch.equal(before.x_t, after.x_s)
        assert before.t == after.s


def test_recorded_densities_are_those_of_the_policy_that_moved() -> None:
    step = SDEDPMSolver(2)
    for move in run(step=step).moves:
        kernel, _ = step.transition(BoundField(Mixture()), move.x_s, move.s, move.t, move.history)
        assert torch.equal(kernel.log_prob(move.x_t), move.log_prob)
        assert torch.equal(kernel.mean, move.mean)
        assert kernel.std == move.std


def test_an_item_does_not_depend_on_its_batch() -> None:
    assert torch.equal(run(3).x0[:2], run(2).x0)


def test_same_generators_give_the_same_bits() -> None:
    assert torch.equal(run().x0, run().x0)


def test_outside_the_window_the_solver_runs() -> None:
    empty = run(window=(), solver=Heun())
    assert empty.moves == ()
    plain = sample(Mixture(), noise(), steps=6, solver=Heun())
    assert torch.equal(empty.x0, plain.x0)
    assert empty.evaluations == plain.evaluations
    middle = run(window=range(2, 4), solver=Heun())
    assert [move.index for move in middle.moves] == [2, 3]
    before = sample(Mixture(), noise(), steps=6, solver=Heun(), keep_trajectory=True).trajectory
    assert before is not None
    assert torch.equal(middle.moves[0].x_s, before[2])


def test_a_stochastic_step_starts_without_the_solvers_history() -> None:
    moves = run(window=[1, 2, 4], step=SDEDPMSolver(2)).moves
    assert [len(move.history) for move in moves] == [0, 1, 0]


def test_samples_have_the_targets_spread() -> None:
    start = DENSE.randn((1, 20000), item_generators(5, 1)).double()
    rollout = sample_stochastic(
        gaussian(0.7, 0.4), start, step=ConstantSDE(1.0), steps=60, generators=item_generators(6, 1)
    )
    assert rollout.x0.mean().item() == pytest.approx(0.7, abs=5 * 0.4 / math.sqrt(20000))
    assert rollout.x0.std().item() == pytest.approx(0.4, abs=0.02)


def test_guided_steps_count_twice() -> None:
    cond = torch.zeros(3, 1, 1)
    rollout = run(cond=cond, uncond=torch.ones(1, 1, 1), guidance=ClassifierFree(2.0))
    assert rollout.evaluations == 12


def test_gradients_reach_the_densities_only_if_asked() -> None:
    assert not run().moves[0].log_prob.requires_grad
    start = noise().requires_grad_()
    options = {"step": FlowSDE(0.7), "steps": 3, "generators": item_generators(2, 3)}
    rollout = sample_stochastic(Mixture(), start, differentiable=True, **options)
    assert rollout.moves[-1].mean.requires_grad


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match=r"window must lie in 0\.\.5"):
        run(window=[6])
    with pytest.raises(InputError, match="one generator per sample"):
        run(generators=item_generators(0, 2))
    with pytest.raises(InputError, match="no probability density"):
        run(window=range(6), step=SDEDPMSolver(1))
    with pytest.raises(InputError, match="floats"):
        sample_stochastic(
            Mixture(), torch.zeros(2, 3, dtype=torch.int64), step=FlowSDE(), steps=2, generators=[]
        )
