"""Folders of rendered views beside sampled shapes, written once and memory-mapped by training.

``views.npy`` holds (shapes, views, size, size, 4) sRGB bytes with straight opacity, and
``cameras.json`` where each was taken from. ``cameras.json`` is written last and marks the folder
as complete; ``views.part.json`` counts what an interrupted run has finished.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float, UInt8
from pydantic import BaseModel, ConfigDict, Field

from gen3d.data.mesh_sampling import PaintedMesh
from gen3d.data.rows import JoinedRows, StackedRows
from gen3d.data.view_render import View, ViewStyle, draw_views
from gen3d.errors import InputError, ModelError
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.progress import NullProgress, ProgressSink

VIEWS_FILE, CAMERAS_FILE, _PART_FILE = "views.npy", "cameras.json", "views.part.json"
_FIELDS = ("azimuth_deg", "elevation_deg", "fov_deg", "roll_deg")
# Shapes between two entries in the count of what is done.
_FLUSH_EVERY = 64


class ViewConfig(BaseModel):
    """How a folder of views is drawn.

    Attributes:
        views: Pictures per shape.
        style: What they are drawn from.
        seed: Of cameras and lights.
        limit: Only the first so many shapes; None: all.
        workers: Processes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    views: int = Field(default=4, ge=1, le=64)
    style: ViewStyle = ViewStyle()
    seed: int = Field(default=0, ge=0)
    limit: int | None = Field(default=None, ge=1)
    workers: int = Field(default=2, ge=1)


class MeshSource(Protocol):
    """Coloured meshes by number: Y up, front +Z, centred up to a little; must be picklable."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def mesh(self, index: int) -> PaintedMesh:
        """Return one of them."""
        ...

    def fingerprint(self) -> str:
        """Tell this set from others: views are reused while it stays the same."""
        ...


@dataclass(frozen=True)
class ViewSet:
    """Views of the shapes of a folder.

    Attributes:
        images: sRGB bytes with straight opacity, memory-mapped.
        azimuth_deg: 0 looks at the front, 90 stands at the +X side.
        elevation_deg: Above the horizon.
    """

    images: UInt8[np.ndarray, "shapes views size size 4"] | StackedRows
    azimuth_deg: Float[np.ndarray, "shapes views"]
    elevation_deg: Float[np.ndarray, "shapes views"]

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def open(cls, folder: Path | str) -> ViewSet:
        """Map a folder that :func:`build_views` wrote.

        Raises:
            ModelError: The folder is not there or not complete.
        """
        folder = Path(folder)
        try:
            cameras = json.loads((folder / CAMERAS_FILE).read_text())
            images = np.load(folder / VIEWS_FILE, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise ModelError(f"no views in {folder}: {error}") from error
        azimuth, elevation = (
            np.asarray(cameras[name], np.float32) for name in ("azimuth_deg", "elevation_deg")
        )
        return cls(images, azimuth, elevation)

    @classmethod
    def joined(cls, sets: Sequence[ViewSet]) -> ViewSet:
        """See several sets as one, set after set.

        Raises:
            InputError: There are none, or they differ in views or size.
        """
        images = StackedRows(JoinedRows([s.images for s in sets]))
        if len({s.images.shape[1:] for s in sets}) > 1:
            raise InputError("sets of views differ in number or size and cannot be joined")
        azimuth, elevation = (
            np.concatenate([getattr(s, name) for s in sets])
            for name in ("azimuth_deg", "elevation_deg")
        )
        return cls(images, azimuth, elevation)


def build_views(
    config: ViewConfig,
    source: MeshSource,
    folder: Path | str,
    progress: ProgressSink | None = None,
) -> ViewSet:
    """Draw views of meshes into a folder; what is there of the same settings is reused.

    An interrupted run goes on where it was. The result does not depend on the workers.

    Args:
        config: What to draw.
        source: The meshes.
        folder: Where to; it is made if needed, and other files in it stay.
        progress: Where to report.

    Raises:
        InputError: There are no meshes.
    """
    folder, sink = Path(folder), progress or NullProgress()
    count = min(len(source), config.limit or len(source))
    if count == 0:
        raise InputError("there are no meshes to draw views of")
    wanted: dict[str, Any] = {
        "config": config.model_dump(mode="json", exclude={"workers", "limit"}),
        "source": source.fingerprint(),
        "shapes": count,
    }
    if _recorded(folder / CAMERAS_FILE, wanted) is not None:
        return ViewSet.open(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CAMERAS_FILE).unlink(missing_ok=True)
    part = _recorded(folder / _PART_FILE, wanted)
    size = config.style.size
    images = np.lib.format.open_memmap(
        folder / VIEWS_FILE,
        mode="w+" if part is None else "r+",
        dtype=np.uint8,
        shape=(count, config.views, size, size, 4),
    )
    cameras: list[list[list[float]]] = [] if part is None else part["cameras"]
    sink.stage_started("drawing views", count - len(cameras))
    for drawn, views in _drawn(config, source, range(len(cameras), count)):
        images[len(cameras)] = drawn
        cameras.append([[round(getattr(v, name), 3) for name in _FIELDS] for v in views])
        if len(cameras) % _FLUSH_EVERY == 0:
            images.flush()
            _write(folder / _PART_FILE, {**wanted, "cameras": cameras})
        sink.advance()
    sink.stage_finished()
    images.flush()
    table = np.asarray(cameras)
    rows = {name: table[..., i].tolist() for i, name in enumerate(_FIELDS)}
    _write(folder / CAMERAS_FILE, {**wanted, **rows})
    (folder / _PART_FILE).unlink(missing_ok=True)
    return ViewSet.open(folder)


def _recorded(path: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """Read a file of this folder, if it is there and of the same settings."""
    if not path.exists():
        return None
    there = json.loads(path.read_text())
    return there if {name: there.get(name) for name in wanted} == wanted else None


def _write(path: Path, content: dict[str, Any]) -> None:
    with atomic_write(path) as file:
        file.write(json.dumps(content).encode())


_Drawn = tuple[UInt8[np.ndarray, "views size size 4"], list[View]]


class _Draw:
    """Draws the views of a shape, by its number."""

    def __init__(self, config: ViewConfig, source: MeshSource) -> None:
        self._config, self._source = config, source

    def __call__(self, index: int) -> _Drawn:
        config = self._config
        seed = (config.seed, index)
        return draw_views(self._source.mesh(index), config.style, config.views, seed)


# What this process was started for: a source may be large, and goes to each process only once.
_started: list[_Draw] = []


def _start(draw: _Draw) -> None:
    torch.set_num_threads(1)
    _started.append(draw)


def _draw_started(index: int) -> _Drawn:
    return _started[-1](index)


def _drawn(config: ViewConfig, source: MeshSource, numbers: range) -> Iterator[_Drawn]:
    draw = _Draw(config, source)
    if config.workers == 1:
        yield from map(draw, numbers)
        return
    # spawn: forking a process that runs torch threads can hang.
    context = multiprocessing.get_context("spawn")
    with context.Pool(config.workers, initializer=_start, initargs=(draw,)) as pool:
        yield from pool.imap(_draw_started, numbers, chunksize=8)
