"""Shards from any source of shapes: sampled once, in parts, so that a stopped build goes on."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from gen3d.data.mesh_folder import MeshFolderConfig, folder_items
from gen3d.data.mesh_item import MeshItem
from gen3d.data.mesh_sampling import MeshSamples, sample_mesh
from gen3d.data.object_captions import describe
from gen3d.data.objects import ObjectsConfig, object_items
from gen3d.data.shard_files import ShardSample, write_shard
from gen3d.data.watertight import THICKNESS
from gen3d.errors import FormatError, Gen3dError, InputError
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.progress import NullProgress, ProgressSink

META_FILE, REPORT_FILE = "meta.json", "report.json"


class ShardsConfig(BaseModel):
    """What shards are made of, and how.

    Attributes:
        objects: A collection of named objects; or
        meshes: a folder of meshes.
        surface: Surface points per shape.
        queries: Labelled queries per shape, half of them near the surface.
        thickness: Least thickness of parts, in the network's frame (longest side 1.9).
        captions: Captions per shape, where they are written from a name.
        per_shard: Shapes that a shard is made from.
        least_kept: Drop a mesh of whose surface less is on the border of a solid: it is badly
            closed, or mostly hidden faces.
        least_volume: Drop a mesh that fills less of the cube [-1, 1]^3: next to nothing to learn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    objects: ObjectsConfig | None = None
    meshes: MeshFolderConfig | None = None
    surface: int = Field(2048, ge=16)
    queries: int = Field(8192, ge=16)
    thickness: float = Field(THICKNESS, gt=0, lt=0.5)
    captions: int = Field(8, ge=1)
    per_shard: int = Field(64, ge=1)
    least_kept: float = Field(0.15, ge=0, le=1)
    least_volume: float = Field(2.5e-4, ge=0, le=1)

    @model_validator(mode="after")
    def _has_a_source(self) -> ShardsConfig:
        if (self.objects is None) == (self.meshes is None):
            raise ValueError("give one source: objects or meshes")
        return self

    def items(self) -> list[MeshItem]:
        """List the meshes of the source."""
        if self.objects is not None:
            return object_items(self.objects)
        assert self.meshes is not None
        return folder_items(self.meshes)


@dataclass(frozen=True)
class ShardsReport:
    """What became of a source.

    Attributes:
        folder: Where the shards lie.
        kept: Number of shapes in them.
        dropped: Reason for each mesh that was left out, by key.
    """

    folder: Path
    kept: int
    dropped: dict[str, str]


def build_shards(
    config: ShardsConfig, folder: Path | str, progress: ProgressSink | None = None
) -> ShardsReport:
    """Sample a source into a folder of shards; what is there already is kept.

    Shard ``i`` is made from the same meshes in every run, so a build that was stopped goes on at
    the shard it was at. ``meta.json`` (the config) is written first: a folder of another config is
    refused. ``report.json`` is written last; it tells why meshes were left out.

    Raises:
        InputError: The source is missing or empty, or the folder holds another set.
        OutputError: The folder cannot be written.
    """
    folder = Path(folder)
    sink = progress or NullProgress()
    items = config.items()
    _claim(config, folder)
    parts = [items[i : i + config.per_shard] for i in range(0, len(items), config.per_shard)]
    sink.stage_started("sampling meshes", len(items))
    rows: list[dict[str, Any]] = []
    for number, part in enumerate(parts):
        rows += _build_part(config, part, folder / f"shapes-{number:05d}.tar", sink)
    sink.stage_finished()
    dropped = {row["key"]: row["dropped"] for row in rows if "dropped" in row}
    _write_json({"kept": len(rows) - len(dropped), "dropped": dropped, "shapes": rows}, folder)
    if len(dropped) == len(rows):
        raise InputError(f"none of the {len(rows)} meshes can be used", hint=f"see {folder}")
    return ShardsReport(folder, len(rows) - len(dropped), dropped)


def is_complete(config: ShardsConfig, folder: Path | str) -> bool:
    """Tell whether a folder holds all shards of a config."""
    folder = Path(folder)
    meta = folder / META_FILE
    return (folder / REPORT_FILE).is_file() and meta.is_file() and _same(config, meta)


def _claim(config: ShardsConfig, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    meta = folder / META_FILE
    if meta.is_file() and not _same(config, meta):
        raise InputError(
            f"{folder} holds shards of another config", hint="remove it, or choose another folder"
        )
    with atomic_write(meta) as file:
        file.write(json.dumps(config.model_dump(mode="json"), indent=2).encode() + b"\n")


def _same(config: ShardsConfig, meta: Path) -> bool:
    try:
        return json.loads(meta.read_text()) == config.model_dump(mode="json")
    except ValueError as error:
        raise FormatError(f"{meta} is damaged: {error}", hint="remove the folder") from error


def _build_part(
    config: ShardsConfig, items: Sequence[MeshItem], path: Path, sink: ProgressSink
) -> list[dict[str, Any]]:
    """Write one shard, and beside it what is known of its meshes; or read that."""
    notes = path.with_suffix(".json")
    if notes.is_file():
        sink.advance(len(items))
        return json.loads(notes.read_text())
    samples: list[ShardSample] = []
    rows: list[dict[str, Any]] = []
    for item in items:
        row, sample = _build_item(config, item)
        rows.append(row)
        if sample is not None:
            samples.append(sample)
        sink.advance()
    if samples:
        write_shard(path, samples)
    # Written after the shard: it marks the part as done.
    with atomic_write(notes) as file:
        file.write(json.dumps(rows).encode())
    return rows


def _build_item(config: ShardsConfig, item: MeshItem) -> tuple[dict[str, Any], ShardSample | None]:
    row: dict[str, Any] = {"key": item.key, "name": item.name, "category": item.category}
    seed = zlib.crc32(item.key.encode())
    try:
        painted = item.load()
        found = sample_mesh(
            painted,
            seed=seed,
            surface=config.surface,
            queries=config.queries,
            thickness=config.thickness,
        )
    except Gen3dError as error:
        return row | {"dropped": error.message}, None
    row |= {
        "kept_share": round(found.kept_share, 3),
        "volume": round(found.volume, 5),
        "sheet_share": round(found.sheet_share, 3),
    }
    if found.kept_share < config.least_kept:
        return row | {"dropped": "badly closed: too little of its surface borders a solid"}, None
    if found.volume < config.least_volume:
        return row | {"dropped": "next to empty: it fills too little of the cube"}, None
    return row, _shard_sample(config, item, found, seed)


def _shard_sample(
    config: ShardsConfig, item: MeshItem, found: MeshSamples, seed: int
) -> ShardSample:
    surface = found.samples.surface.numpy()
    captions = item.captions or describe(
        item.name,
        category=item.category,
        colours=surface[:, 6:].astype(np.float64) if item.painted else None,
        rng=np.random.default_rng([seed, 5]),
        count=config.captions,
    )
    about = {
        "captions": list(captions),
        "category": item.category,
        "name": item.name,
        "painted": item.painted,
        "licence": item.licence,
        "author": item.author,
        "source": item.source,
        "near_count": config.queries // 2,
    }
    return ShardSample(
        item.key,
        surface.astype(np.float16),
        found.samples.queries.numpy().astype(np.float16),
        found.samples.inside.numpy(),
        about,
    )


def _write_json(report: dict[str, Any], folder: Path) -> None:
    with atomic_write(folder / REPORT_FILE) as file:
        file.write(json.dumps(report, indent=1).encode() + b"\n")
