"""The acceptance test of few-step distillation: about 26 s on one core."""

import pytest
import torch

from gen3d.flow.distill.ring import energy_distance, ring_points, ring_study


def test_energy_distance_of_equal_and_of_distant_clouds():
    generator = torch.Generator().manual_seed(0)
    x, y = ring_points(2000, generator), ring_points(2000, generator)
    assert abs(energy_distance(x, y)) < 0.01
    far = torch.tensor([1000.0, 0.0])
    assert energy_distance(x, y + far) == pytest.approx(2 * 1000, rel=0.01)


@pytest.mark.slow
def test_one_step_students_rank_as_published():
    # arXiv 2509.04406, tables 1 and 2, rank the same methods alike on 3D assets.
    study = ring_study()
    assert study.teacher > study.consistency > study.vm > study.vmvd
    assert study.vmvd <= 0.05
    assert study.consistency_self < 0.05
    assert study.teacher_many < study.vmvd
