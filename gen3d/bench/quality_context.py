"""What the parts of ``gen3d bench quality`` share: the model, true shapes, judges, samples."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from gen3d.bench.bootstrap import Estimate
from gen3d.bench.category_judge import CategoryJudge
from gen3d.bench.point_encoder import PointEncoder, cached_point_encoder
from gen3d.bench.quality_prompts import Prompt
from gen3d.bench.quality_samples import Sample, SampleStore, blank_tile
from gen3d.bench.rows import Rows, Table
from gen3d.data.procedural import CATEGORIES, make_shape
from gen3d.data.procedural.dataset import ProceduralDataConfig, ShapeSet, build_shape_set
from gen3d.data.procedural.recognise import unit_clouds
from gen3d.runtime.progress import ProgressSink
from gen3d.vecset.pipeline import VecsetPipeline

REAL_SPLITS = {"test": "val", "val": "dev"}
"""Which of the real objects belong to a split of the procedural shapes."""

_SURFACE = 1024
_FEWEST_QUERIES = 16
# Fewer shapes than this are sampled before a second process has started.
_WORTH_A_PROCESS = 200


@dataclass(frozen=True)
class QualitySizes:
    """How much is measured; the defaults end within a quarter of an hour on two cores.

    Attributes:
        per_category: Plain prompts per category.
        paraphrases: Prompts in sentences of unseen form.
        part_prompts: Prompts with counts or part colours.
        references: Training shapes of each category that judge and compare.
        held_out: Held-out shapes of each category that samples are compared with.
        reconstructed: Held-out shapes of each category that the autoencoder reproduces.
        real_objects: Real objects that it reproduces, at most.
        image_objects: Real objects that are drawn as images, at most.
        image_shapes: Procedural shapes that are drawn as images.
        part_shapes: True shapes of a category and split that judge parts.
        encoder_steps: Training steps of the point encoder.
        resolution: Cells per axis of reconstructed surfaces.
        categories: Which.
    """

    per_category: int = 3
    paraphrases: int = 60
    part_prompts: int = 60
    references: int = 30
    held_out: int = 6
    reconstructed: int = 1
    real_objects: int = 72
    image_objects: int = 36
    image_shapes: int = 24
    part_shapes: int = 32
    encoder_steps: int = 900
    resolution: int = 128
    categories: tuple[str, ...] = CATEGORIES


@dataclass(frozen=True)
class Tile:
    """A picture for the report.

    Attributes:
        image: sRGB bytes.
        caption: What it was made from.
        wrong: What is wrong with it; "": nothing.
    """

    image: UInt8[np.ndarray, "h w c"]
    caption: str
    wrong: str = ""


@dataclass
class PartResult:
    """What a part of the bench found.

    Attributes:
        figures: With intervals, by key.
        tables: For people.
        notes: What was left out and why, and what else should be known.
        gallery: Pictures by title.
    """

    figures: dict[str, Estimate] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    gallery: dict[str, list[Tile]] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """Prompts with their samples; the clouds are those of the samples that have a surface.

    Attributes:
        prompts: What was asked.
        samples: What came, None without a surface.
    """

    prompts: list[Prompt]
    samples: list[Sample | None]

    @property
    def shown(self) -> list[tuple[Prompt, Sample]]:
        """Those with a surface."""
        pairs = zip(self.prompts, self.samples, strict=True)
        return [(prompt, sample) for prompt, sample in pairs if sample is not None]

    @property
    def clouds(self) -> Float[Tensor, "s n 3"]:
        """Unit clouds of those with a surface."""
        return clouds_of([sample for _, sample in self.shown])


class QualityContext:
    """What the parts share, made when first asked for.

    Args:
        pipeline: The model.
        sizes: How much is measured.
        split: ``test`` for reports, ``val`` for tuning.
        cache: Finished work; a stopped bench resumes.
        sink: Where to report.
        objects: Folder with shards of real objects in ``val`` and ``dev``, see ``gen3d data``.
        photos: Folder of photographs, for pictures.
    """

    def __init__(
        self,
        pipeline: VecsetPipeline,
        sizes: QualitySizes,
        *,
        split: str,
        cache: Path,
        sink: ProgressSink,
        objects: Path | None = None,
        photos: Path | None = None,
    ) -> None:
        self.pipeline, self.sizes, self.split = pipeline, sizes, split
        self.cache, self.sink = cache, sink
        self.objects, self.photos = objects, photos
        self.rows = Rows(cache)

    @cached_property
    def model_key(self) -> str:
        """Tells models and their defaults apart."""
        about = [self.pipeline.fingerprint, self.pipeline.sampling.model_dump()]
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def store(self) -> SampleStore:
        """Samples of this model."""
        return SampleStore(self.cache / self.model_key)

    @cached_property
    def references(self) -> ShapeSet:
        """Training shapes, categories in turn."""
        return self._shapes("train", self.sizes.references)

    @cached_property
    def held_out(self) -> ShapeSet:
        """Shapes of the split, categories in turn."""
        return self._shapes(self.split, max(self.sizes.held_out, self.sizes.per_category))

    @cached_property
    def reference_clouds(self) -> Float[Tensor, "s n 3"]:
        """Unit clouds of the training shapes."""
        return set_clouds(self.references)

    @cached_property
    def held_out_clouds(self) -> Float[Tensor, "s n 3"]:
        """Unit clouds of the split's shapes."""
        return set_clouds(self.held_out)

    @cached_property
    def encoder(self) -> PointEncoder:
        """Point network, trained on the training shapes."""
        return cached_point_encoder(
            self.cache,
            self.reference_clouds,
            self.references.categories,
            steps=self.sizes.encoder_steps,
            sink=self.sink,
        )

    @cached_property
    def judge(self) -> CategoryJudge:
        """Names categories."""
        return CategoryJudge.of(self.encoder, self.reference_clouds, self.references.categories)

    def made(self, prompts: Sequence[Prompt], stage: str) -> Made:
        """Make the shapes of prompts, or read what was made."""
        self.sink.stage_started(stage, len(prompts))
        samples = []
        for prompt in prompts:
            make = partial(self.pipeline.text_to_3d, prompt.text, seed=prompt.seed)
            samples.append(self.store.get(f"text {prompt.text!r} {prompt.seed}", make))
            self.sink.advance()
        self.sink.stage_finished()
        return Made(list(prompts), samples)

    def _shapes(self, split: str, per_category: int) -> ShapeSet:
        categories = self.sizes.categories
        few = per_category * len(categories) < _WORTH_A_PROCESS
        settings = {
            "split": split,
            "per_category": per_category,
            "categories": categories,
            "surface": _SURFACE,
            "queries": _FEWEST_QUERIES,
            "workers": 1 if few else 2,
        }
        config = ProceduralDataConfig.model_validate(settings)
        return build_shape_set(config, self.cache / f"shapes-{split}-{library_key()}", self.sink)


@lru_cache(maxsize=1)
def library_key() -> str:
    """Tell versions of the shape programs apart, so that no old shapes are reused."""
    digest = hashlib.sha256()
    for category in CATEGORIES:
        shape = make_shape(category, 0)
        sizes = [(part.kind, part.params, part.centre, part.colour) for part in shape.parts]
        digest.update(repr([shape.captions[:2], sizes]).encode())
    return digest.hexdigest()[:8]


def set_clouds(shapes: ShapeSet) -> Float[Tensor, "s n 3"]:
    """Return the positions of a set, each shape in unit size."""
    return unit_clouds(torch.from_numpy(shapes.surface[:, :, :3].astype(np.float32)))


def clouds_of(samples: Sequence[Sample]) -> Float[Tensor, "s n 3"]:
    """Return the clouds of samples in unit size."""
    return unit_clouds(torch.from_numpy(np.stack([s.points for s in samples]).astype(np.float32)))


def tile_of(sample: Sample | None, caption: str, wrong: str = "") -> Tile:
    """Return a sample's picture."""
    if sample is None:
        return Tile(blank_tile(), caption, "no surface")
    return Tile(sample.tile, caption, wrong)


def merged(parts: Sequence[PartResult]) -> PartResult:
    """Join the results of several parts."""
    whole = PartResult()
    for part in parts:
        whole.figures |= part.figures
        whole.tables += part.tables
        whole.notes |= part.notes
        whole.gallery |= part.gallery
    return whole
