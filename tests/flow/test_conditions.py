from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import stack_conditions


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
