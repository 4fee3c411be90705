"""Whether shapes made from one image are those that the image was drawn of.

Real objects and procedural shapes, both held out, are drawn from cameras that no training view
has. Figures of real objects have the plain names, those of procedural shapes end in ``_shapes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from gen3d.bench.bootstrap import Estimate, mean_of, share_of
from gen3d.bench.image_subjects import (
    Subject,
    known_objects,
    missing_objects,
    procedural_subjects,
    real_subjects,
)
from gen3d.bench.quality_context import PartResult, QualityContext, Tile, clouds_of
from gen3d.bench.quality_retrieval import nearest_own
from gen3d.bench.quality_samples import TILE, VIEWS, Sample, blank_tile
from gen3d.conditioning.photos import load_photo
from gen3d.data.procedural.recognise import classify
from gen3d.errors import Gen3dError, ModelError
from gen3d.geometry.metrics import chamfer_distance, pairwise_chamfer, volume_iou

_COARSE, _FINALISTS = 256, 8
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_SEED = 400_000
# What a sample without a surface is away from everything: the longest side.
_NOWHERE = 1.0


def images_part(context: QualityContext) -> PartResult:
    """Measure images of held-out shapes, and show photographs."""
    result = PartResult()
    try:
        _ = context.pipeline.image_encoder
    except ModelError as error:
        result.notes["images"] = f"not measured: {error.message}"
        return result
    known = known_objects(context)
    clouds = context.reference_clouds
    everything = clouds if known is None else torch.cat([clouds, known[0]])
    shapes = procedural_subjects(context)
    samples = _samples(context, shapes)
    figures = image_figures(shapes, samples, everything)
    figures["image_category_accuracy"] = share_of(_named(context, shapes, samples))
    result.figures |= {f"{name}_shapes": value for name, value in figures.items()}
    result.gallery["Images of held-out shapes"] = _pairs(shapes, samples)
    if missing := missing_objects(context):
        result.notes["silhouette_iou"] = f"real objects were not drawn: {missing}"
    else:
        objects = real_subjects(context)
        samples = _samples(context, objects)
        result.figures |= image_figures(objects, samples, everything)
        result.gallery["Images of real objects"] = _pairs(objects, samples)
        if known is None:
            result.notes["image_category_accuracy"] = "not measured: no training objects at hand"
        else:
            result.figures |= _object_categories(objects, samples, known)
    if context.photos is not None:
        result.gallery["Photographs"] = _photographs(context, context.photos)
    return result


def image_figures(
    subjects: Sequence[Subject], samples: Sequence[Sample | None], known: Float[Tensor, "r n 3"]
) -> dict[str, Estimate]:
    """Compare results with the true shapes.

    Args:
        subjects: True shapes.
        samples: What was made from their images.
        known: Unit clouds of training shapes.

    Returns:
        ``silhouette_iou``: mean over eight places around, in the true shape's frame;
        ``silhouette_iou_turned``: after the best of four quarter turns about the vertical;
        ``image_chamfer``: to the true shape, sides of 1; ``chamfer_vs_retrieval``: its mean over
        the mean for the training shape that is nearest to the true one, which is the best that any
        retrieval can do; ``image_to_shape_r1``: share of results that are nearer to their own true
        shape than to all others.
    """
    outlines = np.array([_outline_ious(s, t) for s, t in zip(samples, subjects, strict=True)])
    true = torch.stack([subject.cloud for subject in subjects])
    made = [None if sample is None else clouds_of([sample])[0] for sample in samples]
    distances = [
        _NOWHERE if cloud is None else float(chamfer_distance(cloud, own))
        for cloud, own in zip(made, true, strict=True)
    ]
    retrieved = [_nearest(cloud, known) for cloud in true]
    filled = torch.stack([torch.zeros_like(true[0]) if c is None else c for c in made])
    across = pairwise_chamfer(filled[:, :_COARSE], true[:, :_COARSE])
    own = nearest_own(across)
    return {
        "silhouette_iou": mean_of(outlines[:, 0]),
        "silhouette_iou_turned": mean_of(outlines.max(1)),
        "image_chamfer": mean_of(distances),
        "chamfer_vs_retrieval": mean_of(np.array(distances) / retrieved, retrieved),
        "image_to_shape_r1": share_of(
            [found and cloud is not None for found, cloud in zip(own, made, strict=True)]
        ),
    }


def _outline_ious(sample: Sample | None, subject: Subject) -> list[float]:
    """Return the mean over places for each quarter turn of the result, none first."""
    if sample is None:
        return [0.0] * 4
    true = torch.from_numpy(subject.silhouettes).flatten(1)
    made = torch.from_numpy(sample.silhouettes).flatten(1)
    step = VIEWS // 4
    return [float(volume_iou(made.roll(k * step, 0), true).mean()) for k in range(4)]


def _nearest(cloud: Float[Tensor, "n 3"], known: Float[Tensor, "r n 3"]) -> float:
    """Return the distance to the nearest known cloud; few points choose who is compared."""
    rough = chamfer_distance(cloud[:_COARSE], known[:, :_COARSE])
    best = rough.topk(min(_FINALISTS, len(known)), largest=False).indices
    return float(chamfer_distance(cloud, known[best]).min())


def _samples(context: QualityContext, subjects: Sequence[Subject]) -> list[Sample | None]:
    context.sink.stage_started("generating from images", len(subjects))
    samples = []
    for i, subject in enumerate(subjects):
        seed = _SEED + i
        make = partial(context.pipeline.image_to_3d, subject.image, seed=seed)
        samples.append(context.store.get(f"image {subject.image.stem} {seed}", make))
        context.sink.advance()
    context.sink.stage_finished()
    return samples


def _named(
    context: QualityContext, subjects: Sequence[Subject], samples: Sequence[Sample | None]
) -> list[bool]:
    return [
        sample is not None and context.judge.names(clouds_of([sample]))[0] == subject.category
        for subject, sample in zip(subjects, samples, strict=True)
    ]


def _object_categories(
    subjects: Sequence[Subject],
    samples: Sequence[Sample | None],
    known: tuple[Float[Tensor, "r n 3"], list[str]],
) -> dict[str, Estimate]:
    """Name results and true objects by the nearest training objects.

    Accuracy counts the objects whose true shape the judge recognises; how many these are is the
    ceiling.
    """
    clouds, categories = known[0][:, :_COARSE], known[1]

    def name(cloud: Float[Tensor, "n 3"]) -> str:
        return classify(pairwise_chamfer(cloud[None, :_COARSE], clouds), categories)[0]

    sound = [name(subject.cloud) == subject.category for subject in subjects]
    figures = {"image_category_ceiling": share_of(sound)}
    right = [
        sample is not None and name(clouds_of([sample])[0]) == subject.category
        for subject, sample, known_one in zip(subjects, samples, sound, strict=True)
        if known_one
    ]
    if right:
        figures["image_category_accuracy"] = share_of(right)
    return figures


def _pairs(subjects: Sequence[Subject], samples: Sequence[Sample | None]) -> list[Tile]:
    tiles = []
    for subject, sample in zip(subjects, samples, strict=True):
        overlap = _outline_ious(sample, subject)[0]
        shown = blank_tile() if sample is None else sample.tile
        both = np.hstack([on_white(subject.picture()), shown])
        wrong = "no surface" if sample is None else ""
        tiles.append(Tile(both, f"{subject.name}: silhouettes {overlap:.2f}", wrong))
    return tiles


def _photographs(context: QualityContext, folder: Path) -> list[Tile]:
    """Make a shape of every photograph; what is refused is shown with the reason."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES)
    context.sink.stage_started("photographs", len(paths))
    tiles = []
    for path in paths:
        context.sink.advance()
        try:
            photo = load_photo(path)
        except Gen3dError as error:
            tiles.append(Tile(blank_tile(), path.name, error.message))
            continue
        make = partial(context.pipeline.image_to_3d, (photo,), seed=_SEED)
        sample = context.store.get(f"photo {photo.source.sha256} {photo.method}", make)
        shown = blank_tile() if sample is None else sample.tile
        both = np.hstack([on_white(photo.rgba), shown])
        tiles.append(Tile(both, path.stem, "no surface" if sample is None else ""))
    context.sink.stage_finished()
    return tiles


def on_white(rgba: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "s s 3"]:
    """Fit a picture into a white square of a tile's size."""
    image = Image.fromarray(np.ascontiguousarray(rgba)).convert("RGBA")
    image.thumbnail((TILE, TILE))
    square = Image.new("RGB", (TILE, TILE), (255, 255, 255))
    square.paste(image, ((TILE - image.width) // 2, (TILE - image.height) // 2), image)
    return np.asarray(square)
