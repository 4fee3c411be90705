from __future__ import annotations

import copy

import pytest
import torch

from gen3d.errors import InputError
from gen3d.training import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(8, 8), (6, 20), (20, 6), (3, 16, 16)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape: tuple[int, ...]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalise(matrices, steps=5))
    assert values.min() > 0.3
    assert values.max() < 1.3


def test_orthogonalising_keeps_singular_vectors() -> None:
    matrix = torch.randn(10, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u, _, vt = torch.linalg.svd(matrix, full_matrices=False)
    rotated = u.mT @ orthogonalise(matrix) @ vt.mT
    assert torch.allclose(rotated, rotated.diagonal().diag(), atol=1e-9)


def one_step(shape: tuple[int, int], splits: int, **settings: float) -> torch.Tensor:
    weight = torch.nn.Parameter(torch.zeros(shape))
    weight.grad = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    Muon([weight], lr=1.0, splits=[splits], **settings).step()
    return weight.detach()


def test_update_is_an_orthogonal_matrix_scaled_by_its_longer_side() -> None:
    values = torch.linalg.svdvals(one_step((12, 30), 1)) / (0.2 * 30**0.5)
    assert values.min() > 0.3
    assert values.max() < 1.3


def test_row_splits_are_orthogonalised_separately() -> None:
    update = one_step((36, 12), 3)
    for chunk, gradient in zip(
        update.chunk(3),
        torch.randn(36, 12, generator=torch.Generator().manual_seed(3)).chunk(3),
        strict=True,
    ):
        alone = torch.nn.Parameter(torch.zeros(12, 12))
        alone.grad = gradient.clone()
        Muon([alone], lr=1.0).step()
        assert torch.allclose(chunk, alone.detach(), atol=1e-2)


def test_stacked_and_separate_optimisers_agree() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = [(8, 12), (12, 8), (8, 12), (24, 8)]
    weights = [torch.nn.Parameter(torch.randn(s, generator=generator)) for s in shapes]
    twins = copy.deepcopy(weights)
    splits = [1, 1, 2, 3]
    together = Muon(weights, lr=0.1, weight_decay=0.1, splits=splits)
    apart = [
        Muon([w], lr=0.1, weight_decay=0.1, splits=[n]) for w, n in zip(twins, splits, strict=True)
    ]
    for _ in range(3):
        for weight, twin in zip(weights, twins, strict=True):
            weight.grad = torch.randn(weight.shape, generator=generator)
            twin.grad = weight.grad.clone()
        together.step()
        for optimizer in apart:
            optimizer.step()
    for weight, twin in zip(weights, twins, strict=True):
        assert torch.allclose(weight, twin, atol=2e-2)


def test_weight_decay_is_decoupled_from_the_gradient() -> None:
    weight = torch.nn.Parameter(torch.ones(4, 4))
    weight.grad = torch.zeros(4, 4)
    Muon([weight], lr=0.5, weight_decay=0.1).step()
    assert torch.allclose(weight, torch.full((4, 4), 0.95))


def test_matrices_without_gradient_stay() -> None:
    weights = [torch.nn.Parameter(torch.ones(4, 4)) for _ in range(2)]
    weights[1].grad = torch.eye(4)
    Muon(weights, lr=0.1).step()
    assert torch.equal(weights[0], torch.ones(4, 4))
    assert not torch.equal(weights[1], torch.ones(4, 4))


def test_state_dict_continues_exactly() -> None:
    generator = torch.Generator().manual_seed(0)
    gradients = [torch.randn(6, 4, generator=generator) for _ in range(4)]

    def run(optimizer: Muon, weight: torch.nn.Parameter, part: list[torch.Tensor]) -> None:
        for gradient in part:
            weight.grad = gradient.clone()
            optimizer.step()

    weight = torch.nn.Parameter(torch.zeros(6, 4))
    run(Muon([weight], lr=0.1), weight, gradients)
    other = torch.nn.Parameter(torch.zeros(6, 4))
    first = Muon([other], lr=0.1)
    run(first, other, gradients[:2])
    second = Muon([other], lr=0.1)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    run(second, other, gradients[2:])
    assert torch.equal(weight, other)


def test_vectors_are_refused() -> None:
    with pytest.raises(InputError, match="matrices"):
        Muon([torch.nn.Parameter(torch.zeros(3))])


def test_uneven_splits_are_refused() -> None:
    with pytest.raises(InputError, match="10 rows"):
        Muon([torch.nn.Parameter(torch.zeros(10, 4))], splits=[3])
