"""Sampling and judging the hard set, once per sampler: what ``gen3d bench sample`` counts."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gen3d.bench.attribute_judge import Judge
from gen3d.bench.hard_set import Ask
from gen3d.bench.rows import Row, Rows
from gen3d.data.procedural.dataset import ProceduralDataConfig, ShapeSet, build_shape_set
from gen3d.data.procedural.recognise import unit_clouds
from gen3d.errors import EmptySurfaceError
from gen3d.flow import (
    ClassifierFree,
    Euler,
    NetworkField,
    Schedule,
    Solver,
    UniformSchedule,
    sample,
)
from gen3d.geometry.color import basic_colour_shares
from gen3d.geometry.metrics import pairwise_chamfer
from gen3d.geometry.sample import sample_surface
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.extract import extract_mesh, shape_field
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.vae import DecodedShape

CLOUD = 2048
TEACHER_STEPS = 50
_RESOLUTION = 48
_START = 24
_BATCH = 32
# The nearest shape is sought among all by so many points; the distance to the best few is then
# taken with all of CLOUD, for the spacing of points is a floor under it.
_COARSE = 256
_FINALISTS = 3
# What a sample without a surface is away from every shape: the longest side of a shape.
_NOWHERE = 1.0


@dataclass(frozen=True)
class Recipe:
    """How the undistilled flow is sampled.

    Attributes:
        solver: Makes the steps.
        schedule: Where they lie.
        steps: Their number.
        weight: Of the guidance.
        interval: Times at which guidance acts; None: nowhere.
    """

    solver: Solver
    schedule: Schedule
    steps: int
    weight: float
    interval: tuple[float, float] | None = (0.0, 1.0)


@dataclass(frozen=True)
class Outcome:
    """What came of one sampler on some asks, one entry for each.

    Attributes:
        evaluations: Network evaluations per sample.
        right: Whether the shape shows the value asked for.
        chamfer: Distance to the nearest held-out shape of the category, longest sides being 1; NaN
            where surfaces were not looked at.
        rms: Root mean square of the difference from the teacher's latents of the same noise, over
            that of the teacher's latents.
    """

    evaluations: int
    right: Bool[np.ndarray, " asks"]
    chamfer: Float[np.ndarray, " asks"]
    rms: Float[np.ndarray, " asks"]

    def row(self, count: int | None = None) -> Row:
        """Return the means over the first ``count`` asks; all by default."""
        part = slice(count)
        row: Row = {
            "evaluations": self.evaluations,
            "accuracy": float(self.right[part].mean()),
            "latent_rms": float(self.rms[part].mean()),
            "asks": len(self.right[part]),
        }
        if not np.isnan(self.chamfer).any():
            row["chamfer"] = float(self.chamfer[part].mean())
        return row


Sampled: TypeAlias = tuple[Float[Tensor, "asks latents channels"], int]


class HardSetBench:
    """Samples asks, judges what comes out, and remembers it on disk.

    Args:
        pipeline: The model.
        asks: See :func:`gen3d.bench.hard_set.make_hard_set`; their order is part of the memory.
        judge: Knows the attributes.
        rows: Where finished samplers lie.
        references: Held-out shapes, see :func:`held_out`; None: surfaces are not looked at, which
            takes a twentieth of the time but can judge no colours.
        teacher_steps: Steps of the teacher.
    """

    def __init__(
        self,
        pipeline: VecsetPipeline,
        asks: Sequence[Ask],
        judge: Judge,
        rows: Rows,
        references: ShapeSet | None,
        *,
        teacher_steps: int = TEACHER_STEPS,
    ) -> None:
        self.teacher_steps = teacher_steps
        self.pipeline, self.asks, self.judge, self.rows = pipeline, list(asks), judge, rows
        self._near = None if references is None else _by_category(references)
        self._key = hashlib.sha256(repr([self.asks, self._near is None]).encode()).hexdigest()[:12]
        self._judged: dict[str, Outcome] = {}

    def teacher_recipe(self) -> Recipe:
        """Return guided Euler at equal steps, with the model's own guidance."""
        sampling = self.pipeline.sampling
        return Recipe(
            Euler(),
            UniformSchedule(),
            self.teacher_steps,
            sampling.guidance,
            sampling.guidance_interval,
        )

    def teacher(self) -> Outcome:
        """Return the teacher's outcome on all asks."""
        return self.undistilled(self.teacher_recipe())

    def undistilled(self, recipe: Recipe, count: int | None = None) -> Outcome:
        """Sample the undistilled flow for the first ``count`` asks, and judge."""
        return self._outcome(repr(recipe), lambda asks: self.sample(recipe, asks), count)

    def student(self, steps: int, count: int | None = None) -> Outcome:
        """Sample what the pipeline offers at so many steps, and judge."""

        def draw(asks: Sequence[Ask]) -> Sampled:
            latents = self.pipeline.sample_latents(
                [ask.text for ask in asks],
                [ask.seed for ask in asks],
                steps=steps,
                guidance=self.pipeline.sampling.guidance,
            )
            return latents, steps

        return self._outcome(f"pipeline {steps} {self.pipeline.fingerprint}", draw, count)

    @torch.no_grad()
    def sample(self, recipe: Recipe, asks: Sequence[Ask]) -> Sampled:
        """Sample latents of the undistilled flow, with the noise that the pipeline would use."""
        network = self.pipeline.dit
        condition = self.pipeline.condition([ask.text for ask in asks])
        noise = self.pipeline.noise([ask.seed for ask in asks])
        rule = None
        if recipe.interval is not None:
            rule = ClassifierFree(recipe.weight, interval=recipe.interval)
        result = sample(
            NetworkField(network),
            noise,
            steps=recipe.steps,
            cond=condition,
            guidance=rule,
            uncond=condition.unconditional(),
            schedule=recipe.schedule,
            solver=recipe.solver,
        )
        return network.denormalise(result.x0), result.evaluations

    def _outcome(
        self, name: str, draw: Callable[[Sequence[Ask]], Sampled], count: int | None
    ) -> Outcome:
        asks = self.asks[:count]
        text = json.dumps([name, self._key, len(asks)])
        path = self.rows.folder / f"hard-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"
        if not path.exists():
            parts = [draw(asks[i : i + _BATCH]) for i in range(0, len(asks), _BATCH)]
            latents = torch.cat([part[0] for part in parts])
            _write(path, self._judge(latents, parts[0][1], asks, name), latents)
        return _read(path)[0]

    def _judge(self, latents: Tensor, evaluations: int, asks: Sequence[Ask], name: str) -> Outcome:
        # Many recipes are the same at few steps; equal latents are judged once.
        digest = hashlib.sha256(latents.cpu().numpy().tobytes()).hexdigest()
        if digest not in self._judged:
            right, chamfer = self._look(latents, asks)
            rms = self._rms(latents, asks, name)
            self._judged[digest] = Outcome(evaluations, right, chamfer, rms)
        known = self._judged[digest]
        return Outcome(evaluations, known.right, known.chamfer, known.rms)

    def _rms(self, latents: Tensor, asks: Sequence[Ask], name: str) -> np.ndarray:
        recipe = self.teacher_recipe()
        truth = latents if name == repr(recipe) else self._teacher_latents(recipe)[: len(asks)]
        network = self.pipeline.dit
        ours, theirs = network.normalise(latents), network.normalise(truth.to(latents))
        norm = theirs.square().mean((1, 2))
        return ((ours - theirs).square().mean((1, 2)) / norm).sqrt().cpu().numpy()

    def _teacher_latents(self, recipe: Recipe) -> Tensor:
        self.undistilled(recipe)
        text = json.dumps([repr(recipe), self._key, len(self.asks)])
        name = f"hard-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"
        return _read(self.rows.folder / name)[1]

    @torch.no_grad()
    def _look(self, latents: Tensor, asks: Sequence[Ask]) -> tuple[np.ndarray, np.ndarray]:
        vae = self.pipeline.vae
        right, chamfer = [], []
        for at in range(0, len(asks), _BATCH):
            part = asks[at : at + _BATCH]
            shapes = vae.decode(latents[at : at + _BATCH] / vae.config.scale_factor)
            for i, ask in enumerate(part):
                flag, distance = self._look_at(shapes.item(i), ask)
                right.append(flag)
                chamfer.append(distance)
        return np.array(right), np.array(chamfer)

    def _look_at(self, shape: DecodedShape, ask: Ask) -> tuple[bool, float]:
        points = self.judge.points(ask)
        inside = None
        if points is not None:
            values = shape_field(self.pipeline.vae, shape)(points.to(self.pipeline.device))
            inside = (values > 0).cpu()
        if self._near is None:
            return self.judge.right(ask, inside, None), math.nan
        try:
            mesh = extract_mesh(
                self.pipeline.vae, shape, resolution=_RESOLUTION, start=_START, refine_steps=0
            ).mesh
        except EmptySurfaceError:
            return False, _NOWHERE
        cloud = torch.from_numpy(sample_surface(mesh, CLOUD, make_generator(ask.seed)).points)
        distance = nearest_distance(
            unit_clouds(cloud.float()[None])[0], self._near[ask.attribute.category]
        )
        shares = basic_colour_shares(mesh) if inside is None else None
        return self.judge.right(ask, inside, shares), distance


def _by_category(shapes: ShapeSet) -> dict[str, Float[Tensor, "s n 3"]]:
    clouds = unit_clouds(torch.from_numpy(shapes.surface[..., :3].astype(np.float32)))
    known = np.array(shapes.categories)
    return {c: clouds[torch.from_numpy(known == c)] for c in dict.fromkeys(shapes.categories)}


def held_out(
    folder: Path, categories: Sequence[str], per_category: int, sink: ProgressSink
) -> ShapeSet:
    """Return test shapes with their surface points; sampled once."""
    settings = {
        "split": "test",
        "per_category": per_category,
        "surface": CLOUD,
        "queries": 16,
        "categories": tuple(categories),
        # A second process takes longer to start than a few shapes take.
        "workers": 2 if len(categories) * per_category > 100 else 1,
    }
    config = ProceduralDataConfig.model_validate(settings)
    return build_shape_set(config, folder / f"shapes-{len(categories)}-{per_category}", sink)


def nearest_distance(cloud: Float[Tensor, "n 3"], known: Float[Tensor, "s m 3"]) -> float:
    """Return the Chamfer distance of a cloud to the nearest of the known ones.

    Args:
        cloud: Points in any order that is random.
        known: Clouds likewise.
    """
    coarse = pairwise_chamfer(cloud[None, :_COARSE], known[:, :_COARSE])[0]
    best = coarse.topk(min(_FINALISTS, len(known)), largest=False).indices
    return float(pairwise_chamfer(cloud[None], known[best]).min())


def _write(path: Path, outcome: Outcome, latents: Tensor) -> None:
    with atomic_write(path) as file:
        np.savez(
            file,
            evaluations=outcome.evaluations,
            right=outcome.right,
            chamfer=outcome.chamfer,
            rms=outcome.rms,
            latents=latents.cpu().numpy(),
        )


def _read(path: Path) -> tuple[Outcome, Tensor]:
    with np.load(path) as data:
        outcome = Outcome(int(data["evaluations"]), data["right"], data["chamfer"], data["rms"])
        return outcome, torch.from_numpy(data["latents"])
