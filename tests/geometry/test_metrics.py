import pytest
import torch

from gen3d.errors import InputError
from gen3d.geometry import metrics
from gen3d.geometry.metrics import (
    chamfer_distance,
    coverage,
    minimum_matching_distance,
    one_nna,
    pairwise_chamfer,
    volume_iou,
)


def clouds(count: int, points: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, points, 3, generator=torch.Generator().manual_seed(seed))


def plain_chamfer(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    distance = (a[:, None] - b[None]).norm(dim=-1)
    return (distance.min(dim=1).values.mean() + distance.min(dim=0).values.mean()) / 2


def test_cloud_has_no_distance_to_itself() -> None:
    assert chamfer_distance(clouds(2, 40), clouds(2, 40)).tolist() == [0, 0]


def test_two_points_are_as_far_as_they_are() -> None:
    a, b = torch.zeros(1, 3), torch.tensor([[3.0, 4.0, 0.0]])
    assert chamfer_distance(a, b).item() == 5
    assert chamfer_distance(a, b, squared=True).item() == 25


def test_plain_formula_gives_the_same() -> None:
    a, b = clouds(3, 50), clouds(3, 30, seed=1)
    expected = torch.stack([plain_chamfer(x, y) for x, y in zip(a, b, strict=True)])
    torch.testing.assert_close(chamfer_distance(a, b), expected)
    far = torch.tensor([100.0, 0, 0])
    torch.testing.assert_close(chamfer_distance(a + far, b + far), expected, rtol=1e-4, atol=1e-4)


def test_chunks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = clouds(5, 20), clouds(5, 20, seed=1)
    whole = chamfer_distance(a, b)
    monkeypatch.setattr(metrics, "_MAX_ENTRIES", 800)
    assert torch.equal(chamfer_distance(a, b), whole)


def test_pairwise_broadcasts_all_pairs() -> None:
    a, b = clouds(3, 20), clouds(4, 25, seed=1)
    table = pairwise_chamfer(a, b)
    assert table.shape == (3, 4)
    torch.testing.assert_close(table[2, 1], chamfer_distance(a[2], b[1]))


def test_gradient_pulls_points_to_their_neighbours() -> None:
    a = torch.zeros(1, 3, requires_grad=True)
    chamfer_distance(a, torch.tensor([[2.0, 0, 0]])).backward()
    assert a.grad is not None
    torch.testing.assert_close(a.grad, torch.tensor([[-1.0, 0, 0]]))


def test_empty_or_flat_clouds_are_refused() -> None:
    with pytest.raises(InputError, match="clouds"):
        chamfer_distance(torch.zeros(0, 3), torch.zeros(2, 3))
    with pytest.raises(InputError, match="clouds"):
        chamfer_distance(torch.zeros(2, 2), torch.zeros(2, 2))


def test_volume_iou_of_known_overlaps() -> None:
    a = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]], dtype=torch.bool)
    b = torch.tensor([[0, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]], dtype=torch.bool)
    torch.testing.assert_close(volume_iou(a, b), torch.tensor([1 / 3, 1, 1, 0]))
    with pytest.raises(InputError, match="bool"):
        volume_iou(a.float(), b.float())


def line(*places: float) -> torch.Tensor:
    return torch.tensor(places, dtype=torch.float32)[:, None]


def nna_of(samples: torch.Tensor, references: torch.Tensor) -> float:
    return one_nna(
        torch.cdist(samples, samples),
        torch.cdist(references, references),
        torch.cdist(samples, references),
    )


def test_one_nna_tells_sets_apart_or_not() -> None:
    assert nna_of(line(0, 1, 2), line(100, 101, 102)) == 1
    # Every sample is a copy of a reference: each one's neighbour is of the other set.
    assert nna_of(line(0, 10, 20), line(0.1, 10.1, 20.1)) == 0
    same = torch.randn(2, 400, 3, generator=torch.Generator().manual_seed(0))
    assert nna_of(same[0], same[1]) == pytest.approx(0.5, abs=0.06)


def test_one_nna_checks_its_shapes() -> None:
    with pytest.raises(InputError, match="do not fit"):
        one_nna(torch.zeros(2, 2), torch.zeros(2, 2), torch.zeros(2, 3))


def test_coverage_and_matching_distance() -> None:
    across = torch.cdist(line(0, 0.5, 11), line(0, 1, 2, 10))
    # Samples 0 and 0.5 are nearest to reference 0 (the tie goes to the first), 11 to 10.
    assert coverage(across) == 0.5
    assert minimum_matching_distance(across) == pytest.approx((0 + 0.5 + 1.5 + 1) / 4)
