import torch

from gen3d.flow.distill import Batch, GuidanceDistillation, distil
from tests.flow.distill.gaussian import Gaussian, Shifted


def run(seed):
    truth = Gaussian()

    def draw(generator):
        batch = truth.batch(16, seed=int(torch.randint(9, (1,), generator=generator)))
        return Batch(batch.x0, None, generator)

    student = Shifted(truth, 0.5)
    made = distil(
        student, truth.velocity, GuidanceDistillation(), draw, steps=40, lr=0.1, seed=seed
    )
    return student, made


def test_loop_finds_the_truth_and_returns_the_average():
    student, made = run(0)
    assert abs(student.shift.item()) < 0.1
    assert made is not student and made.shift != student.shift


def test_equal_seeds_give_equal_students():
    assert run(3)[1].shift == run(3)[1].shift
