"""Text to 3D with a search: a budget of evaluations for one shape with a high reward."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.conditioning.text import validate_prompt
from gen3d.errors import InputError
from gen3d.flow import (
    CoefficientsPreserving,
    EndpointField,
    FixedSchedule,
    Jump,
    NetworkField,
    SDEDPMSolver,
)
from gen3d.flow.schedules import UNIFORM
from gen3d.flow.search import (
    SMC,
    SVDD,
    BestOfN,
    RolloverBudgetForcing,
    SearchMethod,
    SearchOverPaths,
    SearchResult,
    search,
)
from gen3d.flow.solvers import EULER
from gen3d.geometry.materials import material_of_prompt
from gen3d.io.files import read_bytes
from gen3d.rewards import MeshReward, RewardTerm, load_rewards, parse_rewards
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import check_seed, draw_seed
from gen3d.vecset.asset import AssetOptions
from gen3d.vecset.config import Mesher
from gen3d.vecset.few_steps import Route
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.policy_study import Appraiser
from gen3d.vecset.result import ShapeResult, decoding, make_result
from gen3d.vecset.steering import condition_on

LatentReward: TypeAlias = Callable[[Float[Tensor, "k latents channels"]], Float[Tensor, " k"]]
"""Scores latents of the autoencoder."""

SEARCH_STEPS = 10
"""Steps of a search with the flow network, where none are asked for: more shapes to choose from
beat finer ones."""

STUDENT_STEPS = 2
"""Steps of a search with a student, where none are asked for."""

STUDENT_SEEDS = 0.75
"""Share of a student's budget for where to start: on prompts of the validation split a tenth, as
published, and a half found less."""

COARSE = 32
"""Grid cells per axis at which a search looks at shapes."""

FINALISTS = 8
"""Best shapes of a student's search that are looked at again, more finely."""

FINE = 64
"""Grid cells per axis at which they are: a coarse grid misses slivers, and one sliver moves the
whole shape when it is centred and scaled."""

MAX_BUDGET = 100_000


STRATEGIES: Mapping[str, SearchMethod] = {
    # Noise that is fresh at every step tries the most: on prompts of the validation split one chain
    # of it found higher rewards than the published 3 t^2 on the variance-preserving path.
    "rbf": RolloverBudgetForcing(CoefficientsPreserving(1.0), chains=1),
    "best-of-n": BestOfN(),
    "svdd": SVDD(SDEDPMSolver(1)),
    "smc": SMC(SDEDPMSolver(1), temperature=0.05),
    "paths": SearchOverPaths(),
}
"""Methods by their names on the command line."""


@dataclass(frozen=True)
class SearchOptions:
    """What a search is for.

    Args:
        method: A name of ``STRATEGIES``.
        budget: Evaluations of the network, guided ones counted twice; 1 to 100000.
        rewards: What to look for.

    Raises:
        InputError: The method is unknown, or the budget out of range.
    """

    method: str
    budget: int
    rewards: tuple[RewardTerm, ...]

    def __post_init__(self) -> None:
        if self.method not in STRATEGIES:
            raise InputError(
                f"unknown search {self.method!r}", hint=f"searches: {', '.join(STRATEGIES)}"
            )
        if not 1 <= self.budget <= MAX_BUDGET:
            raise InputError(f"the budget must lie in 1..{MAX_BUDGET}, got {self.budget}")

    @classmethod
    def parse(
        cls, method: str | None, budget: int | None, reward: str | None
    ) -> SearchOptions | None:
        """Read the options of the command line; None where no search is asked for.

        Raises:
            InputError: They do not fit each other, or one is wrong.
        """
        if method is None:
            for name, value in (("budget", budget), ("reward", reward)):
                if value is not None:
                    raise InputError(f"--{name} needs a search", hint="add --search rbf")
            return None
        if reward is None:
            raise InputError("a search needs to know what for", hint="e.g. --reward symmetric")
        return cls(method, 200 if budget is None else budget, parse_rewards(reward))

    def record(self) -> dict[str, Any]:
        """Return what is needed to search again, as JSON values; files by name and hash.

        Raises:
            InputError: A file cannot be read.
        """
        terms = []
        for term in self.rewards:
            entry: dict[str, Any] = {"name": term.name, "weight": term.weight}
            if term.file is not None:
                digest = hashlib.sha256(read_bytes(term.file)).hexdigest()
                entry["file"] = {"file": term.title or term.file.name, "sha256": digest}
            terms.append(entry)
        return {"method": self.method, "budget": self.budget, "rewards": terms}


def search_latents(
    pipeline: VecsetPipeline,
    prompt: str,
    reward: LatentReward,
    *,
    method: str,
    budget: int,
    seed: int,
    steps: int | None = None,
    guidance: float | None = None,
    fine: LatentReward | None = None,
    progress: ProgressSink | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> SearchResult:
    """Search for the states of one prompt.

    With steps that the model has a student for, the student searches: it needs one evaluation for
    a sharp estimate of the shape, guidance included, where the flow network needs two for a blurred
    one. So rewards of estimates mean more, and a budget buys more of them.

    Args:
        pipeline: The model.
        prompt: What to make.
        reward: Of the autoencoder's latents.
        method: A name of ``STRATEGIES``.
        budget: Evaluations, guided ones counted twice.
        seed: Of all noise.
        steps: Steps of one sample; None: see :func:`search_steps`.
        guidance: Its strength; the model's by default.
        fine: A truer form of the reward. Where a student searches, it decides among the best
            ``FINALISTS`` shapes, since all that a student estimates are whole shapes.
        progress: Where to report.
        cancelled: Asked before every evaluation.

    Returns:
        The result, whose ``x0`` are the autoencoder's latents.

    Raises:
        InputError: The student of so many steps has another guidance built in.
    """
    steps = search_steps(pipeline, guidance) if steps is None else steps
    weight = pipeline.sampling.guidance if guidance is None else guidance
    prompted = condition_on(pipeline, prompt, 1, guidance=weight)
    student = _student_route(pipeline, steps, weight)
    route = student or Route(NetworkField(pipeline.dit), EULER, UNIFORM, prompted.guidance)
    final = _Finalists(reward)
    found = search(
        route.field,
        lambda x0: final(pipeline.dit.denormalise(x0)),
        pipeline.latent_shape,
        method=search_method(method, student=student is not None),
        budget=budget,
        steps=steps,
        seed=seed,
        cond=prompted.cond,
        guidance=route.guidance,
        uncond=prompted.uncond,
        schedule=route.schedule,
        solver=route.solver,
        device=pipeline.device,
        progress=progress,
        cancelled=cancelled,
    )
    x0, value = pipeline.dit.denormalise(found.x0), found.reward
    if student is not None and fine is not None:
        x0, value = final.best(fine)
    return SearchResult(x0, value, found.evaluations, found.trace)


class _Finalists:
    """A reward that remembers the best of what it has seen.

    Args:
        reward: Of latents.
    """

    def __init__(self, reward: LatentReward) -> None:
        self._reward = reward
        self._kept: list[tuple[float, Tensor]] = []

    def __call__(self, latents: Float[Tensor, "k latents channels"]) -> Float[Tensor, " k"]:
        values = self._reward(latents)
        self._kept += zip(values.tolist(), latents.split(1), strict=True)
        # Stable: of equals, the one seen first stays first.
        self._kept = sorted(self._kept, key=lambda one: -one[0])[:FINALISTS]
        return values

    def best(self, fine: LatentReward) -> tuple[Float[Tensor, "1 latents channels"], float]:
        """Return the best of them by another reward, with its value."""
        latents = torch.cat([one for _, one in self._kept])
        values = fine(latents)
        winner = int(values.argmax())
        return latents[winner : winner + 1], float(values[winner])


def search_steps(pipeline: VecsetPipeline, guidance: float | None) -> int:
    """Return the steps of a search where none are asked for.

    Args:
        pipeline: The model.
        guidance: The strength that was asked for, if any; a student cannot change its own.
    """
    student = pipeline.few_steps.student
    if student is None or guidance is not None or student[1].grid(STUDENT_STEPS) is None:
        return SEARCH_STEPS
    return STUDENT_STEPS


def search_method(name: str, *, student: bool) -> SearchMethod:
    """Return a method of ``STRATEGIES``; for a student, whose every estimate is a shape already."""
    method = STRATEGIES[name]
    if student and isinstance(method, RolloverBudgetForcing):
        return replace(method, keep_best=True, seed_share=STUDENT_SEEDS)
    return method


def _student_route(pipeline: VecsetPipeline, steps: int, guidance: float) -> Route | None:
    """Return how the student samples in so many steps; None if it does not."""
    student = pipeline.few_steps.student
    grid = None if student is None else student[1].grid(steps)
    if student is None or grid is None:
        return None
    pipeline.few_steps.check_guidance(steps, guidance, pipeline.sampling.guidance)
    return Route(EndpointField(student[0].average_velocity), Jump(), FixedSchedule(grid), None)


def coarse_reward(
    pipeline: VecsetPipeline, reward: MeshReward, *, resolution: int = COARSE
) -> LatentReward:
    """Return the reward of latents through a coarse decode; 0 where there is no surface."""
    appraiser = Appraiser(pipeline.vae, reward, resolution)
    return lambda latents: appraiser.rewards(appraiser.meshes(latents))


@torch.no_grad()
def search_text(
    pipeline: VecsetPipeline,
    prompt: str,
    *,
    wanted: SearchOptions,
    seed: int | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    resolution: int | None = None,
    faces: int | None = None,
    mesher: Mesher = "marching-cubes",
    asset: AssetOptions | None = None,
    progress: ProgressSink | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ShapeResult:
    """Make one shape that fits a prompt and has a high reward.

    Args:
        pipeline: The model.
        prompt: What to make.
        wanted: How to search, and for what.
        seed: Random seed, 0 to 2^31 - 1; drawn if None.
        steps: Steps of one sample; None: see :func:`search_steps`.
        guidance: Guidance strength, 0 to 100; 1 is off.
        resolution: Grid cells per axis of the result, 16 to 512.
        faces: Face budget, at least 100; None: no limit.
        mesher: ``marching-cubes`` or ``dual-contouring``.
        asset: Texture, size, base and compression; by default colours stay at the vertices.
        progress: Where to report.
        cancelled: Asked between evaluations; True stops the work.

    Returns:
        The shape. Its record holds the search, what it spent, and the reward of the mesh itself.

    Raises:
        UserError: The prompt, an option or a reward's file cannot be used.
        EmptySurfaceError: The best sample has no surface.
        CancelledError: ``cancelled`` said so.
    """
    prompt = validate_prompt(prompt)
    options = pipeline.resolve(
        steps=search_steps(pipeline, guidance) if steps is None else steps,
        guidance=guidance,
        resolution=resolution,
        faces=faces,
        mesher=mesher,
        asset=asset,
    )
    seed = draw_seed() if seed is None else check_seed(seed)
    recorded = wanted.record()
    reward = load_rewards(wanted.rewards)
    began = time.perf_counter()
    found = search_latents(
        pipeline,
        prompt,
        coarse_reward(pipeline, reward),
        fine=coarse_reward(pipeline, reward, resolution=FINE),
        method=wanted.method,
        budget=wanted.budget,
        seed=seed,
        steps=options.steps,
        guidance=options.guidance,
        progress=progress,
        cancelled=cancelled,
    )
    searched_s = time.perf_counter() - began
    with decoding(progress or NullProgress(), cancelled) as check:
        extracted = pipeline.decode(
            found.x0,
            resolution=options.resolution,
            faces=options.faces,
            mesher=options.mesher,
            asset=options.asset,
            material=material_of_prompt(prompt),
            check=check,
        )
    return make_result(
        "text_to_3d",
        extracted,
        options,
        seed=seed,
        timings_s={"search": searched_s},
        warnings=pipeline.doubts(prompt),
        prompt=prompt,
        model=pipeline.name,
        files=pipeline.fingerprint,
        device=pipeline.device.type,
        search={
            **recorded,
            "evaluations": found.evaluations,
            "reward": round(reward(extracted.mesh), 6),
        },
    )
