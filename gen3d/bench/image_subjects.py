"""What images are drawn of: held-out shapes and real objects, from cameras of their own."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from gen3d.bench.quality_context import REAL_SPLITS, QualityContext, library_key
from gen3d.bench.quality_samples import CLOUD, silhouettes_of
from gen3d.data.build import META_FILE, ShardsConfig
from gen3d.data.item_meshes import ItemMeshes
from gen3d.data.mesh_sampling import PaintedMesh, paint
from gen3d.data.procedural import Solid, make_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.data.procedural.recognise import unit_clouds
from gen3d.data.procedural.sampling import sample_surface_points
from gen3d.data.procedural.solid_mesh import solid_mesh
from gen3d.data.shards import SHARDS, ShardSet
from gen3d.data.view_render import ViewStyle, draw_views
from gen3d.errors import Gen3dError
from gen3d.io.files import read_bytes
from gen3d.io.images import load_image, save_png

_STYLE = ViewStyle(size=192)
# No training view is drawn with it.
_VIEW_SEED = 90_210


@dataclass(frozen=True)
class Subject:
    """A true shape and a picture of it.

    Attributes:
        name: For people; no two have the same.
        category: Of the shape.
        image: File, transparent around the shape.
        cloud: Its surface, unit size.
        silhouettes: From other places, see :func:`gen3d.bench.quality_samples.silhouettes_of`.
    """

    name: str
    category: str
    image: Path
    cloud: Float[Tensor, "n 3"]
    silhouettes: Bool[np.ndarray, "views h w"]

    def picture(self) -> UInt8[np.ndarray, "h w 4"]:
        """Read the picture."""
        return load_image(self.image)


def procedural_subjects(context: QualityContext) -> list[Subject]:
    """Draw held-out shapes, categories spread evenly."""
    categories = context.sizes.categories
    count = min(context.sizes.image_shapes, len(categories))
    chosen = np.linspace(0, len(categories) - 1, count).round().astype(int).tolist()
    context.sink.stage_started("drawing shapes", count)
    subjects = []
    for index in chosen:
        # Behind those that the autoencoder is measured on.
        shape = make_shape(categories[index], SPLIT_SEEDS[context.split] + 5)
        points, _ = sample_surface_points(
            shape, Solid(shape.parts), CLOUD, np.random.default_rng(shape.seed)
        )
        name = f"{shape.category} {shape.seed}"
        subjects.append(
            _drawn(
                context,
                name,
                shape.category,
                points,
                lambda s=shape: paint(solid_mesh(s, 64)),
                key=library_key(),
            )
        )
        context.sink.advance()
    context.sink.stage_finished()
    return subjects


def real_subjects(context: QualityContext) -> list[Subject]:
    """Draw real objects.

    Raises:
        Gen3dError: Shards or the meshes behind them are missing.
    """
    assert context.objects is not None, "asked for only with a folder"
    folder = context.objects / REAL_SPLITS[context.split]
    shapes = ShardSet.open(folder)
    config = ShardsConfig.model_validate_json(read_bytes(folder / META_FILE))
    meshes = ItemMeshes.of_shards(config, folder)
    count = min(context.sizes.image_objects, len(shapes))
    chosen = np.linspace(0, len(shapes) - 1, count).round().astype(int).tolist()
    context.sink.stage_started("drawing real objects", count)
    subjects = []
    for index in chosen:
        points = torch.from_numpy(np.asarray(shapes.surface[index])[:CLOUD, :3].astype(np.float32))
        category, key = shapes.categories[index], shapes.keys[index]
        subjects.append(
            _drawn(context, key, category, points, lambda i=index: meshes.mesh(i), key="object")
        )
        context.sink.advance()
    context.sink.stage_finished()
    return subjects


def known_objects(context: QualityContext) -> tuple[Float[Tensor, "s n 3"], list[str]] | None:
    """Return clouds and categories of the training objects; None where there are none."""
    if context.objects is None:
        return None
    folder = context.objects / "train"
    if not any(folder.glob(SHARDS)):
        return None
    shapes = ShardSet.open(folder)
    points = np.asarray(shapes.surface[:, :CLOUD, :3]).astype(np.float32)
    return unit_clouds(torch.from_numpy(points)), shapes.categories


def missing_objects(context: QualityContext) -> str:
    """Say why there are no real objects to draw; "": there are."""
    if context.objects is None:
        return "no folder was given"
    folder = context.objects / REAL_SPLITS[context.split]
    try:
        config = ShardsConfig.model_validate_json(read_bytes(folder / META_FILE))
        ItemMeshes.of_shards(config, folder)
    except Gen3dError as error:
        return error.message
    return ""


def _drawn(
    context: QualityContext,
    name: str,
    category: str,
    points: Float[Tensor, "n 3"],
    mesh: Callable[[], PaintedMesh],
    *,
    key: str,
) -> Subject:
    """Draw a shape and its outlines, or find them."""
    stem = f"{name.replace(' ', '-')}-{key}"
    folder = context.cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    image, outlines = folder / f"{stem}.png", folder / f"{stem}.npy"
    if not outlines.exists():
        painted = mesh()
        seed = (_VIEW_SEED, zlib.crc32(name.encode()))
        save_png(draw_views(painted, _STYLE, 1, seed)[0][0], image)
        np.save(outlines, silhouettes_of(painted.mesh))
    cloud = unit_clouds(points[None])[0]
    return Subject(name, category, image, cloud, np.load(outlines))
