import pytest
import torch

from gen3d.errors import InputError
from gen3d.training import WHOLE, BatchPart, batch_part, current_part


def test_parts_cover_a_batch_once_and_in_turn() -> None:
    batch = torch.arange(10)
    parts = [BatchPart(i, 3).take(batch) for i in range(3)]
    assert [part.tolist() for part in parts] == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]


@pytest.mark.parametrize("first", [0, 1, 4, 5])
def test_a_stretch_is_cut_like_the_batch_that_it_lies_in(first: int) -> None:
    batch = torch.arange(9)
    for i in range(3):
        mine = BatchPart(i, 3)
        taken = mine.after(first).take(batch[first:])
        assert taken.tolist() == [x for x in mine.take(batch).tolist() if x >= first]


def test_batches_that_do_not_divide_are_refused() -> None:
    assert BatchPart(1, 4).size(12) == 3
    with pytest.raises(InputError, match="batch of 10 does not divide into 4"):
        BatchPart(1, 4).size(10)


def test_current_part_is_everything_but_within_the_trainers_step() -> None:
    with batch_part(BatchPart(1, 2)):
        assert current_part() == BatchPart(1, 2)
    assert current_part() == WHOLE


def test_own_draws_differ_between_parts_and_leave_the_common_generator() -> None:
    common = torch.Generator().manual_seed(3)
    before = common.get_state()
    first, second, again = (
        torch.rand(4, generator=BatchPart(i, 2).own_generator(common)) for i in (0, 1, 0)
    )
    assert torch.equal(first, again) and not torch.equal(first, second)
    assert torch.equal(common.get_state(), before)
    assert WHOLE.own_generator(common) is common
