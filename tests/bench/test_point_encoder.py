"""The point encoder on two kinds of clouds, and distances between known normals."""

from pathlib import Path

import pytest
import torch

from gen3d.bench.category_judge import CategoryJudge
from gen3d.bench.point_encoder import cached_point_encoder, frechet_distance
from gen3d.data.procedural.recognise import unit_clouds
from gen3d.runtime.progress import NullProgress


def clouds(count: int, seed: int) -> tuple[torch.Tensor, list[str]]:
    """Balls and poles in turn."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, 64, 3, generator=generator)
    points[1::2, :, [0, 2]] *= 0.05
    return points, ["ball", "pole"] * (count // 2)


def test_trained_encoder_names_new_clouds_and_is_kept(tmp_path: Path) -> None:
    known, names = clouds(8, 0)
    encoder = cached_point_encoder(tmp_path, known, names, steps=60, sink=NullProgress())
    new, expected = clouds(6, 1)
    assert encoder.names(new) == expected
    again = cached_point_encoder(tmp_path, known, names, steps=60, sink=NullProgress())
    assert torch.equal(encoder.features(new), again.features(new))
    assert len(list(tmp_path.iterdir())) == 1
    torch.testing.assert_close(encoder.log_probabilities(new).exp().sum(1), torch.ones(6))


def test_judge_names_by_the_nearest_whatever_the_network_says(tmp_path: Path) -> None:
    known, names = clouds(8, 0)
    untrained = cached_point_encoder(tmp_path, known, names, steps=1, sink=NullProgress())
    judge = CategoryJudge.of(untrained, unit_clouds(known), names)
    new, expected = clouds(6, 1)
    assert judge.names(new) == expected
    found = judge.probabilities(new)
    torch.testing.assert_close(found.sum(1), torch.ones(6))
    assert [untrained.categories[i] for i in found.argmax(1).tolist()] == expected


def test_frechet_distance_of_a_shift_is_its_square() -> None:
    a = torch.randn(500, 4, generator=torch.Generator().manual_seed(2))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(a, a + 0.5) == pytest.approx(4 * 0.25, abs=1e-4)


def test_frechet_distance_of_a_scale_is_that_of_the_deviations() -> None:
    a = torch.randn(2000, 1, generator=torch.Generator().manual_seed(3)).double()
    a = (a - a.mean()) / a.std()
    assert frechet_distance(a, 3 * a) == pytest.approx((3 - 1) ** 2, abs=1e-6)
