"""Memory: what is free, what this process took, and which parts of a model fit at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gen3d.errors import ModelError

USABLE = 0.9
"""Share of the free memory that a plan may fill: allocators fragment, and others live there too."""

MIN_CHUNK = 1024
MAX_CHUNK = 1 << 18
_CGROUPS = (
    # limit, use and statistics of version 2, then of version 1
    tuple(f"/sys/fs/cgroup/memory.{name}" for name in ("max", "current", "stat")),
    tuple(
        f"/sys/fs/cgroup/memory/memory.{n}" for n in ("limit_in_bytes", "usage_in_bytes", "stat")
    ),
)


def peak_memory_bytes() -> int | None:
    """Return the largest resident size so far, or None where the system does not tell."""
    # Not getrusage on Linux: across exec that keeps the parent's peak.
    marks = _status_bytes("/proc/self/status", "VmHWM:")
    if marks is not None:
        return marks
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, others kilobytes.
    return peak if sys.platform == "darwin" else peak * 1024


def free_memory_bytes(device: torch.device) -> int | None:
    """Return how much more a device can hold, or None where the system does not tell.

    On the CPU that is what the kernel calls available, within the limit of a container.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch has reserved and does not use is free to us.
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    found = [_available_bytes(), *(_cgroup_room(*files) for files in _CGROUPS)]
    known = [value for value in found if value is not None]
    return min(known) if known else None


@dataclass(frozen=True)
class PartNeed:
    """What one part of a model takes while it works.

    Attributes:
        name: What users may call it.
        weights: Bytes of its weights in a dtype.
        work: Bytes of its activations in a dtype.
    """

    name: str
    weights: Callable[[torch.dtype], int]
    work: Callable[[torch.dtype], int]


@dataclass(frozen=True)
class MemoryPlan:
    """How to run a model that is made of parts which work one after the other.

    Attributes:
        device: Where.
        dtype: Of weights and activations.
        keep: All parts stay loaded; else each is loaded for its turn and freed.
        need_bytes: The most that is taken at a time.
        free_bytes: What was free, if known.
        chunk: Query points that the last part can answer at a time in what is left.
        parts: Names and bytes of the weights.
    """

    device: torch.device
    dtype: torch.dtype
    keep: bool
    need_bytes: int
    free_bytes: int | None
    chunk: int
    parts: tuple[tuple[str, int], ...]

    def lines(self) -> list[str]:
        """Return the plan for people."""
        free = "unknown" if self.free_bytes is None else _gb(self.free_bytes)
        way = "all parts stay loaded" if self.keep else "parts loaded in turn and freed"
        sizes = ", ".join(f"{name} {_gb(size)}" for name, size in self.parts)
        return [
            f"plan: {self.device}, {dtype_name(self.dtype)}, {way}, "
            f"needs {_gb(self.need_bytes)} of {free} free",
            f"  weights: {sizes}",
        ]


def plan_parts(
    parts: Sequence[PartNeed],
    *,
    device: torch.device,
    dtypes: Sequence[torch.dtype],
    free_bytes: int | None,
    query_bytes: int,
) -> MemoryPlan:
    """Choose dtype and loading so that a model fits.

    A wider dtype comes before keeping the parts: the first is accuracy, the second only time.

    Args:
        parts: In the order of their turns; the last one answers queries.
        device: Where to run.
        dtypes: Allowed ones, the best first.
        free_bytes: What the device can hold; None when unknown, then the first choice is taken.
        query_bytes: Bytes per point that the last part takes in float32.

    Raises:
        ModelError: Not even one part at a time in the narrowest dtype fits.
    """
    usable = None if free_bytes is None else int(USABLE * free_bytes)
    least = None
    for dtype in dtypes:
        weights = [part.weights(dtype) for part in parts]
        work = [part.work(dtype) for part in parts]
        work[-1] += MIN_CHUNK * query_bytes
        together = sum(weights) + max(work)
        in_turn = max(w + a for w, a in zip(weights, work, strict=True))
        for keep, need in ((True, together), (False, in_turn)):
            least = need
            if usable is not None and need > usable:
                continue
            chunk = MAX_CHUNK
            if usable is not None:
                resident = sum(weights) if keep else weights[-1]
                room = usable - resident - parts[-1].work(dtype)
                chunk = min(MAX_CHUNK, max(MIN_CHUNK, room // query_bytes))
            named = tuple((p.name, size) for p, size in zip(parts, weights, strict=True))
            return MemoryPlan(device, dtype, keep, need, free_bytes, chunk, named)
    assert least is not None and free_bytes is not None, "a plan needs parts and dtypes"
    raise ModelError(
        f"the model needs {_gb(least)} of memory on {device}, even with one part at a time in "
        f"{dtype_name(dtypes[-1])}; {_gb(int(USABLE * free_bytes))} of {_gb(free_bytes)} free "
        "can be used",
        hint="close other programs, use another --device, or a smaller model",
    )


def dtype_name(dtype: torch.dtype) -> str:
    """Return ``float32`` for ``torch.float32``, and so on."""
    return str(dtype).removeprefix("torch.")


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 5e7 else f"{size / 1e6:.1f} MB"


def _available_bytes() -> int | None:
    return _status_bytes("/proc/meminfo", "MemAvailable:")


def _status_bytes(path: str, field: str) -> int | None:
    """Read one ``field: number kB`` of a file that the Linux kernel writes."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    found = (line.split()[1] for line in lines if line.startswith(field))
    return next((int(number) * 1024 for number in found), None)


def _cgroup_room(limit: str, used: str, statistics: str) -> int | None:
    try:
        most, now = Path(limit).read_text().strip(), Path(used).read_text().strip()
        fields = dict(line.split(maxsplit=1) for line in Path(statistics).read_text().splitlines())
    except OSError:
        return None
    if not most.isdigit():  # "max": there is no limit
        return None
    # Cached files count as used, and give way when memory is wanted.
    cached = sum(int(fields.get(name, 0)) for name in ("active_file", "inactive_file"))
    return max(0, int(most) - int(now) + cached)
