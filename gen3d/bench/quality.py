"""``gen3d bench quality``: the embedded model on shapes and prompts that it was never trained on.

Reconstruction is measured on shapes of the test split, generation on fixed prompts. The category
of a sample is the majority among the five nearest procedural shapes (Chamfer distance); the same
classifier's accuracy on real test shapes is the ceiling, and real test shapes are the baseline of
every figure that has one.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from gen3d.api.models import load
from gen3d.bench.report import Report
from gen3d.data.procedural import CATEGORIES, Solid, make_shape
from gen3d.data.procedural.dataset import (
    SPLIT_SEEDS,
    ProceduralDataConfig,
    ShapeSet,
    build_shape_set,
)
from gen3d.data.procedural.recognise import POINTS, classify, shape_clouds, unit_clouds
from gen3d.errors import EmptySurfaceError
from gen3d.geometry.cleanup import remove_floaters
from gen3d.geometry.color import COLOUR_NAMES, dominant_basic_colour
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.metrics import coverage, one_nna, pairwise_chamfer
from gen3d.geometry.sample import sample_surface
from gen3d.geometry.transforms import orbit
from gen3d.io.images import save_png
from gen3d.ops.isosurface import marching_cubes
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import make_generator
from gen3d.splatting.mesh_render import contact_sheet, render_mesh
from gen3d.vecset.decode import PointField, decode_field
from gen3d.vecset.objective import reconstruction_figures
from gen3d.vecset.pipeline import VecsetPipeline

REFERENCES_PER_CATEGORY = 20
TEST_PER_CATEGORY = 10
_TILE = 144
_TEMPLATES = ("{a} {c} {n}", "{c} {n}", "one {c} {n}", "a model of {a} {c} {n}", "a nice {c} {n}")


@dataclass(frozen=True)
class Sample:
    """One generated shape, reduced to what the figures need.

    Attributes:
        points: Surface points, network scale (longest side 1).
        colour: Dominant basic colour.
        stray: Stray pieces before clean-up.
        cavities: Small cavities before clean-up.
        components: Pieces after it.
        watertight: Whether the mesh is closed.
        tile: Its picture.
        seconds: What it took.
    """

    points: Float[np.ndarray, "n 3"]
    colour: str
    stray: int
    cavities: int
    components: int
    watertight: bool
    tile: np.ndarray
    seconds: float


@dataclass(frozen=True)
class Prompt:
    """A prompt with what it asks for."""

    text: str
    category: str
    colour: str
    seed: int


def make_prompts(per_category: int) -> list[Prompt]:
    """Return the bench's prompts: each names a category and one of the basic colours in turn."""
    prompts = []
    for row, category in enumerate(CATEGORIES):
        noun = make_shape(category, 0).attributes["noun"]
        for i in range(per_category):
            colour = COLOUR_NAMES[(i + row) % len(COLOUR_NAMES)]
            article = "an" if colour[0] in "aeiou" else "a"
            text = _TEMPLATES[i % len(_TEMPLATES)].format(a=article, c=colour, n=noun)
            prompts.append(Prompt(text, category, colour, 1000 * row + i))
    return prompts


def bench_quality(
    model: str = "mini",
    *,
    sheet: Path | None = None,
    per_category: int = 10,
    cache: Path = Path("outputs/bench-quality"),
    device: str = "auto",
    progress: ProgressSink | None = None,
) -> Report:
    """Measure reconstruction and generation.

    Args:
        model: Name or folder.
        sheet: Where to write the contact sheet, if anywhere.
        per_category: Prompts per category.
        cache: Folder for finished samples and reference shapes; a stopped bench resumes.
        device: Where to run.
        progress: Where to report.
    """
    sink = progress or NullProgress()
    pipeline = load(model, device=device)
    test = _shapes(cache, "test", TEST_PER_CATEGORY, 8192, sink)
    references = _shapes(cache, "train", REFERENCES_PER_CATEGORY, 16, sink)
    vae = reconstruction_figures(pipeline.vae, test, shapes=len(test), points=1024, queries=4096)
    prompts = make_prompts(per_category)
    samples = _samples(pipeline, prompts, cache, sink)
    figures = {
        "vae_iou": vae["vae_iou"],
        "vae_iou_worst": vae["vae_iou_min"],
        "colour_psnr_db": vae["colour_psnr_db"],
        **_generation_figures(prompts, samples, test, references, sink),
        "cleanup_kept_rate": _cleanup_kept_rate(sink),
    }
    if sheet is not None:
        tiles = [sample.tile if sample else _blank() for sample in samples]
        labels = [prompt.text for prompt in prompts]
        save_png(contact_sheet(tiles, labels, per_category), sheet)
    return Report(figures, _tables(figures, prompts, samples), _notes(pipeline))


def _shapes(
    cache: Path, split: str, per_category: int, queries: int, sink: ProgressSink
) -> ShapeSet:
    settings = {"split": split, "per_category": per_category, "queries": queries}
    config = ProceduralDataConfig.model_validate(settings)
    return build_shape_set(config, cache / f"shapes-{split}", sink)


def _samples(
    pipeline: VecsetPipeline, prompts: list[Prompt], cache: Path, sink: ProgressSink
) -> list[Sample | None]:
    folder = cache / _model_key(pipeline)
    folder.mkdir(parents=True, exist_ok=True)
    sink.stage_started("generating", len(prompts))
    samples = []
    for prompt in prompts:
        path = folder / f"{hashlib.sha256(repr(prompt).encode()).hexdigest()[:24]}.npz"
        if not path.exists():
            _generate(pipeline, prompt, path)
        samples.append(_read(path))
        sink.advance()
    sink.stage_finished()
    return samples


def _model_key(pipeline: VecsetPipeline) -> str:
    text = json.dumps([pipeline.fingerprint, pipeline.sampling.model_dump()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _generate(pipeline: VecsetPipeline, prompt: Prompt, path: Path) -> None:
    began = time.perf_counter()
    try:
        result = pipeline.text_to_3d(prompt.text, seed=prompt.seed)
    except EmptySurfaceError:
        np.savez(path, empty=True)
        return
    seconds = time.perf_counter() - began
    np.savez(
        path,
        empty=False,
        points=sample_surface(result.mesh, POINTS, make_generator(prompt.seed)).points,
        colour=dominant_basic_colour(result.mesh),
        stray=result.report.floaters_removed,
        cavities=result.report.cavities_filled,
        components=result.report.components,
        watertight=result.report.watertight,
        tile=picture(result.mesh),
        seconds=seconds,
    )


def picture(mesh: Mesh, size: int = _TILE) -> np.ndarray:
    """Draw a shape three quarters from the front."""
    return render_mesh(mesh, orbit(35.0, 20.0, width=size, height=size))


def _read(path: Path) -> Sample | None:
    with np.load(path) as data:
        if bool(data["empty"]):
            return None
        return Sample(
            points=data["points"],
            colour=str(data["colour"]),
            stray=int(data["stray"]),
            cavities=int(data["cavities"]),
            components=int(data["components"]),
            watertight=bool(data["watertight"]),
            tile=data["tile"],
            seconds=float(data["seconds"]),
        )


def _blank() -> np.ndarray:
    return np.full((_TILE, _TILE, 3), 255, np.uint8)


def _generation_figures(
    prompts: list[Prompt],
    samples: list[Sample | None],
    test: ShapeSet,
    references: ShapeSet,
    sink: ProgressSink,
) -> dict[str, float]:
    sink.stage_started("comparing", None)
    known, real = shape_clouds(references), shape_clouds(test)
    made = [(p, s) for p, s in zip(prompts, samples, strict=True) if s is not None]
    drawn = unit_clouds(torch.from_numpy(np.stack([s.points[:POINTS] for _, s in made])))
    truth = classify(pairwise_chamfer(real, known), references.categories)
    ceiling = _share([a == b for a, b in zip(truth, test.categories, strict=True)])
    guesses = classify(pairwise_chamfer(drawn, known), references.categories)
    # An empty sample counts as wrong, stray and colourless.
    right = sum(guess == p.category for guess, (p, _) in zip(guesses, made, strict=True))
    accuracy = right / len(prompts)
    across = pairwise_chamfer(drawn, real)
    nna = one_nna(pairwise_chamfer(drawn, drawn), pairwise_chamfer(real, real), across)
    sink.stage_finished()
    return {
        "category_accuracy": accuracy,
        "category_ceiling": ceiling,
        "category_ratio": accuracy / ceiling,
        "named_colour_accuracy": sum(s.colour == p.colour for p, s in made) / len(prompts),
        "floater_rate": 1 - sum(s.stray == 0 for _, s in made) / len(prompts),
        "cavity_rate": 1 - sum(s.cavities == 0 for _, s in made) / len(prompts),
        "watertight_rate": sum(s.watertight for _, s in made) / len(prompts),
        "few_components_rate": sum(s.components <= 3 for _, s in made) / len(prompts),
        "one_nna": nna,
        "coverage": coverage(across),
        "seconds_per_sample": float(np.median([s.seconds for _, s in made])),
    }


def _cleanup_kept_rate(sink: ProgressSink, per_category: int = 2, resolution: int = 64) -> float:
    """Share of true shapes that clean-up leaves whole; any piece it takes off one is a mistake."""
    first = SPLIT_SEEDS["test"]
    sink.stage_started("cleaning true shapes", per_category * len(CATEGORIES))
    whole = []
    for category in CATEGORIES:
        for seed in range(first, first + per_category):
            solid = Solid(make_shape(category, seed).parts)
            with torch.no_grad():
                found = decode_field(PointField(solid.field), resolution)
            vertices, faces = marching_cubes(
                found.cells, found.corner_values, resolution=resolution, bounds=(-1.0, 1.0)
            )
            whole.append(remove_floaters(Mesh(vertices.numpy(), faces.numpy())).removed == 0)
            sink.advance()
    sink.stage_finished()
    return _share(whole)


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


def _tables(
    figures: dict[str, float], prompts: list[Prompt], samples: list[Sample | None]
) -> list[tuple[str, tuple[str, ...], list[list[str]]]]:
    rows = [[name, f"{value:.4g}"] for name, value in figures.items()]
    per_category = []
    for category in CATEGORIES:
        pairs = [(p, s) for p, s in zip(prompts, samples, strict=True) if p.category == category]
        colours = sum(s is not None and s.colour == p.colour for p, s in pairs)
        stray = sum(s is None or s.stray > 0 for _, s in pairs)
        per_category.append([category, f"{colours}/{len(pairs)}", f"{stray}/{len(pairs)}"])
    return [
        ("quality", ("figure", "value"), rows),
        ("by category", ("category", "named colour", "stray pieces"), per_category),
    ]


def _notes(pipeline: VecsetPipeline) -> dict[str, str]:
    return {
        "model": pipeline.name,
        "device": str(pipeline.device),
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
        **{f"sha256 {name}": value for name, value in pipeline.fingerprint.items()},
    }
