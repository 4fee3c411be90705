import dataclasses
import json

import pytest
import torch

from gen3d.conditioning.text import TextConfig, TextEncoder
from gen3d.conditioning.wordpiece import WordPiece
from gen3d.errors import InputError, ModelError
from gen3d.flow import BespokeSolver
from gen3d.vecset.checkpoints import DIT_FILE, VAE_FILE, save_dit, save_vae
from gen3d.vecset.config import SamplingConfig
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.few_steps import BESPOKE_FILE
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.students import STUDENT_FILE, StudentConfig, new_student, save_student
from gen3d.vecset.vae import ShapeVAE

GRIDS = ((1.0, 0.0), (1.0, 0.5, 0.0))
# Three evaluations that add up to Euler's steps of equal length, all of the conditional branch.
EULER = BespokeSolver(
    times=(1.0, 2 / 3, 1 / 3, 0.0),
    guidance=(1.0, 1.0, 1.0),
    noise=(1.0, 1.0, 1.0),
    velocities=((-1 / 3,), (-1 / 3, -1 / 3), (-1 / 3, -1 / 3, -1 / 3)),
)


@pytest.fixture
def text() -> TextEncoder:
    torch.manual_seed(1)
    words = WordPiece(["[PAD]", "[UNK]", "a", "red", "ball"])
    config = TextConfig(width=8, table_width=8, heads=2, layers=1)
    return TextEncoder(words, config).eval()


@pytest.fixture
def folder(tiny_vae, tiny_dit, tmp_path):
    torch.manual_seed(0)
    save_vae(ShapeVAE(tiny_vae), tmp_path / VAE_FILE)
    dit = ShapeDiT(tiny_dit)
    for weight in dit.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    save_dit(dit, tmp_path / DIT_FILE, SamplingConfig(steps=4, guidance=2.0))
    return tmp_path


def open_folder(folder, text) -> VecsetPipeline:
    return VecsetPipeline.from_folder(folder, device="cpu", text=text)


def draw(pipeline: VecsetPipeline, steps: int, guidance: float = 2.0) -> torch.Tensor:
    return pipeline.sample_latents(["a red ball"], [3], steps=steps, guidance=guidance)


@pytest.fixture
def with_student(folder, text):
    plain = open_folder(folder, text)
    student = new_student(plain.dit)
    assert student.interval_in is not None
    for name, weight in student.named_parameters():
        if name.startswith("interval_in"):
            torch.nn.init.normal_(weight, std=0.3)
    config = StudentConfig(
        teacher_sha256=plain.fingerprint[DIT_FILE], guidance=2.0, grids=GRIDS, default_steps=2
    )
    save_student(student, plain.dit, folder / STUDENT_FILE, config)
    return open_folder(folder, text)


def test_a_folder_without_extras_samples_with_the_flow_network(folder, text) -> None:
    pipeline = open_folder(folder, text)
    assert pipeline.few_steps.steps == ()
    assert not torch.equal(draw(pipeline, 1, 2.0), draw(pipeline, 1, 5.0))


def test_the_student_makes_the_steps_that_it_was_trained_for(folder, text, with_student) -> None:
    (folder / STUDENT_FILE).unlink()
    plain = open_folder(folder, text)
    assert with_student.few_steps.steps == (1, 2)
    for steps in (1, 2):
        assert not torch.allclose(draw(with_student, steps), draw(plain, steps), atol=1e-3)
    assert torch.equal(draw(with_student, 3), draw(plain, 3))


def test_a_fitted_solver_makes_as_many_evaluations_as_it_has(folder, text) -> None:
    (folder / BESPOKE_FILE.format(steps=3)).write_text(EULER.to_json())
    pipeline = open_folder(folder, text)
    assert pipeline.few_steps.steps == (3,)
    plain = dataclasses.replace(pipeline.few_steps, solvers={})
    fitted = draw(pipeline, 3)
    pipeline.few_steps = plain
    torch.testing.assert_close(fitted, draw(pipeline, 3, guidance=1.0))


def test_records_know_what_few_steps_came_from(with_student) -> None:
    assert STUDENT_FILE in with_student.fingerprint


def test_another_guidance_than_the_built_in_one_is_refused(with_student) -> None:
    with pytest.raises(InputError, match="2 steps have guidance 2 built in, got 3"):
        draw(with_student, 2, guidance=3.0)
    with pytest.raises(InputError, match="built in"):
        draw(with_student, 1, guidance=1.0)
    assert draw(with_student, 3, guidance=3.0).isfinite().all()


def test_a_student_of_another_network_is_refused(folder, text, with_student, tiny_dit) -> None:
    save_dit(ShapeDiT(tiny_dit), folder / DIT_FILE)
    with pytest.raises(ModelError, match="belongs to the flow network"):
        open_folder(folder, text)


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"times": [1, 0]}), "\udcff"])
def test_a_damaged_solver_is_named(folder, text, content) -> None:
    path = folder / BESPOKE_FILE.format(steps=3)
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match="bespoke-3"):
        open_folder(folder, text)


def test_the_default_is_the_students_unless_guidance_is_asked_for(with_student) -> None:
    assert with_student.resolve().steps == 2
    assert with_student.resolve(guidance=5.0).steps == 4
    assert with_student.resolve(steps=7).steps == 7


def test_default_steps_without_their_solver_are_an_error(folder, text, with_student) -> None:
    student, config = with_student.few_steps.student
    wanted = config.model_copy(update={"default_steps": 3})
    save_student(student, with_student.dit, folder / STUDENT_FILE, wanted)
    with pytest.raises(ModelError, match=r"put bespoke-3.json back"):
        open_folder(folder, text)
    (folder / BESPOKE_FILE.format(steps=3)).write_text(EULER.to_json())
    assert open_folder(folder, text).resolve().steps == 3
