"""Regression on trajectories, and the methods that ask the teacher."""

import math

import pytest
import torch
import yaml

from gen3d.errors import InputError, ModelError
from gen3d.training import TrainConfig, Trainer
from gen3d.training.state import save_state
from gen3d.vecset.caption_table import CaptionTable
from gen3d.vecset.checkpoints import DIT_FILE, save_dit
from gen3d.vecset.distill_config import DistillConfig
from gen3d.vecset.distill_objective import DistillObjective, RealLatents
from gen3d.vecset.regression_objective import RegressionConfig, RegressionObjective
from gen3d.vecset.runs import RUNS, export_run
from gen3d.vecset.student_runs import StudentRun
from gen3d.vecset.students import load_student, new_student
from tests.vecset.distill_fixtures import LetterEncoder, make_pairs, make_teacher

GRIDS = ((1.0, 0.0), (1.0, 0.5, 0.0))
METHODS = {
    "guidance": {"method": "guidance"},
    "matching": {"method": "mdt", "vd_weight": 0.0},
    "mdt": {"method": "mdt", "ends": [0.0, 0.5], "form": "stable"},
    "mdt by forward derivatives": {"method": "mdt", "step": None},
    "mdt as released": {"method": "mdt", "form": "released"},
    "consistency": {"method": "consistency"},
    "adversarial": {
        "method": "consistency",
        "phases": 1,
        "adversarial": 0.1,
        "critic_blocks": [0],
    },
    "meanflow": {"method": "meanflow"},
    "freeflow": {"method": "freeflow"},
    "freeflow with correction": {"method": "freeflow", "correction": 1.0},
    "reflow": {"method": "reflow"},
    "rectified diffusion": {"method": "reflow", "form": "rectified_diffusion"},
}


@pytest.fixture
def teacher(tiny_dit):
    return make_teacher(tiny_dit)


@pytest.fixture
def pairs(teacher, tmp_path):
    return make_pairs(teacher, tmp_path / "pairs")


def regression(teacher, pairs, config=None, grids=GRIDS):
    config = config or RegressionConfig(batch_size=32)
    student = new_student(teacher)
    return RegressionObjective(student, config, LetterEncoder(), pairs, pairs, grids)


def distillation(teacher, pairs, name):
    config = DistillConfig.model_validate({"batch_size": 4, "how": METHODS[name]})
    captions = CaptionTable.encode(LetterEncoder(), [["a ball"], ["a box"]])
    real = RealLatents(pairs.at(torch.arange(2), 2), captions) if name == "adversarial" else None
    student = new_student(teacher)
    text = LetterEncoder()
    return DistillObjective(student, teacher, config, 3.0, text, pairs, pairs, GRIDS, real)


def train(objective, folder, steps, **changes):
    settings = {"muon": {"lr": 3e-3}, "adamw": {"lr": 3e-3}, "precision": "32-true"} | changes
    config = TrainConfig.model_validate({"output": folder, "steps": steps, **settings})
    return Trainer(config, objective).fit()


def test_regression_brings_few_step_samples_near_the_teachers(teacher, pairs, tmp_path):
    objective = regression(teacher, pairs)
    before = objective.validate(objective.module)
    after = train(objective, tmp_path / "run", 60, ema_decay=0.9).figures
    for figure in ("steps_1_error", "steps_2_error", "error"):
        assert after[figure] < 0.8 * before[figure]


def test_untrained_student_makes_the_unguided_teachers_euler_step(teacher, pairs):
    objective = regression(teacher, pairs, grids=((1.0, 0.0),))
    noise, truth = pairs.at(torch.arange(10), 0), pairs.at(torch.arange(10), 2)
    table = CaptionTable.encode(LetterEncoder(), [[caption] for caption in pairs.texts])
    condition = table.condition(pairs.captions.tolist())
    made = noise - teacher(noise, torch.ones(10), condition)
    expected = (made - truth).norm() / truth.norm()
    figures = objective.validate(objective.module)
    assert figures["steps_1_error"] == pytest.approx(float(expected), rel=1e-4)


def test_grid_off_the_knots_is_refused(teacher, pairs):
    with pytest.raises(InputError, match=r"times \[0.3\] of a grid are no knots"):
        regression(teacher, pairs, grids=((1.0, 0.3, 0.0),))


def test_every_grid_needs_its_weight(teacher, pairs):
    with pytest.raises(InputError, match="weight for each of 2 grids"):
        regression(teacher, pairs, RegressionConfig(grid_weights=(1.0,)))


@pytest.mark.parametrize("name", METHODS)
def test_method_trains_and_resumes_exactly(name, teacher, pairs, tmp_path):
    schedule = {"kind": "trapezoid", "warmup_steps": 0, "decay_start": 0.99}
    for folder, steps in (("parts", 2), ("parts", 3), ("at once", 3)):
        objective = distillation(teacher, pairs, name)
        made = train(objective, tmp_path / folder, steps, schedule=schedule)
        assert all(math.isfinite(value) for value in made.figures.values())
    parts, once = (
        torch.load(tmp_path / folder / "last.ckpt", weights_only=True)["module"]
        for folder in ("parts", "at once")
    )
    assert all(torch.equal(parts[key], once[key]) for key in once)


def test_judge_and_student_learn_opposite_things(teacher, pairs):
    objective = distillation(teacher, pairs, "adversarial")
    generator = torch.Generator().manual_seed(0)
    result = objective.loss(0, generator)
    result.loss.backward()
    judge = objective.module.judge
    assert judge is not None
    assert any(p.grad is not None and p.grad.any() for p in judge.parameters())
    assert not any(p.requires_grad for p in teacher.parameters())
    assert {"cheating", "judging", "consistency"} <= set(result.figures)


@pytest.mark.parametrize("kind", ["vecset-student", "vecset-distill"])
def test_run_exports_its_student(kind, teacher, pairs, tmp_path):
    save_dit(teacher, tmp_path / DIT_FILE)
    source = {"folder": "data", "procedural": {}}
    settings = {
        "kind": kind,
        "data": {"train": source, "held_out": source},
        "base": str(tmp_path),
        "pairs": str(tmp_path / "pairs"),
        "trainer": {"output": "runs/x", "steps": 1},
    }
    objective = regression(teacher, pairs)
    if kind == "vecset-distill":
        settings["objective"] = {"how": METHODS["consistency"]}
        objective = distillation(teacher, pairs, "consistency")
    run = RUNS[kind].model_validate(yaml.safe_load(yaml.safe_dump(settings)))
    assert isinstance(run, StudentRun)
    save_state({"ema": objective.module.state_dict()}, tmp_path / "best.ckpt")
    export_run(run, tmp_path / "best.ckpt", tmp_path / "student")
    teacher_of_run, sha256 = run.teacher()
    student, config = load_student(tmp_path / "student", teacher_of_run, teacher_sha256=sha256)
    assert config.grids == run.grids
    x = torch.ones(1, 6, 4)
    condition = CaptionTable.encode(LetterEncoder(), [["a box"]]).condition([0])
    one = torch.ones(1)
    answer = student.average_velocity(x, one, 0 * one, condition)
    assert torch.allclose(answer, teacher_of_run(x, one, condition), atol=2e-2)


def test_export_of_another_network_is_refused(teacher, tmp_path):
    save_dit(teacher, tmp_path / DIT_FILE)
    source = {"folder": "data", "procedural": {}}
    run = RUNS["vecset-student"].model_validate(
        {
            "kind": "vecset-student",
            "data": {"train": source, "held_out": source},
            "base": tmp_path,
            "pairs": tmp_path,
            "trainer": {"output": "runs/x", "steps": 1},
        }
    )
    save_state({"ema": {}}, tmp_path / "best.ckpt")
    with pytest.raises(ModelError, match="not of this run's network"):
        export_run(run, tmp_path / "best.ckpt", tmp_path / "student")
