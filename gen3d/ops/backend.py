"""Chooses between the native kernels and their plain torch twins.

The environment variable ``GEN3D_BACKEND`` decides: ``auto`` (the default: native where it was
built), ``native`` (an error where it was not) or ``reference``.
"""

from __future__ import annotations

import importlib
import os
from functools import lru_cache
from types import ModuleType
from typing import Literal

import torch

from gen3d.errors import InputError, MissingDependencyError

_CHOICES = ("auto", "native", "reference")


@lru_cache(maxsize=2)
def _load(name: str) -> tuple[ModuleType | None, str]:
    """The extension module, or None and the reason."""
    try:
        return importlib.import_module(f"gen3d.{name}"), ""
    except ModuleNotFoundError:
        return None, f"gen3d.{name} was not built at install time"
    except ImportError as error:
        return None, f"gen3d.{name} was built but does not load: {error}"


def native_available() -> bool:
    """Whether the CPU kernels were built and load."""
    return _load("_native")[0] is not None


def cuda_native_available() -> bool:
    """Whether the CUDA kernels were built, load, and find a GPU to run on."""
    return _load("_native_cuda")[0] is not None and torch.cuda.is_available()


def why_not(device: Literal["cpu", "cuda"] = "cpu") -> str:
    """One line on why the kernels for a device are not in use; empty when they are."""
    if requested() == "reference":
        return "GEN3D_BACKEND=reference asks for the plain torch twins"
    module, reason = _load("_native" if device == "cpu" else "_native_cuda")
    if module is None:
        return reason
    if device == "cuda" and not torch.cuda.is_available():
        return "torch sees no CUDA device"
    return ""


def requested() -> str:
    """The value of ``GEN3D_BACKEND``, checked.

    Raises:
        InputError: It is none of auto, native and reference.
    """
    choice = os.environ.get("GEN3D_BACKEND", "auto").strip().lower() or "auto"
    if choice not in _CHOICES:
        raise InputError(
            f"GEN3D_BACKEND is {choice!r}, expected one of {', '.join(_CHOICES)}",
            hint="unset GEN3D_BACKEND",
        )
    return choice


def backend() -> Literal["native", "reference"]:
    """Which implementation CPU tensors get.

    Raises:
        InputError: ``GEN3D_BACKEND`` has an unknown value.
        MissingDependencyError: It asks for native kernels that were not built.
    """
    choice = requested()
    if choice == "reference" or (choice == "auto" and not native_available()):
        return "reference"
    if not native_available():
        raise MissingDependencyError(
            f"GEN3D_BACKEND=native, but {_load('_native')[1]}",
            hint="install a C++ compiler and reinstall gen3d, or unset GEN3D_BACKEND",
        )
    return "native"


def uses_native(device: torch.device) -> bool:
    """Whether tensors on ``device`` go to a native kernel."""
    if device.type == "cpu":
        return backend() == "native"
    return device.type == "cuda" and requested() != "reference" and cuda_native_available()


def native() -> ModuleType:
    """The CPU kernels; only to be called where ``uses_native`` said yes."""
    module, reason = _load("_native")
    assert module is not None, reason
    return module


def native_cuda() -> ModuleType:
    """The CUDA kernels; only to be called where ``uses_native`` said yes."""
    module, reason = _load("_native_cuda")
    assert module is not None, reason
    return module


def kernels(device: torch.device) -> tuple[ModuleType, int]:
    """The module for tensors on ``device`` and its functions' last argument.

    That is the number of threads on the CPU and the current stream on a GPU. Only to be called
    where ``uses_native`` said yes.
    """
    if device.type == "cuda":
        return native_cuda(), torch.cuda.current_stream(device).cuda_stream
    return native(), torch.get_num_threads()
