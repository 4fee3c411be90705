import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import SparseReducer
from gen3d.flow.distill import Adaptive, PseudoHuber, Squared

NORMS = [Squared(), PseudoHuber(), PseudoHuber(0.1, elementwise=True), Adaptive()]


def test_huber_is_a_square_near_zero_and_the_rms_far_away():
    norm = PseudoHuber(0.1)
    small, large = torch.full((1, 5), 1e-3).double(), torch.full((1, 5), 1e3).double()
    assert float(norm(small)) == pytest.approx(1e-6 / 0.2, rel=1e-3)
    assert float(norm(large)) == pytest.approx(1e3, rel=1e-3)


@pytest.mark.parametrize("norm", NORMS, ids=repr)
def test_error_does_not_depend_on_the_number_of_elements(norm):
    rows = torch.randn(2, 3)
    assert torch.allclose(norm(rows), norm(torch.cat([rows, rows], 1)))


@pytest.mark.parametrize("norm", NORMS, ids=repr)
def test_sparse_samples_have_the_errors_they_have_alone(norm):
    rows = torch.randn(5, 3)
    both = norm(rows, SparseReducer((2, 3)))
    assert torch.allclose(both, torch.cat([norm(rows[None, :2]), norm(rows[None, 2:])]))


def test_adaptive_norm_gives_all_errors_gradients_of_alike_length():
    difference = torch.tensor([[1e-1], [1e1]], requires_grad=True)
    Adaptive(c=1e-9)(difference).sum().backward()
    assert difference.grad is not None
    assert torch.allclose(difference.grad * difference.detach(), torch.full((2, 1), 2.0))


def test_huber_constant_must_be_positive():
    with pytest.raises(InputError, match="positive"):
        PseudoHuber(0.0)
