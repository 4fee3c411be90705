"""Registers native kernels as torch operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel_for(name: str, *devices: str) -> Callable[[Function], Function]:
    """Register a function as the operator ``name`` on devices; its annotations are the schema.

    Not ``torch.library.custom_op``: at the first call that imports torch's compiler, for more than
    a second, whether or not anybody compiles.

    Args:
        name: ``gen3d::operator``.
        *devices: ``cpu``, ``cuda``.
    """

    def register(function: Function) -> Function:
        schema = torch.library.infer_schema(function, mutates_args=())
        torch.library.define(name, schema, tags=(torch.Tag.pt2_compliant_tag,))
        torch.library.impl(name, devices, function)
        return function

    return register
