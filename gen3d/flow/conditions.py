"""Conditions: opaque to the flow, which only ever stacks two of them along the batch."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeAlias

import torch
from torch import Tensor

from gen3d.errors import InputError

# A tensor with the batch first, a nest of tuples, lists, dicts or dataclasses of such, or None.
Condition: TypeAlias = Any


def stack_conditions(first: Condition, second: Condition) -> Condition:
    """Concatenate two conditions of equal structure along the batch.

    Args:
        first: Tensors ``(batch, ...)``.
        second: Tensors ``(batch, ...)``, or ``(1, ...)`` to serve every sample.

    Raises:
        InputError: The structures or the shapes differ.
    """
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        if second.shape not in (first.shape, (1, *first.shape[1:])):
            raise InputError(
                "the unconditional condition must have the shape of the conditional one: "
                f"expected {tuple(first.shape)}, got {tuple(second.shape)}"
            )
        return torch.cat([first, second.expand_as(first)])
    if type(first) is not type(second):
        raise InputError(
            f"cannot stack conditions of types {type(first).__name__} and {type(second).__name__}"
        )
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        changes = {
            field.name: stack_conditions(getattr(first, field.name), getattr(second, field.name))
            for field in dataclasses.fields(first)
        }
        return dataclasses.replace(first, **changes)
    if isinstance(first, dict) and first.keys() == second.keys():
        return {key: stack_conditions(first[key], second[key]) for key in first}
    if isinstance(first, tuple | list) and len(first) == len(second):
        return type(first)(stack_conditions(a, b) for a, b in zip(first, second, strict=True))
    if first is None or first == second:
        return first
    raise InputError(f"cannot stack the conditions {first!r} and {second!r}")
