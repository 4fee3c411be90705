from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import stack_conditions
from gen3d.flow.conditions import repeat_condition


@dataclass(frozen=True)
class Tokens:
    values: Tensor
    mask: Tensor | None
    name: str = "text"


def test_nests_are_stacked_leaf_by_leaf() -> None:
    a, b = torch.ones(2, 3), torch.zeros(2, 3)
    stacked = stack_conditions({"text": (Tokens(a, None), [a])}, {"text": (Tokens(b, None), [b])})
    tokens, (tensor,) = stacked["text"]
    assert torch.equal(tokens.values, torch.cat([a, b]))
    assert torch.equal(tensor, tokens.values)
    assert (tokens.mask, tokens.name) == (None, "text")


def test_one_unconditional_row_serves_the_whole_batch() -> None:
    stacked = stack_conditions(torch.ones(3, 2), torch.zeros(1, 2))
    assert stacked.tolist() == [[1.0, 1.0]] * 3 + [[0.0, 0.0]] * 3


def test_unequal_conditions_are_refused() -> None:
    for first, second in [
        (torch.ones(3, 2), torch.ones(2, 2)),
        (torch.ones(3, 2), None),
        ({"a": None}, {"b": None}),
        ("x", "y"),
    ]:
        with pytest.raises(InputError):
            stack_conditions(first, second)


def test_one_sample_is_repeated_through_the_whole_nest() -> None:
    nest = {"a": torch.ones(1, 2), "b": (torch.zeros(1, 3, 2), None, "word")}
    repeated = repeat_condition(nest, 4)
    assert repeated["a"].shape == (4, 2)
    assert repeated["b"][0].shape == (4, 3, 2)
    assert repeated["b"][1:] == (None, "word")
    assert repeat_condition(None, 4) is None


def test_a_batch_is_not_repeated() -> None:
    with pytest.raises(InputError, match="batch 1"):
        repeat_condition(torch.zeros(2, 3), 4)
