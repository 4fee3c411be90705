"""How well the autoencoder keeps shapes that it was never trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.bench.bootstrap import Estimate, mean_of
from gen3d.bench.part_labels import is_thin, label_points
from gen3d.bench.quality_context import REAL_SPLITS, PartResult, QualityContext, library_key
from gen3d.bench.rows import Row, Table, table_of
from gen3d.data.procedural import Shape, Solid, make_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.data.procedural.sampling import sample_surface_points
from gen3d.data.procedural.sketch import LONGEST_SIDE
from gen3d.data.shards import SHARDS, ShardSet
from gen3d.errors import EmptySurfaceError
from gen3d.geometry.metrics import volume_iou
from gen3d.geometry.sample import sample_surface
from gen3d.geometry.surface_metrics import compare_surfaces, nearest_points
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.extract import extract_mesh
from gen3d.vecset.objective import reconstruction_figures
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.vae import DecodedShape, ShapeVAE

TOLERANCE = 0.02
"""Share of the longest side within which surfaces agree."""

_ENCODED, _COMPARED, _QUERIES = 1024, 8192, 16384
_NOTHING = {"fscore_002": 0.0, "precision_002": 0.0, "recall_002": 0.0, "normal_consistency": 0.0}


def reconstruction_part(context: QualityContext) -> PartResult:
    """Measure volumes, surfaces, thin parts and colours of reconstructed shapes."""
    result = _procedural(context)
    folder = None if context.objects is None else context.objects / REAL_SPLITS[context.split]
    if folder is None or not any(folder.glob(SHARDS)):
        place = "no folder was given" if folder is None else f"{folder} holds no shards"
        result.notes["vae_iou_objects"] = f"not measured: {place}"
        return result
    rows = _objects(context, ShardSet.open(folder))
    result.figures["vae_iou_objects"] = mean_of([row["vae_iou"] for row in rows])
    result.figures["colour_psnr_objects_db"] = _psnr(rows)
    return result


def reconstruct(pipeline: VecsetPipeline, shape: Shape, *, resolution: int, seed: int = 0) -> Row:
    """Encode a shape's surface, decode it, and compare.

    Args:
        pipeline: The model.
        shape: A procedural shape.
        resolution: Cells per axis of the decoded surface.
        seed: Of the points.

    Returns:
        ``vae_iou`` on uniform points of the cube, ``fscore_002`` with its ``precision_002`` and
        ``recall_002``, ``normal_consistency``, ``colour_psnr_db`` where the model has colours,
        ``thin_points`` and, of these, ``thin_kept``.
    """
    solid, rng = Solid(shape.parts), np.random.default_rng([seed, shape.seed])
    drawn, normals = sample_surface_points(shape, solid, _ENCODED + _COMPARED, rng)
    queries = torch.from_numpy(rng.uniform(-1, 1, (_QUERIES, 3)).astype(np.float32))
    with torch.no_grad():
        colours, inside = solid.colour(drawn), solid.field(queries) > 0
    vae, device = pipeline.vae, pipeline.device
    seen = torch.cat([drawn, normals, colours], 1)[None, :_ENCODED].to(device)
    true = torch.cat([drawn, normals], 1)[_ENCODED:]
    thin = true[label_points(shape, true[:, :3], is_thin), :3]
    with torch.no_grad():
        decoded = vae.decode(vae.encode(seen).mean)
        guessed = _inside(vae, queries, decoded)
        row = {"vae_iou": float(volume_iou(guessed, inside)), "thin_points": len(thin)}
        if vae.colour is not None:
            made = vae.colours(true[None, :, :3].to(device), decoded)[0].cpu()
            error = float((made - colours[_ENCODED:]).square().mean())
            row["colour_psnr_db"] = -10 * math.log10(max(error, 1e-8))
        try:
            mesh = extract_mesh(
                vae,
                decoded,
                resolution=resolution,
                start=pipeline.sampling.decode_start,
                normalise=False,
            ).mesh
        except EmptySurfaceError:
            return row | _NOTHING | {"thin_kept": 0}
        cloud = sample_surface(mesh, _COMPARED, make_generator(seed))
        assert cloud.normals is not None, "points drawn from a mesh have normals"
        surface = torch.from_numpy(np.concatenate([cloud.points, cloud.normals], 1)).float()
        row["thin_kept"] = _kept(vae, thin, surface, decoded)
    found = compare_surfaces(surface, true, tolerance=TOLERANCE * LONGEST_SIDE)
    return row | {
        "fscore_002": found.fscore,
        "precision_002": found.precision,
        "recall_002": found.recall,
        "normal_consistency": found.normal_consistency,
    }


def _inside(vae: ShapeVAE, points: Float[Tensor, "n 3"], decoded: DecodedShape) -> Tensor:
    device = vae.from_latent.weight.device
    return vae.occupancy(points[None].to(device), decoded)[0].cpu() > 0


def _kept(
    vae: ShapeVAE, thin: Float[Tensor, "k 3"], surface: Float[Tensor, "n 6"], decoded: DecodedShape
) -> int:
    """Count the points of thin parts that are inside or near the surface of what was decoded."""
    if not len(thin):
        return 0
    near = nearest_points(thin, surface[:, :3])[0] <= TOLERANCE * LONGEST_SIDE
    return int((near | _inside(vae, thin, decoded)).sum())


def _procedural(context: QualityContext) -> PartResult:
    sizes, first = context.sizes, SPLIT_SEEDS[context.split]
    jobs = [(c, first + i) for c in sizes.categories for i in range(sizes.reconstructed)]
    context.sink.stage_started("reconstructing", len(jobs))
    rows: list[Row] = []
    for category, seed in jobs:
        shape = make_shape(category, seed)
        settings = [context.model_key, library_key(), category, seed, sizes.resolution]

        def measure(shape: Shape = shape) -> Row:
            return reconstruct(context.pipeline, shape, resolution=sizes.resolution)

        rows.append(context.rows.get("reconstruct", settings, measure))
        context.sink.advance()
    context.sink.stage_finished()
    names = ("vae_iou", "fscore_002", "normal_consistency")
    figures = {name: mean_of([row[name] for row in rows]) for name in names}
    figures["vae_iou_worst"] = Estimate.plain(min(row["vae_iou"] for row in rows), len(rows))
    points = np.array([row["thin_points"] for row in rows])
    if points.sum():
        kept = np.array([row["thin_kept"] for row in rows]) / np.maximum(points, 1)
        figures["thin_part_recall"] = mean_of(kept, points)
    if all("colour_psnr_db" in row for row in rows):
        figures["colour_psnr_db"] = _psnr(rows)
    return PartResult(figures, [_worst(jobs, rows)])


def _psnr(rows: Sequence[Row]) -> Estimate:
    return mean_of([row["colour_psnr_db"] for row in rows])


def _worst(jobs: Sequence[tuple[str, int]], rows: Sequence[Row], count: int = 12) -> Table:
    order = np.argsort([row["vae_iou"] for row in rows])[:count]
    chosen = {f"{jobs[i][0]} {jobs[i][1]}": rows[i] for i in order.tolist()}
    return table_of("worst reconstructions (category, seed)", chosen)


def _objects(context: QualityContext, shapes: ShardSet) -> list[Row]:
    """Measure real objects one by one."""
    count = min(len(shapes), context.sizes.real_objects)
    chosen = np.linspace(0, len(shapes) - 1, count).round().astype(int).tolist()
    context.sink.stage_started("reconstructing real objects", count)
    rows = []
    for index in chosen:

        def measure(index: int = index) -> Row:
            return reconstruction_figures(
                context.pipeline.vae,
                _OneOf(shapes, index),
                shapes=1,
                points=_ENCODED,
                queries=_QUERIES,
            )

        settings = [context.model_key, shapes.keys[index], len(shapes)]
        rows.append(context.rows.get("reconstruct-object", settings, measure))
        context.sink.advance()
    context.sink.stage_finished()
    return rows


class _OneOf:
    """One shape of a set, as a set."""

    def __init__(self, shapes: ShardSet, index: int) -> None:
        at = slice(index, index + 1)
        self.surface = np.asarray(shapes.surface[at])
        self.queries = np.asarray(shapes.queries[at])
        self.inside = np.asarray(shapes.inside[at])
        self.near_count = shapes.near_count
        self.captions, self.categories = shapes.captions[at], shapes.categories[at]
