"""Conditions: opaque to the flow, which only ever stacks or repeats them along the batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
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
    return _join(first, second, lambda a, b: torch.cat([a, b]))


def expand_condition(like: Condition, cond: Condition) -> Condition:
    """Repeat a condition for one sample so that it serves the batch of another one.

    Args:
        like: Tensors ``(batch, ...)``.
        cond: Tensors ``(1, ...)``, or ``(batch, ...)``, which stay.

    Raises:
        InputError: The structures or the shapes differ.
    """
    return _join(like, cond, lambda _, b: b)


def _join(
    first: Condition, second: Condition, join: Callable[[Tensor, Tensor], Tensor]
) -> Condition:
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        if second.shape not in (first.shape, (1, *first.shape[1:])):
            raise InputError(
                "the unconditional condition must have the shape of the conditional one: "
                f"expected {tuple(first.shape)}, got {tuple(second.shape)}"
            )
        return join(first, second.expand_as(first))
    if type(first) is not type(second):
        raise InputError(
            f"cannot stack conditions of types {type(first).__name__} and {type(second).__name__}"
        )
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        changes = {
            field.name: _join(getattr(first, field.name), getattr(second, field.name), join)
            for field in dataclasses.fields(first)
        }
        return dataclasses.replace(first, **changes)
    if isinstance(first, dict) and first.keys() == second.keys():
        return {key: _join(first[key], second[key], join) for key in first}
    if isinstance(first, tuple | list) and len(first) == len(second):
        return type(first)(_join(a, b, join) for a, b in zip(first, second, strict=True))
    if first is None or first == second:
        return first
    raise InputError(f"cannot stack the conditions {first!r} and {second!r}")


def repeat_condition(cond: Condition, count: int) -> Condition:
    """Repeat a condition of one sample along the batch.

    Args:
        cond: Tensors ``(1, ...)``; what is no tensor stays.
        count: Samples that it shall serve.

    Raises:
        InputError: A tensor has another batch than 1.
    """

    def repeat(value: Tensor) -> Tensor:
        if value.ndim == 0 or value.shape[0] != 1:
            raise InputError(
                f"expected the condition of one sample, with batch 1, got {tuple(value.shape)}"
            )
        return value.expand(count, *value.shape[1:])

    return _mapped(cond, repeat)


def spread_condition(cond: Condition, members: int) -> Condition:
    """Repeat each sample's condition for the members of its group, side by side.

    Args:
        cond: Tensors ``(groups, ...)``; what is no tensor stays.
        members: Samples of each group.

    Returns:
        Tensors ``(groups * members, ...)``.
    """
    return _mapped(cond, lambda value: value.repeat_interleave(members, 0))


def _mapped(cond: Condition, change: Callable[[Tensor], Tensor]) -> Condition:
    if isinstance(cond, Tensor):
        return change(cond)
    if dataclasses.is_dataclass(cond) and not isinstance(cond, type):
        changes = {
            field.name: _mapped(getattr(cond, field.name), change)
            for field in dataclasses.fields(cond)
        }
        return dataclasses.replace(cond, **changes)
    if isinstance(cond, dict):
        return {key: _mapped(value, change) for key, value in cond.items()}
    if isinstance(cond, tuple | list):
        return type(cond)(_mapped(value, change) for value in cond)
    return cond
