import pytest
import torch

from gen3d.errors import InputError
from gen3d.runtime.seeds import check_seed, draw_seed, item_seed, make_generator, randn


def test_first_item_keeps_the_seed_and_others_differ() -> None:
    assert item_seed(7, 0) == 7
    seeds = {item_seed(s, i) for s in range(20) for i in range(20)}
    assert len(seeds) == 400


def test_noise_is_the_same_whatever_the_target_dtype() -> None:
    a = randn((3, 4), make_generator(5))
    b = randn((3, 4), make_generator(5), dtype=torch.float64)
    assert torch.equal(a, b.float())


def test_drawn_seeds_are_valid() -> None:
    assert all(check_seed(draw_seed()) >= 0 for _ in range(50))


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match="seed must lie"):
        make_generator(seed)
