import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import (
    BoundField,
    ClassifierFree,
    CountedField,
    FlowSDE,
    Heun,
    item_generators,
    sample,
    sample_stochastic,
)
from gen3d.flow.rl import Policy, compressed, sample_groups
from gen3d.runtime.seeds import make_generator
from tests.flow.oracle import Mixture

STEP = FlowSDE(0.7)


def noise(count):
    return torch.randn(count, 3, dtype=torch.float64, generator=make_generator(0))


def test_one_member_per_group_is_an_ordinary_run():
    x_T = noise(4)
    ours = sample_groups(
        Policy(Mixture()),
        x_T,
        members=1,
        step=STEP,
        steps=7,
        window=range(2, 4),
        generators=item_generators(5, 4),
    )
    plain = sample_stochastic(
        Mixture(), x_T, step=STEP, steps=7, window=(2, 3), generators=item_generators(5, 4)
    )
    assert torch.equal(ours.x0, plain.x0)
    assert [m.index for m in ours.moves] == [2, 3]
    assert torch.equal(ours.moves[1].log_prob, plain.moves[1].log_prob)


def test_members_share_what_comes_before_the_window_and_its_price():
    field = CountedField(Mixture())
    rollout = sample_groups(
        Policy(field),
        noise(3),
        members=4,
        step=STEP,
        steps=8,
        window=range(5, 7),
        generators=item_generators(0, 12),
    )
    before = rollout.moves[0].x_s.reshape(3, 4, 3)
    assert torch.equal(before, before[:, :1].expand_as(before))
    assert len(rollout.x0.unique(dim=0)) == 12
    assert rollout.evaluations == field.rows == 3 * 5 + 12 * 3


def test_conditions_follow_their_group():
    shifts = torch.tensor([[-40.0], [0.0], [40.0]], dtype=torch.float64)
    policy = Policy(Mixture(), shifts, ClassifierFree(1.5), shifts * 0)
    rollout = sample_groups(
        policy,
        noise(3),
        members=2,
        step=STEP,
        steps=6,
        window=range(1, 3),
        generators=item_generators(0, 6),
    )
    means = rollout.x0.mean(1)
    assert (means[:2] < -30).all()
    assert (means[2:4].abs() < 10).all()
    assert (means[4:] > 30).all()


def test_flash_makes_fewer_steps_of_another_solver_after_the_window():
    field = CountedField(Mixture())
    rollout = sample_groups(
        Policy(field),
        noise(2),
        members=1,
        step=STEP,
        steps=10,
        window=range(0, 2),
        generators=item_generators(0, 2),
        after=Heun(),
        after_ratio=0.4,
    )
    # 8 steps remain; 3 are made by Heun, the last of them with one evaluation.
    assert rollout.evaluations == 2 * (2 + 2 + 2 + 1)
    end = sample(Mixture(), rollout.moves[-1].x_t, steps=3, solver=Heun(), schedule=_from(0.8))
    assert torch.allclose(end.x0, rollout.x0, atol=1e-12)


def _from(start):
    from gen3d.flow import UniformSchedule

    return UniformSchedule(start=start)


def test_compressed_times_keep_both_ends():
    assert compressed([0.8, 0.6, 0.4, 0.2, 0.0], 0.5) == pytest.approx([0.8, 0.4, 0.0])
    assert compressed([0.9, 0.5, 0.0], 0.1) == [0.9, 0.0]
    assert compressed([0.9, 0.5, 0.0], 1.0) == pytest.approx([0.9, 0.5, 0.0])
    assert compressed([0.0], 0.4) == [0.0]


@pytest.mark.parametrize(
    ("window", "ratio"), [(range(3, 9), 1.0), (range(2, 2), 1.0), (range(1, 2), 0.0)]
)
def test_impossible_rollout_is_refused(window, ratio):
    with pytest.raises(InputError):
        sample_groups(
            Policy(Mixture()),
            noise(1),
            members=2,
            step=STEP,
            steps=8,
            window=window,
            generators=item_generators(0, 2),
            after_ratio=ratio,
        )


def test_moves_can_be_scored_again():
    policy = Policy(Mixture())
    rollout = sample_groups(
        policy,
        noise(2),
        members=3,
        step=STEP,
        steps=6,
        window=range(1, 4),
        generators=item_generators(2, 6),
    )
    for move in rollout.moves:
        kernel, _ = STEP.transition(BoundField(policy.field), move.x_s, move.s, move.t, ())
        assert torch.equal(kernel.log_prob(move.x_t), move.log_prob)
