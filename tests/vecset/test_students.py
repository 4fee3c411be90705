import pytest
import torch

from gen3d.errors import InputError, ModelError
from gen3d.io.tensors import load_tensors, save_tensors
from gen3d.vecset.dit import Condition
from gen3d.vecset.students import StudentConfig, load_student, new_student, save_student
from tests.vecset.distill_fixtures import make_teacher

CONFIG = StudentConfig(teacher_sha256="abc", grids=((1.0, 0.0), (1.0, 0.5, 0.0)))


def arguments(config):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, config.num_latents, config.latent_dim, generator=generator)
    tokens = torch.randn(3, 2, config.context_dim, generator=generator)
    pooled = torch.randn(3, config.pooled_dim, generator=generator) if config.pooled_dim else None
    return x, torch.tensor([1.0, 0.7, 0.2]), Condition(tokens, None, pooled)


def moved_student(teacher):
    student = new_student(teacher)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in student.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=generator)
    return student.eval()


def test_new_student_answers_like_its_teacher_whatever_the_interval(tiny_dit):
    teacher = make_teacher(tiny_dit)
    x, t, condition = arguments(tiny_dit)
    for r in (t, torch.zeros(3)):
        answer = new_student(teacher).average_velocity(x, t, r, condition)
        assert torch.allclose(answer, teacher(x, t, condition), atol=1e-5)


def test_saved_student_comes_back_to_a_hundredth_of_what_it_learnt(tiny_dit, tmp_path):
    teacher = make_teacher(tiny_dit)
    student = moved_student(teacher)
    save_student(student, teacher, tmp_path / "s.safetensors", CONFIG)
    back, config = load_student(tmp_path / "s.safetensors", teacher, teacher_sha256="abc")
    assert config == CONFIG
    x, t, condition = arguments(tiny_dit)
    with torch.no_grad():
        learnt = student.average_velocity(x, t, 0 * t, condition) - teacher(x, t, condition)
        wrong = back.average_velocity(x, t, 0 * t, condition) - student.average_velocity(
            x, t, 0 * t, condition
        )
    assert wrong.norm() < 0.02 * learnt.norm()


def test_student_of_another_teacher_is_refused(tiny_dit, tmp_path):
    teacher = make_teacher(tiny_dit)
    save_student(new_student(teacher), teacher, tmp_path / "s", CONFIG)
    with pytest.raises(ModelError, match=r"belongs to the flow network abc\.\.\., this one is xyz"):
        load_student(tmp_path / "s", teacher, teacher_sha256="xyz")


def test_incomplete_student_is_refused(tiny_dit, tmp_path):
    teacher = make_teacher(tiny_dit)
    save_student(new_student(teacher), teacher, tmp_path / "s", CONFIG)
    tensors, fields = load_tensors(tmp_path / "s")
    del tensors["slots"]
    save_tensors(tensors, tmp_path / "s", fields)
    with pytest.raises(ModelError, match="lacks slots"):
        load_student(tmp_path / "s", teacher, teacher_sha256="abc")


def test_teacher_takes_no_interval(tiny_dit):
    x, t, condition = arguments(tiny_dit)
    with pytest.raises(InputError, match="takes no interval"):
        make_teacher(tiny_dit).average_velocity(x, t, 0 * t, condition)


def test_student_knows_the_grids_it_was_trained_for():
    assert CONFIG.grid(2) == (1.0, 0.5, 0.0)
    assert CONFIG.grid(3) is None


@pytest.mark.parametrize("grid", [(1.0,), (0.9, 0.0), (1.0, 0.0, 0.5)])
def test_grids_must_fall_from_noise_to_data(grid):
    with pytest.raises(ValueError, match="must fall"):
        StudentConfig(teacher_sha256="abc", grids=(grid,))
