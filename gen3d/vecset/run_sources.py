"""Where runs take their shapes from."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from gen3d.data.build import META_FILE, ShardsConfig, build_shards, is_complete
from gen3d.data.item_meshes import ItemMeshes
from gen3d.data.procedural.dataset import ProceduralDataConfig, build_shape_set
from gen3d.data.procedural.dataset import ShapeSet as ProceduralSet
from gen3d.data.procedural.library import CATEGORIES
from gen3d.data.procedural.meshes import ProceduralMeshes
from gen3d.data.renders import ViewConfig, ViewSet, build_views
from gen3d.data.shards import SHARDS, MixedShapes, ShardSet
from gen3d.errors import InputError
from gen3d.runtime.progress import ProgressSink
from gen3d.vecset.config import Settings
from gen3d.vecset.shape_data import ShapeSet


class ShapeSource(Settings):
    """A folder of sampled shapes, made when it is not there; or several, mixed.

    Attributes:
        folder: Where the samples lie. Alone, it must hold a set: shards from ``gen3d data`` or
            elsewhere, or procedural shapes.
        procedural: Shapes to sample into the folder.
        shards: Meshes to sample into the folder: a collection of objects, or a folder of meshes.
        mix: Other sources to draw from by weight, instead of a folder.
    """

    folder: Path | None = None
    procedural: ProceduralDataConfig | None = None
    shards: ShardsConfig | None = None
    mix: tuple[WeightedSource, ...] = ()

    @model_validator(mode="after")
    def _is_one_thing(self) -> ShapeSource:
        made = [self.procedural, self.shards]
        if self.mix and (self.folder is not None or any(made)):
            raise ValueError("a mix has no folder of its own: give these to its sources")
        if not self.mix and self.folder is None:
            raise ValueError("give a folder, or a mix of sources")
        if all(made):
            raise ValueError("a folder holds either procedural shapes or shards, not both")
        return self

    def open(self, progress: ProgressSink | None = None) -> ShapeSet:
        """Open the folder, or sample the shapes first.

        Raises:
            InputError: A folder holds no shapes, or others than asked for.
        """
        if self.folder is None:
            sets = [part.source.open(progress) for part in self.mix]
            return MixedShapes(sets, [part.weight for part in self.mix])
        if self.procedural is not None:
            return build_shape_set(self.procedural, self.folder, progress)
        if self.shards is not None and not is_complete(self.shards, self.folder):
            build_shards(self.shards, self.folder, progress)
        if any(self.folder.glob(SHARDS)):
            return ShardSet.open(self.folder)
        if (self.folder / META_FILE).is_file():
            return ProceduralSet.open(self.folder)
        raise InputError(
            f"{self.folder} holds neither shards nor procedural shapes",
            hint="build shards with gen3d data, or say what to sample",
        )

    def open_views(self, config: ViewConfig, progress: ProgressSink | None = None) -> ViewSet:
        """Open the pictures of the shapes, or draw them first, beside the shapes.

        Raises:
            ModelError: A folder of unknown origin has no pictures yet.
        """
        if self.folder is None:
            parts = [part.source.open_views(config, progress) for part in self.mix]
            return ViewSet.joined(parts)
        self.open(progress)
        if self.procedural is not None:
            meshes = ProceduralMeshes.of_folder(self.folder)
        elif self.shards is not None:
            meshes = ItemMeshes.of_shards(self.shards, self.folder)
        else:
            return ViewSet.open(self.folder)
        return build_views(config, meshes, self.folder, progress)

    def concepts(self) -> list[str]:
        """Kinds of shapes that a model learns from this source, sorted."""
        if self.mix:
            return sorted({concept for part in self.mix for concept in part.source.concepts()})
        if self.procedural is not None:
            return sorted(self.procedural.categories or CATEGORIES)
        return sorted({category for category in self.open().categories if category})


class WeightedSource(Settings):
    """A part of a mix.

    Attributes:
        weight: Share of the drawn shapes, in any unit.
        source: Where they come from.
    """

    weight: float = Field(1.0, gt=0)
    source: ShapeSource


ShapeSource.model_rebuild()


class RunData(Settings):
    """What a run learns and what it is measured on."""

    train: ShapeSource
    held_out: ShapeSource
