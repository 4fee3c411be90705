"""Trains a few-step student that asks its teacher at every step."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen3d.flow.distill import (
    Batch,
    Cast,
    FreeFlow,
    GuidedTeacher,
    PhasedConsistency,
    critic_loss,
    interpolate,
    student_loss,
)
from gen3d.nn.attention import muon_row_chunks
from gen3d.runtime.seeds import randn
from gen3d.training.objective import EXAMPLES, LossResult
from gen3d.vecset.caption_table import CaptionTable, TextEncoderLike
from gen3d.vecset.critics import LatentCritic
from gen3d.vecset.distill_config import ConsistencyConfig, DistillConfig
from gen3d.vecset.dit import Condition, ShapeDiT
from gen3d.vecset.regression_objective import conditions_of, few_step_errors
from gen3d.vecset.teacher_pairs import TeacherPairs


@dataclass(frozen=True)
class RealLatents:
    """Encoded shapes, normalised as the network has them, with their captions."""

    latents: Float[Tensor, "shapes latents channels"]
    captions: CaptionTable


class Troupe(nn.Module):
    """The student and all that is kept or trained beside it, so that a checkpoint has it all.

    Attributes:
        student: The flow map.
        slow: Its moving average, which consistency compares with; not trained.
        critic: The velocity of the student's samples (FreeFlow with a correction).
        judge: Tells real latents from the student's (adversarial stage).
    """

    def __init__(
        self,
        student: ShapeDiT,
        slow: ShapeDiT | None = None,
        critic: ShapeDiT | None = None,
        judge: LatentCritic | None = None,
    ) -> None:
        super().__init__()
        self.student, self.slow, self.critic, self.judge = student, slow, critic, judge


class DistillObjective:
    """Any `Distillation` of a guided flow network, with an adversarial term if asked for.

    Data are the ends of the teacher's stored trajectories: guided samples, as the student shall
    make them.

    Args:
        student: What is trained.
        teacher: The frozen flow network.
        config: Method and batches.
        guidance: Strength that the teacher is asked with.
        text: The frozen text encoder.
        train: Trajectories whose ends are the data.
        held_out: Trajectories to measure on.
        grids: Times of the samplers that are measured.
        real: What the judge takes for real; needed for the adversarial term.
    """

    def __init__(
        self,
        student: ShapeDiT,
        teacher: ShapeDiT,
        config: DistillConfig,
        guidance: float,
        text: TextEncoderLike,
        train: TeacherPairs,
        held_out: TeacherPairs,
        grids: tuple[tuple[float, ...], ...],
        real: RealLatents | None = None,
    ) -> None:
        self.config, self._pairs, self._held_out, self._grids = config, train, held_out, grids
        self._teacher = teacher.eval().requires_grad_(False)
        self._guided = GuidedTeacher(teacher, guidance, Condition.unconditional)
        self._method, self._real = config.how.make(), real
        self._captions = CaptionTable.encode(text, [[caption] for caption in train.texts])
        self._held_out_captions = CaptionTable.encode(text, [[c] for c in held_out.texts])
        student = student.train().requires_grad_(True)
        slow = critic = judge = None
        if isinstance(self._method, PhasedConsistency):
            slow = copy.deepcopy(student).requires_grad_(False)
        if isinstance(self._method, FreeFlow) and self._method.correction_weight > 0:
            critic = copy.deepcopy(teacher).train().requires_grad_(True)
        if real is not None and isinstance(config.how, ConsistencyConfig):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                judge = LatentCritic(teacher.config.width, config.how.critic_blocks)
        self.module: Troupe = Troupe(student, slow, critic, judge)

    def muon_splits(self) -> dict[str, int]:
        """All matrices of attention and MLPs that are trained."""
        trained = {name for name, p in self.module.named_parameters() if p.requires_grad}
        chunks = muon_row_chunks(self.module)
        return {name: count for name, count in chunks.items() if name in trained}

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw trajectories and ask the method; the slow copy follows first."""
        module, size = self.module, self.config.batch_size
        device = module.student.latent_in.weight.device
        self._teacher.to(device)
        self._follow(step)
        index = torch.randint(len(self._pairs), (size,), generator=generator)
        condition = conditions_of(self._captions, self._pairs, index).to(device)
        last = len(self._pairs.knots) - 1
        batch = Batch(
            self._pairs.at(index, last).to(device),
            condition,
            generator,
            self._pairs.at(index, 0).to(device),
        )
        slow = None if module.slow is None else module.slow.average_velocity
        cast = Cast(module.student.average_velocity, self._guided, slow, module.critic)
        result = self._method(cast, batch)
        loss, figures = result.loss, dict(result.figures)
        if module.judge is not None:
            cheating, judging = self._adversarial(module.judge, batch)
            assert isinstance(self.config.how, ConsistencyConfig)
            loss = loss + self.config.how.adversarial * cheating + judging
            figures |= {"cheating": cheating.detach(), "judging": judging.detach()}
        return LossResult(loss, {EXAMPLES: size, **figures})

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Compare few-step samples with the teacher's; see `few_step_errors`."""
        assert isinstance(module, Troupe)
        student = module.student
        return few_step_errors(student, self._held_out, self._held_out_captions, self._grids)

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        """Move the slow copy towards the student; a part of the step, so that resuming is exact."""
        slow = self.module.slow
        if slow is None:
            return
        decay = min(self.config.slow_decay, (1 + step) / (10 + step))
        pairs = zip(slow.parameters(), self.module.student.parameters(), strict=True)
        for average, weight in pairs:
            average.lerp_(weight, 1 - decay)

    def _adversarial(
        self, judge: LatentCritic, batch: Batch
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """Return the student's and the judge's hinge losses on noised latents."""
        assert self._real is not None
        generator, x0 = batch.generator, batch.x0
        size = len(x0)
        t, s = (torch.rand(size, generator=generator).to(x0) for _ in range(2))
        t = 1 - t.square()  # leans to the noise, where jumps are long
        x_t = interpolate(x0, batch.draw_noise(), t)
        u = self.module.student.average_velocity(x_t, t, torch.zeros_like(t), batch.cond)
        made = x_t - t[:, None, None] * u
        index = torch.randint(len(self._real.latents), (size,), generator=generator)
        real = self._real.latents[index].to(x0)
        condition = self._real.captions.pick(index, generator)
        assert condition is not None
        condition = condition.to(x0.device)
        noise = randn(x0.shape, generator, device=x0.device, dtype=x0.dtype)
        fake = judge.features(self._teacher, interpolate(made, noise, s), s, batch.cond)
        with torch.no_grad():
            true = judge.features(self._teacher, interpolate(real, noise, s), s, condition)
        return student_loss(judge, fake), critic_loss(judge(true), judge(fake.detach()))
