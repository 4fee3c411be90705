"""Whether counts and colours of parts are followed: "a table with three legs"."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gen3d.bench.bootstrap import mean_of, share_of
from gen3d.bench.part_asks import ColourAttribute, CountAttribute, PartAsk, make_part_asks
from gen3d.bench.quality_context import PartResult, QualityContext, clouds_of, tile_of
from gen3d.bench.quality_samples import Sample
from gen3d.bench.rows import Table
from gen3d.vecset.extract import shape_field
from gen3d.vecset.pipeline import VecsetPipeline


def parts_part(context: QualityContext) -> PartResult:
    """Measure prompts with counts and part colours."""
    sizes = context.sizes
    asks = make_part_asks(
        sizes.part_prompts,
        split=context.split,
        categories=sizes.categories,
        shapes=sizes.part_shapes,
        cache=context.cache,
        sink=context.sink,
    )
    if not asks:
        return PartResult(notes={"part_accuracy": "not measured: no part can be judged"})
    samples = _samples(context, asks)
    flags = [_right(ask, sample) for ask, sample in zip(asks, samples, strict=True)]
    counts = [isinstance(ask.attribute, CountAttribute) for ask in asks]
    figures = {
        "part_accuracy": share_of(flags),
        "part_ceiling": mean_of([ask.attribute.ceiling for ask in asks]),
    }
    for name, kind in (("count", True), ("part_colour", False)):
        own = [flag for flag, counted in zip(flags, counts, strict=True) if counted == kind]
        if own:
            figures[f"{name}_accuracy"] = share_of(own)
    tiles = [
        tile_of(sample, ask.text, "" if right else "not so")
        for ask, sample, right in zip(asks, samples, flags, strict=True)
    ]
    return PartResult(figures, [_table(asks, flags)], gallery={"Counts and part colours": tiles})


def inside_of(
    pipeline: VecsetPipeline, text: str, seed: int, points: Float[Tensor, "n 3"]
) -> Bool[np.ndarray, " n"]:
    """Tell which points are inside the shape that ``text_to_3d`` makes, network frame."""
    options = pipeline.resolve()
    latents = pipeline.sample_latents(
        [text], [seed], steps=options.steps, guidance=options.guidance
    )
    with torch.no_grad():
        shape = pipeline.vae.decode(latents / pipeline.vae.config.scale_factor)
        return (shape_field(pipeline.vae, shape)(points.to(pipeline.device)) > 0).cpu().numpy()


def _samples(context: QualityContext, asks: Sequence[PartAsk]) -> list[Sample | None]:
    pipeline = context.pipeline
    context.sink.stage_started("counts and part colours", len(asks))
    samples = []
    for ask in asks:
        make = partial(pipeline.text_to_3d, ask.text, seed=ask.seed)
        key, inside = f"text {ask.text!r} {ask.seed}", None
        if isinstance(ask.attribute, CountAttribute):
            points = ask.attribute.judge.points
            key += f" inside {hashlib.sha256(points.numpy().tobytes()).hexdigest()[:12]}"
            inside = partial(inside_of, pipeline, ask.text, ask.seed, points)
        samples.append(context.store.get(key, make, inside=inside))
        context.sink.advance()
    context.sink.stage_finished()
    return samples


def _right(ask: PartAsk, sample: Sample | None) -> bool:
    if sample is None:
        return False
    attribute = ask.attribute
    if isinstance(attribute, ColourAttribute):
        return attribute.judge.right(clouds_of([sample])[0], sample.names, ask.colour)
    return float(attribute.judge.lead(torch.from_numpy(sample.inside)[None])) > 0


def _table(asks: Sequence[PartAsk], flags: Sequence[bool]) -> Table:
    rows = [
        [ask.text, f"{ask.attribute.ceiling:.2f}", "yes" if right else "no"]
        for ask, right in zip(asks, flags, strict=True)
    ]
    return "counts and part colours", ("prompt", "ceiling of the judge", "right"), rows
