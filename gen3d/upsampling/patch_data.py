"""Folders of training patches, written once and memory-mapped by training."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from pydantic import Field, model_validator

from gen3d.errors import Gen3dError, InputError, ModelError
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.training.config import Settings
from gen3d.upsampling.hdf5_patches import pair_hdf5_patch, read_hdf5_patches
from gen3d.upsampling.patch_cutting import CuttingConfig, PatchRows, cut_shape
from gen3d.upsampling.patch_shapes import Sampler, ShapesConfig

_META = "meta.json"
_ARRAYS = {"start": np.float32, "target": np.float32, "normals": np.float16, "noise": np.float32}


class PatchSetConfig(Settings):
    """What a folder of patches is made from.

    Attributes:
        shapes: Surfaces to cut patches from; or
        hdf5: a file of patches in the layout of PU-GAN and PU1K.
        cutting: How.
        limit: Take so many shapes or stored patches at most; None: all.
        seed: Of the choices.
        workers: Processes, for procedural shapes.
    """

    shapes: ShapesConfig | None = None
    hdf5: Path | None = None
    cutting: CuttingConfig = CuttingConfig()
    limit: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0)
    workers: int = Field(default=2, ge=1)

    @model_validator(mode="after")
    def _has_a_source(self) -> PatchSetConfig:
        if (self.shapes is None) == (self.hdf5 is None):
            raise ValueError("give one source: shapes or hdf5")
        return self


@dataclass(frozen=True)
class PatchSet:
    """Pairs of patches of a folder, see :class:`gen3d.upsampling.patch_cutting.PatchRows`.

    Attributes:
        start: Interpolated points.
        target: Where each of them belongs.
        normals: Of the surface there; None: unknown.
        noise: Standard deviation of the input's noise.
    """

    start: Float32[np.ndarray, "rows n 3"]
    target: Float32[np.ndarray, "rows n 3"]
    normals: Float[np.ndarray, "rows n 3"] | None
    noise: Float32[np.ndarray, " rows"]

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def open(cls, folder: Path | str) -> PatchSet:
        """Map a folder that :func:`build_patch_set` wrote.

        Raises:
            ModelError: The folder is not there or not complete.
        """
        folder = Path(folder)
        try:
            names = json.loads((folder / _META).read_text())["arrays"]
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
            return cls(arrays["start"], arrays["target"], arrays.get("normals"), arrays["noise"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"no patch set in {folder}: {error}", hint="let gen3d train build it"
            ) from error


def build_patch_set(
    config: PatchSetConfig, folder: Path | str, progress: ProgressSink | None = None
) -> PatchSet:
    """Make the patches of a folder; an existing folder of the same config is reused.

    ``meta.json`` is written last and marks the folder as complete. Shapes that show almost no
    surface are left out.

    Raises:
        InputError: The source is missing, or gives no patch at all.
        OutputError: The folder cannot be written.
    """
    folder = Path(folder)
    wanted = config.model_dump(mode="json", exclude={"workers"})
    meta = folder / _META
    if meta.exists() and json.loads(meta.read_text())["config"] == wanted:
        return PatchSet.open(folder)
    folder.mkdir(parents=True, exist_ok=True)
    meta.unlink(missing_ok=True)
    sink = progress or NullProgress()
    files: dict[str, Any] = {}
    rows = 0
    try:
        for part in _parts(config, sink):
            for name, array in _named(part).items():
                if name not in files:
                    files[name] = (folder / f"{name}.raw").open("wb")
                files[name].write(np.ascontiguousarray(array, _ARRAYS[name]).tobytes())
            rows += len(part.start)
    finally:
        for file in files.values():
            file.close()
    if not rows:
        raise InputError("the source of patches gave none", hint="look at its settings")
    for name in files:
        _wrap(folder, name, rows, config.cutting.patch_points)
    with atomic_write(meta) as file:
        about = {"config": wanted, "rows": rows, "arrays": list(files)}
        file.write(json.dumps(about, indent=1).encode())
    return PatchSet.open(folder)


def _named(part: PatchRows) -> dict[str, np.ndarray]:
    arrays = {"start": part.start, "target": part.target, "noise": part.noise}
    return arrays if part.normals is None else {**arrays, "normals": part.normals}


def _wrap(folder: Path, name: str, rows: int, points: int) -> None:
    """Give raw numbers, whose count was not known before, a header."""
    shape = (rows,) if name == "noise" else (rows, points, 3)
    raw = folder / f"{name}.raw"
    values = np.memmap(raw, _ARRAYS[name], "r", shape=shape)
    np.save(folder / f"{name}.npy", values)
    del values
    raw.unlink()


def _parts(config: PatchSetConfig, sink: ProgressSink) -> Iterator[PatchRows]:
    if config.hdf5 is not None:
        sparse, dense = read_hdf5_patches(config.hdf5)
        cutting = config.cutting.model_copy(update={"patch_points": dense.shape[1]})
        if cutting.patch_points != config.cutting.patch_points:
            raise InputError(
                f"{config.hdf5} has patches of {dense.shape[1]} points, "
                f"cutting.patch_points says {config.cutting.patch_points}"
            )
        count = min(len(sparse), config.limit or len(sparse))
        sink.stage_started("matching patches", count)
        for i in range(count):
            yield pair_hdf5_patch(sparse[i], dense[i], cutting, np.random.default_rng([i, 17]))
            sink.advance()
        sink.stage_finished()
        return
    assert config.shapes is not None
    samplers = config.shapes.samplers()[: config.limit]
    jobs = [(sampler, config.cutting, config.seed, i) for i, sampler in enumerate(samplers)]
    workers = config.workers if config.shapes.procedural is not None else 1
    sink.stage_started("cutting patches", len(jobs))
    for part in _cut_all(jobs, workers):
        if part is not None:
            yield part
        sink.advance()
    sink.stage_finished()


_Job = tuple[Sampler, CuttingConfig, int, int]


def _cut_all(jobs: list[_Job], workers: int) -> Iterator[PatchRows | None]:
    """Cut shapes in order, on several processes of one thread each."""
    if workers == 1:
        yield from map(_cut, jobs)
        return
    # spawn: forking a process that runs torch threads can hang.
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.imap(_cut, jobs, chunksize=2)


def _cut(job: _Job) -> PatchRows | None:
    """Cut one shape; None where it shows almost no surface."""
    sampler, config, seed, number = job
    try:
        surface = sampler(config.dense_points * config.candidates)
    except Gen3dError:
        return None
    return cut_shape(surface, config, np.random.default_rng([seed, number, 19]))
