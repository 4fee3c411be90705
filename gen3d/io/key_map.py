"""Published weights <-> our modules: names, packing, checks.

A map is a table of rows, one per kind of tensor, with placeholders: ``{i}`` and ``{j}`` stand for
block numbers, ``{p}`` for ``weight`` or ``bias``, ``{e}`` for the numbers of stacked tensors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from gen3d.errors import ModelError
from gen3d.io.checkpoints import TensorSource

AnyModule = TypeVar("AnyModule", bound=nn.Module)

_PLACES = {"{i}": r"(?P<i>\d+)", "{j}": r"(?P<j>\d+)", "{p}": r"(?P<p>weight|bias)"}
_SHOWN = 3


@dataclass(frozen=True)
class Row:
    """One kind of tensor.

    Attributes:
        ours: Our name.
        published: Published names; several tensors are joined along their rows, and a name with
            ``{e}`` stands for tensors that are stacked.
        interleaved: Number of parts (3 for q, k, v; 2 for k, v) that the published rows hold head
            by head, ``[q_0 k_0 v_0 q_1 ...]``, where ours hold them one after the other.
    """

    ours: str
    published: tuple[str, ...]
    interleaved: int = 0


@dataclass(frozen=True)
class Entry:
    """One tensor of a module with where it comes from.

    Attributes:
        ours: Our name.
        shape: Our shape.
        published: Names of the tensors in the file, with their shapes.
        interleaved: See :class:`Row`.
        stacked: Stack the published tensors instead of joining their rows.
        head_dim: Channels per head, for interleaved rows.
    """

    ours: str
    shape: tuple[int, ...]
    published: Mapping[str, tuple[int, ...]]
    interleaved: int
    stacked: bool
    head_dim: int

    def to_ours(self, tensors: Sequence[Tensor]) -> Tensor:
        """Pack published tensors, given in the order of ``published``."""
        if self.stacked:
            return torch.stack(list(tensors))
        whole = tensors[0] if len(tensors) == 1 else torch.cat(list(tensors))
        if not self.interleaved:
            return whole
        per_head = whole.unflatten(0, (-1, self.interleaved, self.head_dim))
        return per_head.transpose(0, 1).flatten(0, 2)

    def to_published(self, tensor: Tensor) -> dict[str, Tensor]:
        """Undo :meth:`to_ours`."""
        names = list(self.published)
        if self.stacked:
            return dict(zip(names, tensor.unbind(0), strict=True))
        if self.interleaved:
            parts = tensor.unflatten(0, (self.interleaved, -1, self.head_dim))
            tensor = parts.transpose(0, 1).flatten(0, 2)
        if len(names) == 1:
            return {names[0]: tensor}
        return dict(zip(names, tensor.chunk(len(names)), strict=True))


def expand(
    rows: Sequence[Row], shapes: Mapping[str, tuple[int, ...]], *, head_dim: int = 1
) -> list[Entry]:
    """Return one entry for each tensor of a module.

    Args:
        rows: The map.
        shapes: Our names with our shapes.
        head_dim: Channels per head.
    """
    patterns = [(re.compile(_pattern(row.ours)), row) for row in rows]
    entries: list[Entry] = []
    for name, shape in shapes.items():
        found = next(
            ((match, row) for pattern, row in patterns if (match := pattern.fullmatch(name))), None
        )
        assert found is not None, f"the key map has no row for {name}"
        match, row = found
        names = [_fill_in(text, match.groupdict()) for text in row.published]
        stacked = "{e}" in names[0]
        if stacked:
            sources = {names[0].replace("{e}", str(e)): shape[1:] for e in range(shape[0])}
        else:
            # One tensor is what it is; it may be a scalar, which has no rows to divide.
            part = shape if len(names) == 1 else (shape[0] // len(names), *shape[1:])
            sources = dict.fromkeys(names, part)
        entries.append(Entry(name, shape, sources, row.interleaved, stacked, head_dim))
    return entries


def module_shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor that a module keeps in files."""
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def export(entries: Sequence[Entry], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a module's tensors under their published names, in the published packing."""
    return {
        name: tensor
        for entry in entries
        for name, tensor in entry.to_published(state[entry.ours]).items()
    }


def check(
    entries: Sequence[Entry], source: TensorSource, *, what: str, ignored: Sequence[str] = ()
) -> None:
    """Compare names and shapes of a file with what a module needs, before anything is read.

    Args:
        entries: What is needed.
        source: What is there.
        what: The part in the user's words.
        ignored: Patterns of names that a file may hold besides.

    Raises:
        ModelError: Names are missing or unknown, or shapes differ; the first few are named.
    """
    wanted = {name: shape for entry in entries for name, shape in entry.published.items()}
    skip = re.compile("|".join(f"(?:{pattern})" for pattern in ignored)) if ignored else None
    missing = [name for name in wanted if name not in source.shapes]
    unknown = [
        name for name in source.shapes if name not in wanted and not (skip and skip.fullmatch(name))
    ]
    if missing or unknown:
        raise ModelError(
            f"{source.path} does not hold the {what} that was expected: "
            f"lacks {_first(missing, wanted)}, has unknown {_first(unknown, source.shapes)}",
            hint="check that the file and its config.yaml belong together",
        )
    for name, shape in wanted.items():
        if source.shapes[name] != shape:
            raise ModelError(
                f"{name} of the {what} in {source.path} has shape {source.shapes[name]}, "
                f"expected {shape}",
                hint="check that the file and its config.yaml belong together",
            )


def fill(
    module: AnyModule,
    entries: Sequence[Entry],
    source: TensorSource,
    *,
    dtype: torch.dtype,
    device: torch.device | str = "cpu",
) -> AnyModule:
    """Give a module, built on the meta device, its weights, one tensor after the other.

    Args:
        module: The module; its tensors are replaced.
        entries: Where they come from; :func:`check` them first.
        source: The file.
        dtype: Of the weights.
        device: Where the module shall live.

    Returns:
        The module in eval mode, without gradients.

    Raises:
        ModelError: A tensor cannot be read or holds values that are not finite.
    """
    state: dict[str, Tensor] = {}
    for entry in entries:
        tensors = [_read(source, name, dtype) for name in entry.published]
        state[entry.ours] = entry.to_ours(tensors).to(device)
    module.load_state_dict(state, assign=True)
    return module.to(device).eval().requires_grad_(False)


def _read(source: TensorSource, name: str, dtype: torch.dtype) -> Tensor:
    try:
        tensor = source.read(name)
        narrow = tensor.to(dtype)
    except (OSError, RuntimeError) as error:
        raise ModelError(f"cannot read {name} from {source.path}: {error}") from error
    if not bool(narrow.isfinite().all()):
        if bool(tensor.isfinite().all()):
            raise ModelError(
                f"{name} in {source.path} is too large for {dtype}", hint="use bfloat16 or float32"
            )
        raise ModelError(f"{name} in {source.path} holds values that are not finite")
    return narrow


def _pattern(text: str) -> str:
    pattern = re.escape(text)
    for place, group in _PLACES.items():
        pattern = pattern.replace(re.escape(place), group)
    return pattern


def _fill_in(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _first(names: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> str:
    if not names:
        return "nothing"
    shown = ", ".join(f"{name} {shapes[name]}" for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
