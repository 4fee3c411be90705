"""Trains a few-step student on stored trajectories of its teacher."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from gen3d.errors import InputError
from gen3d.flow import FlowMapField, Jump, sample
from gen3d.flow.distill.errors import ErrorNorm, PseudoHuber, Squared
from gen3d.flow.distill.regression import jump_loss
from gen3d.flow.schedules import FixedSchedule
from gen3d.nn.attention import muon_row_chunks
from gen3d.training.objective import EXAMPLES, LossResult
from gen3d.vecset.caption_table import CaptionTable, TextEncoderLike
from gen3d.vecset.config import Settings
from gen3d.vecset.dit import Condition, ShapeDiT
from gen3d.vecset.teacher_pairs import TeacherPairs


class RegressionConfig(Settings):
    """Batches of the regression.

    Attributes:
        batch_size: Trajectories per step; each is asked for one jump.
        huber: Constant of the pseudo-Huber norm; None: squares.
        grid_weights: Share of the batch for the jumps of each sampling grid; None: all alike.
        own_share: Share of the jumps from inner times that start where the student's own jump
            there ended, rather than at the teacher's state, as they will in sampling.
    """

    batch_size: int = Field(default=64, ge=1)
    huber: float | None = Field(default=0.1, gt=0)
    grid_weights: tuple[float, ...] | None = None
    own_share: float = Field(default=0.5, ge=0, le=1)


@dataclass(frozen=True)
class _Jump:
    """Numbers of the knots where a jump starts and ends, and of the one before its start."""

    before: int
    start: int
    end: int


class RegressionObjective:
    """Regresses the jumps of few-step samplers between the knots of stored trajectories.

    Args:
        student: What is trained.
        config: Batches.
        text: The frozen text encoder.
        train: Trajectories to learn.
        held_out: Trajectories to measure on, with the same knots.
        grids: Times of the samplers; all must be among the knots.

    Raises:
        InputError: A grid visits a time that is no knot, or the weights are not one per grid.
    """

    def __init__(
        self,
        student: ShapeDiT,
        config: RegressionConfig,
        text: TextEncoderLike,
        train: TeacherPairs,
        held_out: TeacherPairs,
        grids: tuple[tuple[float, ...], ...],
    ) -> None:
        self.module: ShapeDiT = student.train().requires_grad_(True)
        self.config, self._pairs, self._held_out, self._grids = config, train, held_out, grids
        self._captions = CaptionTable.encode(text, [[caption] for caption in train.texts])
        self._held_out_captions = CaptionTable.encode(text, [[c] for c in held_out.texts])
        weights = config.grid_weights or (1.0,) * len(grids)
        if len(weights) != len(grids):
            raise InputError(f"expected a weight for each of {len(grids)} grids, got {weights}")
        self._jumps: list[_Jump] = []
        shares: list[float] = []
        for grid, weight in zip(grids, weights, strict=True):
            jumps = _jumps(grid, train.knots)
            self._jumps += jumps
            shares += [weight / len(jumps)] * len(jumps)
        self._shares = torch.tensor(shares)
        self._norm: ErrorNorm = Squared() if config.huber is None else PseudoHuber(config.huber)

    def muon_splits(self) -> dict[str, int]:
        """All matrices of attention and MLPs."""
        return muon_row_chunks(self.module)

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw trajectories and jumps, and compare their average velocities."""
        config, pairs = self.config, self._pairs
        batch, times = config.batch_size, torch.tensor(self._pairs.knots)
        device = self.module.latent_in.weight.device
        index = torch.randint(len(pairs), (batch,), generator=generator)
        drawn = torch.multinomial(self._shares, batch, replacement=True, generator=generator)
        jumps = [self._jumps[i] for i in drawn.tolist()]
        before, start, end = torch.tensor([(j.before, j.start, j.end) for j in jumps]).unbind(1)
        own = (torch.rand(batch, generator=generator) < config.own_share) & (start > 0)
        condition = conditions_of(self._captions, pairs, index).to(device)
        x_t, x_r = (self._states(index, knots).to(device) for knots in (start, end))
        t, r = times[start].to(device), times[end].to(device)
        if bool(own.any()):
            x_s = self._states(index[own], before[own]).to(device)
            s = times[before[own]].to(device)
            x_t[own] = self._arrive(x_s, s, t[own], condition.rows(own.to(device)))
        student = self.module.average_velocity
        loss = jump_loss(student, x_t, x_r, t, r, condition, norm=self._norm)
        return LossResult(loss.mean(), {EXAMPLES: batch})

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Compare few-step samples with the teacher's; see :func:`few_step_errors`."""
        assert isinstance(module, ShapeDiT)
        return few_step_errors(module, self._held_out, self._held_out_captions, self._grids)

    def _states(self, index: Tensor, knots: Tensor) -> Float[Tensor, "batch latents channels"]:
        states = self._pairs.at(index, 0)
        for knot in knots.unique().tolist():
            chosen = knots == knot
            states[chosen] = self._pairs.at(index[chosen], int(knot))
        return states

    @torch.no_grad()
    def _arrive(self, x: Tensor, s: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """Make the student's own jump."""
        return x - (s - t)[:, None, None] * self.module.average_velocity(x, s, t, condition)


def few_step_sample(
    student: ShapeDiT,
    noise: Float[Tensor, "batch latents channels"],
    condition: Condition,
    grid: tuple[float, ...],
) -> Float[Tensor, "batch latents channels"]:
    """Jump along a grid of times, from 1 to 0; normalised latents, as the network has them."""
    return sample(
        FlowMapField(student.average_velocity),
        noise,
        steps=len(grid) - 1,
        cond=condition,
        schedule=FixedSchedule(grid),
        solver=Jump(),
    ).x0


@torch.no_grad()
def few_step_errors(
    student: ShapeDiT,
    pairs: TeacherPairs,
    captions: CaptionTable,
    grids: tuple[tuple[float, ...], ...],
) -> dict[str, float]:
    """Compare few-step samples with the teacher's, from equal noise.

    Args:
        student: Takes an interval.
        pairs: The teacher's trajectories.
        captions: Their captions.
        grids: Times of the samplers.

    Returns:
        ``steps_S_error``: relative distance ``|x - x_teacher| / |x_teacher|`` of S-step samples in
        the network's latents, for each grid; ``error``: their mean.
    """
    device = student.latent_in.weight.device
    figures: dict[str, float] = {}
    for grid in grids:
        wrong = total = 0.0
        for index in torch.arange(len(pairs)).split(64):
            condition = conditions_of(captions, pairs, index).to(device)
            truth = pairs.at(index, len(pairs.knots) - 1)
            made = few_step_sample(student, pairs.at(index, 0).to(device), condition, grid)
            wrong += float((made.cpu() - truth).square().sum())
            total += float(truth.square().sum())
        figures[f"steps_{len(grid) - 1}_error"] = (wrong / total) ** 0.5
    return {**figures, "error": sum(figures.values()) / len(figures)}


def conditions_of(
    table: CaptionTable, pairs: TeacherPairs, index: Int[Tensor, " batch"]
) -> Condition:
    """Return the encoded captions of some trajectories."""
    return table.condition(pairs.captions[index.numpy()].tolist())


def _jumps(grid: tuple[float, ...], knots: tuple[float, ...]) -> list[_Jump]:
    missing = sorted(set(grid) - set(knots))
    if missing:
        raise InputError(
            f"the times {missing} of a grid are no knots of the trajectories, {list(knots)}",
            hint="make trajectories with those knots",
        )
    at = [knots.index(t) for t in grid]
    return [_Jump(before, *jump) for before, *jump in zip([at[0], *at], at, at[1:], strict=False)]
