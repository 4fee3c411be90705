"""FlowTurbo's velocity refiner, trained for a model and held to solvers of equal evaluations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen3d.bench.rows import Row
from gen3d.bench.sample_schedules import Recipe, ScheduleStudy
from gen3d.data.procedural import make_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.flow import (
    AdamsBashforth2,
    ClassifierFree,
    Euler,
    FixedSchedule,
    Guided,
    RefinerStep,
    Solver,
    UniformSchedule,
    refiner_loss,
    sample,
)
from gen3d.flow.solver_search import ScheduledSolver
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.config import DiTConfig
from gen3d.vecset.dit import Condition, ShapeDiT

REFINED_AT = (2, 3, 4)
"""Guided evaluations of the flow network, each followed by a step of the refiner."""
CAPTIONS, TRAINING_STEPS, BATCH = 96, 300, 24
_DATA_STEPS = 10
_LEARNING_RATE = 2e-3
# Gaps between evaluations of so few steps are wider than the paper's 0.12.
_MAX_GAP = 0.3


class LatentRefiner(nn.Module):
    """One block of the flow network's kind, which sees the point and the last velocity.

    It starts as no change at all.

    Args:
        model: The flow network's sizes.
    """

    def __init__(self, model: DiTConfig) -> None:
        super().__init__()
        self.channels = model.latent_dim
        changes = {"latent_dim": 2 * model.latent_dim, "double_blocks": 0, "single_blocks": 1}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.network: ShapeDiT = ShapeDiT(model.model_copy(update=changes))

    def forward(
        self,
        x: Float[Tensor, "batch n channels"],
        last: Float[Tensor, "batch n channels"],
        t: Float[Tensor, " batch"],
        cond: Condition,
    ) -> Float[Tensor, "batch n channels"]:
        """Predict the change of the velocity since ``last``."""
        return self.network(torch.cat([x, last], -1), t, cond)[..., : self.channels]


def train_refiner(
    study: ScheduleStudy,
    *,
    captions: int = CAPTIONS,
    steps: int = TRAINING_STEPS,
    batch: int = BATCH,
) -> LatentRefiner:
    """Train on the model's own samples of training captions, guidance included.

    Args:
        study: The model.
        captions: Samples to train on.
        steps: Training steps.
        batch: Samples of each.
    """
    pipeline, generator = study.pipeline, make_generator(0)
    cond = pipeline.condition(_captions(pipeline.categories, captions))
    x0 = sample(
        study.field,
        pipeline.noise(range(captions)),
        steps=_DATA_STEPS,
        cond=cond,
        uncond=cond.unconditional(),
        guidance=ClassifierFree(study.weight),
        solver=AdamsBashforth2(),
    ).x0
    refiner = LatentRefiner(pipeline.dit.config).to(pipeline.device)
    optimiser = torch.optim.AdamW(refiner.parameters(), lr=_LEARNING_RATE, betas=(0.9, 0.99))
    fall = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    study.progress.stage_started("training the refiner", steps)
    for _ in range(steps):
        rows = torch.randint(captions, (batch,), generator=generator)
        noise = torch.randn(x0[rows].shape, generator=generator).to(x0)
        some = cond.rows(rows.to(x0.device))
        teacher = Guided(study.field, ClassifierFree(study.weight), some.unconditional())
        loss = refiner_loss(
            refiner, teacher, x0[rows], noise, some, generator=generator, max_gap=_MAX_GAP
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        fall.step()
        study.progress.advance()
    study.progress.stage_finished()
    return refiner.eval().requires_grad_(False)


def refiner_rows(study: ScheduleStudy) -> dict[str, Row]:
    """Measure equal steps, every other one by the refiner, and rivals of equal evaluations."""
    trained: list[LatentRefiner] = []

    def refined(count: int) -> Recipe:
        if not trained:
            trained.append(train_refiner(study))
        schedule = UniformSchedule()
        times: tuple[float, ...] = tuple(schedule.grid(2 * count).tolist())
        pair: tuple[Solver, ...] = (AdamsBashforth2(), RefinerStep(trained[0]))
        solver = ScheduledSolver(times, pair * count)
        return ClassifierFree(study.weight), solver, FixedSchedule(times), 2 * count

    def plain(solver: Solver, count: int) -> Recipe:
        return ClassifierFree(study.weight), solver, UniformSchedule(), count

    found = {}
    for count in REFINED_AT:
        makers = {
            f"refiner, {count} evaluated steps": lambda count=count: refined(count),
            f"Euler, {count} equal steps": lambda count=count: plain(Euler(), count),
            f"AB2, {count} equal steps": lambda count=count: plain(AdamsBashforth2(), count),
        }
        for name, make in makers.items():
            found[name] = study.row(name, make)
    return found


def refiner_figures(found: dict[str, Row]) -> Row:
    """Return by which part the refiner lowers the error of the better rival, by evaluated steps."""
    figures: Row = {}
    for count in REFINED_AT:
        rivals = (found[f"{name}, {count} equal steps"]["latent_rms"] for name in ("Euler", "AB2"))
        error = found[f"refiner, {count} evaluated steps"]["latent_rms"]
        figures[f"refiner_gain_{count}"] = 1 - error / min(rivals)
    return {"refiner_gain": figures["refiner_gain_3"], **figures}


def _captions(categories: Sequence[str], count: int) -> list[str]:
    first = SPLIT_SEEDS["train"] + 1000
    shapes = [make_shape(categories[i % len(categories)], first + i) for i in range(count)]
    return [shape.captions[i % len(shape.captions)] for i, shape in enumerate(shapes)]
