"""Foreign checkpoint files, read lazily: names and shapes first, tensors when asked for."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gen3d.errors import ModelError

_AGAIN = "download or copy it again"
_PICKLES = (".ckpt", ".pt", ".pth", ".bin")
WEIGHT_SUFFIXES = (".safetensors", *_PICKLES)


@dataclass(frozen=True)
class TensorSource:
    """Named tensors in a file, of which only those asked for are read.

    Attributes:
        path: The file, for messages.
        shapes: Shape of each tensor by name.
        read: Returns one tensor by its name, on the CPU.
    """

    path: Path
    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], Tensor]

    @property
    def parameters(self) -> int:
        """Number of entries in all tensors."""
        return sum(torch.Size(shape).numel() for shape in self.shapes.values())

    def renamed(self, names: Mapping[str, str]) -> TensorSource:
        """Return some of the tensors under new names.

        Args:
            names: New name -> name here.
        """
        shapes = {new: self.shapes[old] for new, old in names.items()}
        return TensorSource(self.path, shapes, lambda name: self.read(names[name]))

    def part(self, prefix: str) -> TensorSource:
        """Return the tensors whose names start with ``prefix``, without it."""
        names = {name[len(prefix) :]: name for name in self.shapes if name.startswith(prefix)}
        return self.renamed(names)


def open_tensors(path: Path | str) -> TensorSource:
    """Open a ``.safetensors`` file or a torch checkpoint.

    Both are mapped into memory, so a part costs what it holds, not what the file holds. Nested
    dictionaries in a torch checkpoint become dotted names; what is no tensor is left out. Pickled
    code is never run (``weights_only``).

    Raises:
        ModelError: The file is missing, cut off, of another format, or carries code.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"there is no weights file {path}", hint="check the model's folder")
    try:
        if path.suffix == ".safetensors":
            return _open_safetensors(path)
        if path.suffix in _PICKLES:
            return _open_pickle(path)
    except OSError as error:
        raise ModelError(f"cannot read the weights file {path}: {error}") from error
    raise ModelError(f"{path} is no weights file", hint=f"expected {', '.join(WEIGHT_SUFFIXES)}")


def _open_safetensors(path: Path) -> TensorSource:
    try:
        file = safe_open(path, framework="pt", device="cpu")
        names: list[str] = list(file.keys())
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
    except SafetensorError as error:
        raise ModelError(f"{path} is damaged or cut off: {error}", hint=_AGAIN) from error
    return TensorSource(path, shapes, file.get_tensor)


def _open_pickle(path: Path) -> TensorSource:
    zipped = zipfile.is_zipfile(path)
    try:
        with warnings.catch_warnings():
            # A warning about the pickle's age says nothing that the result would not.
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} holds more than tensors (it may carry code) or is damaged; nothing of it "
            "was run",
            hint="ask for a .safetensors file, or one from a source that you trust",
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path} is damaged or cut off: {line}", hint=_AGAIN) from error
    tensors = dict(_flatten(content, ""))
    if not tensors:
        raise ModelError(f"{path} holds no named tensors")
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    return TensorSource(path, shapes, tensors.__getitem__)


def _flatten(value: Any, name: str) -> list[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        return [(name, value)]
    if not isinstance(value, dict):
        return []
    prefix = f"{name}." if name else ""
    return [pair for key, item in value.items() for pair in _flatten(item, f"{prefix}{key}")]
