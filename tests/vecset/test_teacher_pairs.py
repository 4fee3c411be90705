import json

import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import ClassifierFree, Heun, NetworkField, item_generators, sample
from gen3d.vecset.caption_table import CaptionTable
from gen3d.vecset.teacher_pairs import PairConfig
from tests.vecset.distill_fixtures import PAIRS, LetterEncoder, make_pairs, make_teacher


def test_trajectories_are_those_of_the_guided_sampler(tiny_dit, tmp_path):
    teacher = make_teacher(tiny_dit)
    pairs = make_pairs(teacher, tmp_path)
    noise = pairs.at(torch.tensor([7]), 0)
    expected = torch.randn(noise.shape[1:], generator=item_generators(PAIRS.seed, 1, first=7)[0])
    assert torch.allclose(noise[0], expected, atol=1e-3)
    condition = CaptionTable.encode(LetterEncoder(), [[c] for c in pairs.texts]).condition(
        [int(pairs.captions[7])]
    )
    result = sample(
        NetworkField(teacher),
        expected[None],
        steps=4,
        cond=condition,
        guidance=ClassifierFree(3.0),
        uncond=condition.unconditional(),
        solver=Heun(),
        keep_trajectory=True,
    )
    assert result.trajectory is not None
    assert torch.allclose(pairs.at(torch.tensor([7]), 1), result.trajectory[2], atol=5e-3)
    assert torch.allclose(pairs.at(torch.tensor([7]), 2), result.x0, atol=5e-3)


def test_stopped_work_goes_on_where_it_was(tiny_dit, tmp_path):
    teacher = make_teacher(tiny_dit)
    whole = make_pairs(teacher, tmp_path / "whole")
    made = make_pairs(teacher, tmp_path / "stopped")
    assert made.states[4:].any()
    made.states[4:] = 0
    (tmp_path / "stopped" / "done.json").write_text(json.dumps({"done": 4}))
    again = make_pairs(teacher, tmp_path / "stopped")
    assert (again.states == whole.states).all()


def test_trajectories_of_other_settings_are_refused(tiny_dit, tmp_path):
    teacher = make_teacher(tiny_dit)
    make_pairs(teacher, tmp_path)
    with pytest.raises(InputError, match="other settings"):
        make_pairs(teacher, tmp_path, PAIRS.model_copy(update={"guidance": 2.0}))


def test_batch_size_changes_nothing(tiny_dit, tmp_path):
    teacher = make_teacher(tiny_dit)
    four = make_pairs(teacher, tmp_path / "four").states
    one = make_pairs(teacher, tmp_path / "one", PAIRS.model_copy(update={"batch": 1})).states
    assert abs(four.astype(float) - one.astype(float)).max() < 5e-3


@pytest.mark.parametrize(
    ("knots", "message"), [((1.0, 0.5), "fall from 1 to 0"), ((1.0, 0.3, 0.0), "not all among")]
)
def test_knots_must_be_visited(knots, message):
    with pytest.raises(ValueError, match=message):
        PairConfig(knots=knots, steps=4)
