"""Steering on the embedded model: completion from half a shape, and what each method gains.

Shapes are procedural ones of the test split, one category after the other. Distances are Chamfer
distances in the public frame, where shapes are 1 long.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.bench.rows import Row, Rows
from gen3d.bench.saved_bytes import peak_saved_bytes
from gen3d.data.procedural import make_shape, sample_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.data.procedural.sketch import LONGEST_SIDE
from gen3d.errors import EmptySurfaceError
from gen3d.flow import (
    BoundField,
    Euler,
    Guided,
    NetworkField,
    UniformSchedule,
    item_generators,
    sample,
)
from gen3d.flow.steering import (
    FLAIR,
    ErrorWeights,
    FlowOpt,
    adjoint_gradient,
    calibrate,
    invert,
    run_steps,
    squared_distance,
    steer,
)
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.metrics import chamfer_distance
from gen3d.geometry.sample import sample_surface
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import make_generator
from gen3d.vecset import completion
from gen3d.vecset.completion import complete_surface
from gen3d.vecset.evidence import KnownField
from gen3d.vecset.extract import extract_mesh
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.steering import (
    Prompted,
    candidate_generators,
    conditions_on,
    decode_states,
    known_objective,
)
from gen3d.vecset.surface_encoding import encode_surface, surface_points

_DENSE = 4096
_SEEN_FROM = 2048
_RESOLUTION = 64
_BASELINES = 8
# What a sample without a surface is away from every shape: the longest side of a shape.
_NOWHERE = 1.0
_CALIBRATION_TIMES = tuple(t / 20 for t in range(20, 3, -1))
# Tried on three shapes of the val split, and kept.
MODE_SEARCH = FLAIR(
    ErrorWeights((1.0, 0.0), (1.0, 1.0)),  # replaced by the calibration
    data_rate=0.02,
    data_steps=5,
    data_rule="adam",
    tolerance=0.27,
)


@dataclass(frozen=True)
class HalfShape:
    """A held-out shape of which half of the points are seen.

    Attributes:
        number: Which shape of the split.
        whole: Points of its surface, network frame.
        latents: What the autoencoder makes of the whole.
        seen: Half of 2048 of its points, beyond a random plane, with normals and colours.
    """

    number: int
    whole: Float[Tensor, "n 3"]
    latents: Float[Tensor, "1 latents channels"]
    seen: PointCloud


def _category(pipeline: VecsetPipeline, number: int) -> str:
    """The category of shape ``number``: all that the model knows in turn."""
    return pipeline.categories[number % len(pipeline.categories)]


def half_shape(pipeline: VecsetPipeline, number: int, *, split: str = "test") -> HalfShape:
    """Make shape ``number`` of a split, and cut it by a plane into halves of equal points."""
    category = _category(pipeline, number)
    shape = make_shape(category, SPLIT_SEEDS[split] + number)
    surface = sample_shape(shape, surface=_DENSE, queries=16).surface
    some = surface[:_SEEN_FROM]
    towards = torch.nn.functional.normalize(torch.randn(3, generator=make_generator(number)), dim=0)
    along = some[:, :3] @ towards
    seen = some[along > along.median()]
    tokens = pipeline.latent_shape[0]
    latents, _ = encode_surface(
        pipeline.vae, surface_points(_cloud(some), seed=0, device=pipeline.device), tokens=tokens
    )
    return HalfShape(number, surface[:, :3].contiguous(), latents, _cloud(seen))


def completion_rows(
    pipeline: VecsetPipeline,
    rows: Rows,
    *,
    shapes: int = 20,
    split: str = "test",
    progress: ProgressSink | None = None,
) -> dict[str, Row]:
    """Complete halves of held-out shapes, with and without normals and colours.

    A row per shape: the distances to the whole of the best of 8 unconditional samples (chosen by
    that very distance), of the points seen, of the autoencoder's guess, and of both completions.

    Args:
        pipeline: The model.
        rows: Finished rows.
        shapes: How many.
        split: Of the shapes.
        progress: Where to report.
    """
    sink = progress or NullProgress()
    sink.stage_started("completing shapes", shapes)
    found = {}
    for number in range(shapes):
        settings = [_model(pipeline), split, number, _RESOLUTION, _BASELINES, _completion()]
        name = f"{_category(pipeline, number)} {number}"
        found[name] = rows.get(
            "completion", settings, lambda number=number: _complete(pipeline, number, split)
        )
        sink.advance()
    sink.stage_finished()
    return found


def completion_figures(found: dict[str, Row]) -> Row:
    """Average over shapes: ratios to the best of 8, and seconds.

    ``completion_ratio`` is from bare points; ``_full`` also had normals and colours;
    ``_of_means`` is the mean distance over the mean distance.
    """

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    every = list(found.values())
    return {
        "completion_ratio": mean([row["bare"] / row["best_of_8"] for row in every]),
        "completion_ratio_full": mean([row["full"] / row["best_of_8"] for row in every]),
        "completion_ratio_of_means": mean([row["bare"] for row in every])
        / mean([row["best_of_8"] for row in every]),
        "completion_chamfer": mean([row["bare"] for row in every]),
        "completion_best_of_8": mean([row["best_of_8"] for row in every]),
    }


def flair_rows(
    pipeline: VecsetPipeline, rows: Rows, *, shapes: int = 6, split: str = "test"
) -> dict[str, Row]:
    """Complete halves by FLAIR, beside the autoencoder's guess that it starts from, and FlowChef.

    The weights of its prior are calibrated on shapes of the val split.
    """
    settings = [_model(pipeline), split, shapes, _RESOLUTION, _completion(), repr(MODE_SEARCH)]
    return rows.get("flair", settings, lambda: _flair(pipeline, shapes, split))


def flair_figures(found: dict[str, Row]) -> Row:
    """Return by which part of it FLAIR shortens the distance of its starting point."""
    start, end = (sum(row[name] for row in found.values()) for name in ("guess", "flair"))
    chef = sum(row["flowchef"] for row in found.values())
    return {"flair_gain": 1 - end / start, "flair_gain_over_flowchef": 1 - end / chef}


def flowopt_rows(
    pipeline: VecsetPipeline,
    rows: Rows,
    *,
    shapes: int = 6,
    steps: int = 10,
    iterations: tuple[int, ...] = (1, 8),
) -> dict[str, Row]:
    """Invert held-out shapes under their captions and the model's guidance, and come back.

    One run is UniInv's noise itself; ``rms`` is the root mean square of the error over that of the
    data, on what the flow network works on.
    """
    settings = [_model(pipeline), shapes, steps, iterations]
    return rows.get("flowopt", settings, lambda: _flowopt(pipeline, shapes, steps, iterations))


def flowopt_figures(found: dict[str, Row]) -> Row:
    """Return by which part FlowOpt lowers the error of UniInv's inversion."""
    ordered = sorted(found.values(), key=lambda row: row["evaluations"])
    return {"flowopt_gain": 1 - ordered[-1]["rms"] / ordered[0]["rms"]}


def adjoint_rows(
    pipeline: VecsetPipeline, rows: Rows, *, steps: tuple[int, ...] = (1, 2, 4, 8, 16)
) -> dict[str, Row]:
    """Measure what autograd holds at once while a gradient passes the sampler, in bytes."""
    settings = [_model(pipeline), steps]
    return rows.get("adjoint", settings, lambda: _adjoint(pipeline, steps))


def adjoint_figures(found: dict[str, Row]) -> Row:
    """Return how memory grows from the fewest steps to the most: 1 is flat."""
    ordered = sorted(found.values(), key=lambda row: row["steps"])
    return {
        "adjoint_memory_growth": ordered[-1]["adjoint_bytes"] / ordered[0]["adjoint_bytes"],
        "autograd_memory_growth": ordered[-1]["autograd_bytes"] / ordered[0]["autograd_bytes"],
    }


def _complete(pipeline: VecsetPipeline, number: int, split: str) -> Row:
    half = half_shape(pipeline, number, split=split)
    drawn = _unconditional(pipeline, number)
    row = {
        "best_of_8": min(_distance(pipeline, x[None], half.whole) for x in drawn),
        "seen": float(chamfer_distance(torch.from_numpy(half.seen.points), half.whole)),
        "autoencoder": _distance(pipeline, pipeline.dit.normalise(half.latents), half.whole),
    }
    row["seen"] /= LONGEST_SIDE
    for name, cloud in (("full", half.seen), ("bare", PointCloud(half.seen.points))):
        surface = surface_points(cloud, seed=0, device=pipeline.device)
        guess, _ = encode_surface(pipeline.vae, surface, tokens=pipeline.latent_shape[0])
        found = complete_surface(pipeline, surface, seed=number)
        row[f"{name}_guess"] = _distance(pipeline, pipeline.dit.normalise(guess), half.whole)
        row[name] = _distance(pipeline, found.x, half.whole)
    return row


def _flair(pipeline: VecsetPipeline, shapes: int, split: str) -> dict[str, Row]:
    weights = calibrate_prior(pipeline)
    found = {}
    for number in range(shapes):
        half = half_shape(pipeline, number, split=split)
        surface = surface_points(half.seen, seed=0, device=pipeline.device)
        tokens = pipeline.latent_shape[0]
        latents, surface = encode_surface(pipeline.vae, surface, tokens=tokens)
        guess = pipeline.dit.normalise(latents)
        states = {
            "guess": guess,
            "flair": search_mode(pipeline, guess, KnownField.of_surface(surface), weights, number),
            "flowchef": complete_surface(pipeline, surface, seed=number, candidates=1).x,
        }
        found[f"{_category(pipeline, number)} {number}"] = {
            name: _distance(pipeline, x, half.whole) for name, x in states.items()
        }
    return found


def calibrate_prior(pipeline: VecsetPipeline, shapes: int = 20) -> ErrorWeights:
    """Measure the model's error at every time on shapes of the val split, without a prompt."""
    latents = [half_shape(pipeline, i, split="val").latents for i in range(shapes)]
    x0 = pipeline.dit.normalise(torch.cat(latents)).float()
    return calibrate(
        _unprompted(pipeline, shapes), x0, _CALIBRATION_TIMES, item_generators(0, shapes)
    )


def search_mode(
    pipeline: VecsetPipeline,
    guess: Float[Tensor, "1 latents channels"],
    known: KnownField,
    weights: ErrorWeights,
    seed: int,
) -> Float[Tensor, "1 latents channels"]:
    """Complete a shape by FLAIR, from a guess."""
    nothing = conditions_on(pipeline, [None])
    return steer(
        NetworkField(pipeline.dit),
        known_objective(pipeline, known, points=512, seed=seed),
        guess,
        method=dataclasses.replace(MODE_SEARCH, weights=weights),
        steps=20,
        cond=nothing.cond,
        schedule=UniformSchedule(0.98, 0.18),
        generators=candidate_generators(seed, 1),
    ).x0


def _flowopt(
    pipeline: VecsetPipeline, shapes: int, steps: int, iterations: tuple[int, ...]
) -> dict[str, Row]:
    latents = [half_shape(pipeline, i).latents for i in range(shapes)]
    x0 = pipeline.dit.normalise(torch.cat(latents)).float()
    prompted = _captioned(pipeline, shapes)
    rule = prompted.guidance
    assert rule is not None
    guided = Guided(NetworkField(pipeline.dit), rule, prompted.uncond)
    field, times = BoundField(guided, prompted.cond), UniformSchedule().grid(steps).tolist()
    noise = invert(field, x0, times)
    found = {}
    for count in iterations:
        result = steer(
            NetworkField(pipeline.dit),
            squared_distance(x0),
            noise,
            method=FlowOpt(iterations=count),
            steps=steps,
            cond=prompted.cond,
            guidance=rule,
            uncond=prompted.uncond,
            generators=item_generators(0, shapes),
        )
        evaluations = result.evaluations + 2 * steps
        found[f"{count} runs"] = {"evaluations": evaluations, "rms": _error(result.x0, x0)}
    # A finer inversion meets another sampler than the one that is to come back.
    finer = UniformSchedule().grid(4 * steps).tolist()
    with torch.no_grad():
        again = run_steps(field, invert(field, x0, finer), times)
    found["finer inversion"] = {"evaluations": 10 * steps, "rms": _error(again, x0)}
    return found


def _error(x: Tensor, x0: Tensor) -> float:
    return float((x - x0).square().mean().sqrt() / x0.square().mean().sqrt())


def _captioned(pipeline: VecsetPipeline, shapes: int) -> Prompted:
    captions = [
        make_shape(_category(pipeline, i), SPLIT_SEEDS["test"] + i).captions[0]
        for i in range(shapes)
    ]
    return conditions_on(pipeline, captions, guidance=pipeline.sampling.guidance)


def _adjoint(pipeline: VecsetPipeline, steps: tuple[int, ...]) -> dict[str, Row]:
    x = _noise(pipeline, 1, 0)
    field, objective = _unprompted(pipeline, 1), squared_distance(torch.zeros_like(x))

    def through(count: int) -> Callable[[], object]:
        def work() -> None:
            leaf = x.clone().requires_grad_(True)
            found = sample(field.field, leaf, steps=count, cond=field.cond, differentiable=True)
            torch.autograd.grad(objective(found.x0).sum(), leaf)

        return work

    def adjoint(count: int) -> Callable[[], object]:
        times = UniformSchedule().grid(count).tolist()
        return lambda: adjoint_gradient(field, objective, x, times, solver=Euler())

    return {
        f"{count} steps": {
            "steps": count,
            "adjoint_bytes": peak_saved_bytes(adjoint(count)),
            "autograd_bytes": peak_saved_bytes(through(count)),
            "states_bytes": (count + 1) * x.numel() * x.element_size(),
        }
        for count in steps
    }


def _cloud(surface: Float[Tensor, "n 9"]) -> PointCloud:
    points, normals, colours = (part.numpy() for part in surface.split(3, dim=1))
    return PointCloud(points, normals, colours.clip(0, 1))


def _unprompted(pipeline: VecsetPipeline, batch: int) -> BoundField:
    return BoundField(NetworkField(pipeline.dit), conditions_on(pipeline, [None] * batch).cond)


def _noise(pipeline: VecsetPipeline, batch: int, seed: int) -> Tensor:
    generators = candidate_generators(seed, batch)
    noise = [torch.randn(pipeline.latent_shape, generator=one) for one in generators]
    return torch.stack(noise).to(pipeline.device)


def _unconditional(pipeline: VecsetPipeline, number: int) -> Tensor:
    field = _unprompted(pipeline, _BASELINES)
    noise = _noise(pipeline, _BASELINES, number)
    return sample(field.field, noise, steps=pipeline.sampling.steps, cond=field.cond).x0


@torch.no_grad()
def _distance(pipeline: VecsetPipeline, x: Tensor, whole: Float[Tensor, "n 3"]) -> float:
    try:
        extracted = extract_mesh(
            pipeline.vae,
            decode_states(pipeline, x),
            resolution=_RESOLUTION,
            start=pipeline.sampling.decode_start,
            normalise=False,
        )
    except EmptySurfaceError:
        return _NOWHERE
    points = torch.from_numpy(sample_surface(extracted.mesh, _DENSE, make_generator(0)).points)
    return float(chamfer_distance(points, whole)) / LONGEST_SIDE


def _completion() -> str:
    return repr((completion.START, completion.STEPS, completion.CANDIDATES, completion.METHOD))


def _model(pipeline: VecsetPipeline) -> list[str]:
    return sorted(pipeline.undistilled_fingerprint.values())
