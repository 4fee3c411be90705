"""Folders of sampled shapes, written once and memory-mapped by training."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float16
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gen3d.data.procedural.library import CATEGORIES, make_shape
from gen3d.data.procedural.sampling import sample_shape
from gen3d.errors import InputError, ModelError
from gen3d.runtime.progress import NullProgress, ProgressSink

SPLIT_SEEDS = {"train": 0, "val": 1_000_000, "test": 2_000_000}
"""First seed of each split: models are chosen on val and reported on test."""


class ProceduralDataConfig(BaseModel):
    """How a folder of shapes is sampled.

    Attributes:
        split: Which seeds; splits never share a shape.
        per_category: Shapes of each category.
        first: Number of the first of them within the split, so that folders can share one.
        categories: Names; empty means all.
        surface: Surface points per shape.
        queries: Labelled queries per shape, half of them near the surface.
        rivals: Other shapes of the category that lend queries, see
            :func:`gen3d.data.procedural.sampling.sample_shape`.
        workers: Processes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    split: str = Field("train", pattern="^(train|val|test)$")
    per_category: int = Field(800, ge=1)
    first: int = Field(0, ge=0, lt=1_000_000)
    categories: tuple[str, ...] = ()
    surface: int = Field(2048, ge=16)
    queries: int = Field(8192, ge=16)
    rivals: int = Field(0, ge=0)
    workers: int = Field(2, ge=1)


@dataclass(frozen=True)
class ShapeSet:
    """Sampled shapes of a folder.

    Attributes:
        surface: Position, normal, sRGB colour, (shapes, n, 9) float16.
        queries: Query points, (shapes, q, 3) float16; the first ``near_count`` are near surfaces,
            the rest uniform in [-1, 1]^3.
        inside: Labels of the queries, (shapes, q).
        near_count: See ``queries``.
        captions: Captions per shape.
        categories: Category per shape.
        colours: Basic colour name of the dominant parts, per shape.
        attributes: What the captions were made from, see :func:`make_shape`; empty where the
            folder is from before they were kept.
    """

    surface: Float16[np.ndarray, "s n 9"]
    queries: Float16[np.ndarray, "s q 3"]
    inside: Bool[np.ndarray, "s q"]
    near_count: int
    captions: list[list[str]]
    categories: list[str]
    colours: list[str]
    attributes: list[dict[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.captions)

    @classmethod
    def open(cls, folder: Path | str) -> ShapeSet:
        """Map a folder that ``build_shape_set`` wrote.

        Raises:
            ModelError: The folder is not there or not complete.
        """
        folder = Path(folder)
        try:
            meta = json.loads((folder / "meta.json").read_text())
            arrays = {
                name: np.load(folder / f"{name}.npy", mmap_mode="r")
                for name in ("surface", "queries", "inside")
            }
        except (OSError, ValueError) as error:
            raise ModelError(
                f"no shape set in {folder}: {error}", hint="build it with gen3d train --data"
            ) from error
        return cls(
            arrays["surface"],
            arrays["queries"],
            arrays["inside"],
            meta["near_count"],
            meta["captions"],
            meta["categories"],
            meta["colours"],
            meta.get("attributes", []),
        )


# Seeds of a shape's rivals lie so far apart.
_RIVAL_STEP = 101
_Job = tuple[str, int, int, int, int]
_Row = tuple[NDArray[np.float16], NDArray[np.float16], NDArray[np.bool_], list[str], dict[str, str]]


def _sample(job: _Job) -> _Row:
    category, seed, surface, queries, rivals = job
    shape = make_shape(category, seed)
    others = [make_shape(category, seed + _RIVAL_STEP * (i + 1)) for i in range(rivals)]
    samples = sample_shape(shape, surface=surface, queries=queries, rivals=others)
    return (
        samples.surface.numpy().astype(np.float16),
        samples.queries.numpy().astype(np.float16),
        samples.inside.numpy(),
        list(shape.captions),
        shape.attributes,
    )


def iterate_samples(jobs: Sequence[_Job], workers: int) -> Iterator[_Row]:
    """Sample shapes in order, on several processes of one thread each."""
    if workers == 1:
        yield from map(_sample, jobs)
        return
    # spawn: forking a process that runs torch threads can hang.
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.imap(_sample, jobs, chunksize=8)


def build_shape_set(
    config: ProceduralDataConfig, folder: Path | str, progress: ProgressSink | None = None
) -> ShapeSet:
    """Sample shapes into a folder; an existing folder of the same config is reused.

    Categories alternate, so any prefix is balanced. ``meta.json`` is written last and marks the
    folder as complete.

    Raises:
        InputError: A category does not exist.
    """
    folder = Path(folder)
    sink = progress or NullProgress()
    categories = config.categories or CATEGORIES
    # By name, so that a folder from before the library grew is not taken for all of it.
    wanted = config.model_dump(mode="json", exclude={"workers"}) | {"categories": list(categories)}
    if unknown := set(categories) - set(CATEGORIES):
        raise InputError(f"unknown categories {sorted(unknown)}", hint=f"known: {CATEGORIES}")
    meta_path = folder / "meta.json"
    if meta_path.exists():
        # A folder from before a setting existed has its default.
        there = ProceduralDataConfig.model_construct().model_dump(mode="json", exclude={"workers"})
        if there | json.loads(meta_path.read_text())["config"] == wanted:
            return ShapeSet.open(folder)
    folder.mkdir(parents=True, exist_ok=True)
    meta_path.unlink(missing_ok=True)
    first = SPLIT_SEEDS[config.split] + config.first
    jobs = [
        (category, first + i, config.surface, config.queries, config.rivals)
        for i in range(config.per_category)
        for category in categories
    ]
    n = len(jobs)
    shapes = {
        "surface": ((n, config.surface, 9), np.float16),
        "queries": ((n, config.queries, 3), np.float16),
        "inside": ((n, config.queries), np.bool_),
    }
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)
        for name, (shape, dtype) in shapes.items()
    }
    captions: list[list[str]] = []
    attributes: list[dict[str, str]] = []
    sink.stage_started("sampling shapes", n)
    for i, row in enumerate(iterate_samples(jobs, config.workers)):
        arrays["surface"][i], arrays["queries"][i], arrays["inside"][i] = row[:3]
        captions.append(row[3])
        attributes.append(row[4])
        sink.advance()
    sink.stage_finished()
    for array in arrays.values():
        array.flush()
    meta = {
        "config": wanted,
        "near_count": config.queries // 2,
        "captions": captions,
        "categories": [job[0] for job in jobs],
        "colours": [entry["colour"] for entry in attributes],
        "attributes": attributes,
    }
    meta_path.write_text(json.dumps(meta))
    return ShapeSet.open(folder)
