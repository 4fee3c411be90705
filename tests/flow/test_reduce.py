import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import DENSE, Reducer, SparseReducer, item_generators

NAMES = ["sum", "mean", "norm", "std"]


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


def by_loop(name: str, sample: Tensor) -> Tensor:
    wide = sample.double()
    return {
        "sum": lambda: wide.sum(),
        "mean": lambda: wide.mean(),
        "norm": lambda: wide.square().sum().sqrt(),
        "std": lambda: wide.std(correction=0),
    }[name]()


@pytest.mark.parametrize("name", NAMES)
def test_grid_set_and_sparse_agree_on_equal_samples(name: str) -> None:
    tokens = noise(4, 6, 3)
    sparse = SparseReducer((6, 6, 6, 6))
    as_set = getattr(DENSE, name)(tokens)
    as_grid = getattr(DENSE, name)(tokens.mT.reshape(4, 3, 2, 3))
    as_rows = getattr(sparse, name)(tokens.reshape(24, 3))
    torch.testing.assert_close(as_grid, as_set)
    torch.testing.assert_close(as_rows, as_set)
    loop = torch.stack([by_loop(name, sample) for sample in tokens]).float()
    torch.testing.assert_close(as_set, loop)


@pytest.mark.parametrize("name", NAMES)
def test_sparse_samples_of_different_sizes_equal_loops(name: str) -> None:
    sizes, rows = (5, 1, 9), noise(15, 4)
    loop = torch.stack([by_loop(name, sample) for sample in rows.split(sizes)]).float()
    torch.testing.assert_close(getattr(SparseReducer(sizes), name)(rows), loop)


def test_dot_and_broadcast_equal_loops() -> None:
    sizes = (2, 3)
    x, y = noise(5, 4), noise(5, 4).flip(0)
    sparse = SparseReducer(sizes)
    dots = [(a * b).sum() for a, b in zip(x.split(sizes), y.split(sizes), strict=True)]
    torch.testing.assert_close(sparse.dot(x, y), torch.stack(dots))
    values = torch.tensor([10.0, 20.0])
    assert sparse.broadcast(values, x).tolist() == [[10.0]] * 2 + [[20.0]] * 3
    assert DENSE.broadcast(values, noise(2, 3, 4)).shape == (2, 1, 1)


def test_empty_samples_reduce_to_zero() -> None:
    sparse, rows = SparseReducer((0, 2, 0)), torch.ones(2, 3)
    assert sparse.sum(rows).tolist() == [0, 6, 0]
    assert sparse.mean(rows).tolist() == [0, 1, 0]
    nothing = SparseReducer((0, 0))
    assert nothing.mean(torch.zeros(0, 3)).tolist() == [0, 0]


def test_stacked_copies_count_as_more_samples() -> None:
    sparse, rows = SparseReducer((1, 2)), torch.ones(3, 2)
    both = torch.cat([rows, 2 * rows])
    assert sparse.batch_size(both) == 4
    assert sparse.sum(both).tolist() == [2, 4, 4, 8]


def test_half_precision_is_accumulated_in_float32() -> None:
    ones = torch.ones(1, 5000, dtype=torch.float16)
    assert DENSE.sum(ones).item() == 5000
    assert SparseReducer((5000,)).sum(ones.mT).item() == 5000


@pytest.mark.parametrize("reducer", [DENSE, SparseReducer((2, 2))], ids=["dense", "sparse"])
def test_gradients_flow_through_reductions(reducer: Reducer) -> None:
    x = torch.ones(4 if isinstance(reducer, SparseReducer) else 2, 3, requires_grad=True)
    reducer.mean(x).sum().backward()
    torch.testing.assert_close(x.grad, torch.full_like(x, 2 / x.numel()))


def test_noise_of_an_item_ignores_its_batch() -> None:
    large = DENSE.randn((5, 4, 3), item_generators(7, 5))
    small = DENSE.randn((2, 4, 3), item_generators(7, 2))
    later = DENSE.randn((2, 4, 3), item_generators(7, 2, first=3))
    assert torch.equal(large[:2], small)
    assert torch.equal(large[3:], later)
    sparse = SparseReducer((4, 4)).randn((8, 3), item_generators(7, 2))
    assert torch.equal(sparse.reshape(2, 4, 3), small)


def test_generators_go_on_from_draw_to_draw() -> None:
    generators = item_generators(7, 2)
    first, second = (DENSE.randn((2, 3), generators) for _ in range(2))
    assert not torch.equal(first, second)


def test_offsets_give_sizes() -> None:
    assert SparseReducer.from_offsets(torch.tensor([0, 3, 3, 5])).sizes == (3, 0, 2)
    for wrong in ([1, 3], [0, 3, 2], [0]):
        with pytest.raises(InputError, match="offsets"):
            SparseReducer.from_offsets(torch.tensor(wrong, dtype=torch.int64))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="multiple of 3 rows"):
        SparseReducer((1, 2)).sum(torch.ones(4, 1))
    with pytest.raises(InputError, match="one generator per sample"):
        DENSE.randn((3, 2), item_generators(0, 2))
    with pytest.raises(InputError, match="3 rows of noise"):
        SparseReducer((1, 2)).randn((4, 1), item_generators(0, 2))


@pytest.mark.parametrize("q", [0.0, 0.3, 0.995, 1.0])
def test_quantile_is_that_of_torch_for_each_sample(q: float) -> None:
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = x.quantile(q, dim=1)
    torch.testing.assert_close(DENSE.quantile(x, q), rows)
    apart = torch.stack([x[:2].quantile(q), x.new_zeros(()), x[2:].quantile(q)])
    torch.testing.assert_close(SparseReducer((2, 0, 3)).quantile(x, q), apart)
