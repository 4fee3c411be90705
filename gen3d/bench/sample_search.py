"""Search against equal evaluations of best-of-N, on the embedded model.

Each prompt is the caption of a held-out shape, and the rewards ask for what that shape gives:
agreement with a scan of its right half, with its outline from the front, or mirror symmetry. All
searches of a prompt start from the same seed. Best-of-N has every number of steps that the model
has a student for, and the better one is the baseline. What counts is the reward of the mesh that a
user would get, decoded finer than what the search looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from gen3d.bench.rows import Row, Rows
from gen3d.data.procedural import Shape, Solid, make_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.errors import EmptySurfaceError, InputError
from gen3d.flow.search import SearchResult
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.transforms import normalise_unit, orbit
from gen3d.ops.isosurface import marching_cubes
from gen3d.rewards import REWARDS, MeshReward, ScanAgreement, SilhouetteIoU, silhouette
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.vecset.decode import PointField, decode_field
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.search import (
    FINALISTS,
    FINE,
    coarse_reward,
    search_latents,
    search_method,
    search_steps,
)

_SEARCH_RESOLUTION = 24
_JUDGE_RESOLUTION = 64
_SCAN_POINTS = 400
_OUTLINE_PIXELS = 128
_RESAMPLES = 10_000
BASELINE = "best-of-n"
_RIVAL = "best_of_n_"
_SPENT = "_evaluations"


@dataclass(frozen=True)
class SearchTask:
    """A prompt with the held-out shape that it describes.

    Attributes:
        prompt: A caption of the shape.
        mesh: The shape, in the public frame.
        seed: Of the noise of all searches.
    """

    prompt: str
    mesh: Mesh
    seed: int

    def reward(self, name: str) -> MeshReward:
        """Return a reward by name; ``scan`` and ``silhouette`` compare with the shape.

        Raises:
            InputError: The name is unknown.
        """
        if name == "scan":
            right = self.mesh.vertices[self.mesh.vertices[:, 0] > 0]
            return ScanAgreement(right[:: max(1, len(right) // _SCAN_POINTS)])
        if name == "silhouette":
            front = orbit(0.0, 0.0, fov_deg=4.0, width=_OUTLINE_PIXELS, height=_OUTLINE_PIXELS)
            return SilhouetteIoU(silhouette(self.mesh, front))
        if name not in REWARDS:
            raise InputError(
                f"unknown reward {name!r}", hint=f"rewards: scan, silhouette, {', '.join(REWARDS)}"
            )
        return REWARDS[name]


def make_tasks(categories: Sequence[str], count: int, *, split: str = "test") -> list[SearchTask]:
    """Return tasks of a split, category after category, with plain and long captions in turn."""
    categories = sorted(categories)
    tasks = []
    for index in range(count):
        shape = make_shape(
            categories[index % len(categories)], SPLIT_SEEDS[split] + index // len(categories)
        )
        caption = shape.captions[index % len(shape.captions)]
        tasks.append(SearchTask(caption, _mesh_of(shape), 7000 + index))
    return tasks


def search_rows(
    pipeline: VecsetPipeline,
    rows: Rows,
    *,
    rewards: Sequence[str] = ("scan", "silhouette"),
    method: str = "rbf",
    prompts: int = 32,
    budget: int = 200,
    split: str = "test",
    progress: ProgressSink | None = None,
) -> dict[str, Row]:
    """Measure a search and best-of-N on the same prompts, seeds and budget.

    Finished prompts are kept for each reward, so a stopped run resumes, and another reward costs
    only itself.

    Args:
        pipeline: The model.
        rows: Keeps what was measured, prompt by prompt.
        rewards: Names, as `SearchTask.reward` takes them.
        method: A name of :data:`gen3d.vecset.search.STRATEGIES`.
        prompts: Number of prompts.
        budget: Evaluations of each search, guided ones counted twice.
        split: Whose shapes and captions are used.
        progress: Where to report.

    Returns:
        For each reward ``search`` and ``best_of_n_S`` of S steps (means over the prompts), ``gain``
        over the best of these and its 95 % bootstrap interval over prompts (``gain_low``,
        ``gain_high``), the share of prompts won (``won``), and the evaluations spent.
    """
    sink = progress or NullProgress()
    student = pipeline.few_steps.student
    steps = search_steps(pipeline, None)
    rivals = [steps] if student is None else sorted({len(grid) - 1 for grid in student[1].grids})
    sink.stage_started("searching for rewards", prompts)
    measured: dict[str, list[Row]] = {name: [] for name in rewards}
    runs = {"search": (method, steps)} | {f"{_RIVAL}{n}": (BASELINE, n) for n in rivals}
    for index, task in enumerate(make_tasks(pipeline.categories, prompts, split=split)):
        for name in rewards:
            row: Row = {}
            for label, (strategy, n) in runs.items():
                found = rows.get(
                    "search",
                    [
                        pipeline.fingerprint, pipeline.sampling.guidance, split, index, name,
                        repr(search_method(strategy, student=student is not None)), budget, n,
                        FINALISTS, FINE,
                    ],
                    lambda task=task, name=name, strategy=strategy, n=n: _measure(
                        pipeline, task, name, strategy, budget, n
                    ),
                )  # fmt: skip
                row |= {label: found["reward"], label + _SPENT: found["evaluations"]}
            measured[name].append(row)
        sink.advance()
    sink.stage_finished()
    return {name: _summary(found) for name, found in measured.items()}


def search_figures(rows: Mapping[str, Row]) -> Row:
    """Return ``rbf_wins``: on how many rewards the whole interval of the gain lies above zero."""
    return {"rbf_wins": float(sum(row["gain_low"] > 0 for row in rows.values()))}


def bootstrap_interval(values: Float[np.ndarray, " n"], seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean over resampled values."""
    draws = np.random.default_rng(seed).integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def _measure(
    pipeline: VecsetPipeline, task: SearchTask, name: str, strategy: str, budget: int, steps: int
) -> Row:
    reward = task.reward(name)
    found = search_latents(
        pipeline,
        task.prompt,
        coarse_reward(pipeline, reward, resolution=_SEARCH_RESOLUTION),
        fine=coarse_reward(pipeline, reward, resolution=FINE),
        method=strategy,
        budget=budget,
        seed=task.seed,
        steps=steps,
    )
    return {"reward": _judge(pipeline, found, reward), "evaluations": float(found.evaluations)}


def _judge(pipeline: VecsetPipeline, found: SearchResult, reward: MeshReward) -> float:
    try:
        return reward(pipeline.decode(found.x0, resolution=_JUDGE_RESOLUTION).mesh)
    except EmptySurfaceError:
        return 0.0


def _summary(measured: Sequence[Row]) -> Row:
    columns = {key: np.array([row[key] for row in measured]) for key in measured[0]}
    rivals = [key for key in columns if key.startswith(_RIVAL) and not key.endswith(_SPENT)]
    gains = columns["search"] - columns[max(rivals, key=lambda key: columns[key].mean())]
    low, high = bootstrap_interval(gains)
    return {
        **{key: float(values.mean()) for key, values in columns.items()},
        "gain": float(gains.mean()),
        "gain_low": low,
        "gain_high": high,
        "won": float((gains > 0).mean()),
    }


@torch.no_grad()
def _mesh_of(shape: Shape) -> Mesh:
    """Extract a procedural shape, in the public frame."""
    decoded = decode_field(PointField(Solid(shape.parts).field), _JUDGE_RESOLUTION)
    vertices, faces = marching_cubes(
        decoded.cells, decoded.corner_values, resolution=_JUDGE_RESOLUTION, bounds=decoded.bounds
    )
    return normalise_unit(Mesh(vertices.numpy(), faces.numpy()))
