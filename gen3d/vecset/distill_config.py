"""Settings of the student objectives that follow a teacher while they train."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from gen3d.flow import LogitNormalTimes, TimeDistribution, UniformTimes, UShapedTimes
from gen3d.flow.distill import (
    Distillation,
    FreeFlow,
    GuidanceDistillation,
    MeanFlow,
    PhasedConsistency,
    PseudoHuber,
    Reflow,
    Squared,
    VelocityMatching,
)
from gen3d.flow.distill.derivatives import FiniteDifference, ForwardMode
from gen3d.vecset.config import Settings


class GuidanceConfig(Settings):
    """The student's velocity becomes the guided one; FlashVDM's first stage."""

    method: Literal["guidance"]

    def make(self) -> Distillation:
        """Build the objective."""
        return GuidanceDistillation()


class MDTConfig(Settings):
    """MDT-dist: velocity matching and distillation.

    Attributes:
        ends: Ends of the jumps that are matched.
        vd_weight: Weight of velocity distillation; 0: matching alone.
        form: ``paper``: the equations; ``stable``: the derivative's RMS is limited; ``released``:
            as the published code, which normalises the derivative, drops ``1 - t`` and reuses
            times and noise.
        step: Of the finite difference; None: forward-mode derivatives.
        limit: Of the ``stable`` form.
        time_mean: Mean of logit(t).
        time_std: Standard deviation of logit(t).
    """

    method: Literal["mdt"]
    ends: tuple[float, ...] = (0.0,)
    vd_weight: float = Field(default=1.0, ge=0)
    form: Literal["paper", "stable", "released"] = "paper"
    step: float | None = Field(default=0.01, gt=0, lt=0.5)
    limit: float = Field(default=4.0, gt=0)
    time_mean: float = 1.0
    time_std: float = Field(default=1.0, gt=0)

    def make(self) -> Distillation:
        """Build the objective."""
        released = self.form == "released"
        return VelocityMatching(
            times=LogitNormalTimes(self.time_mean, self.time_std),
            ends=self.ends,
            distillation_weight=self.vd_weight,
            derivative=ForwardMode() if self.step is None else FiniteDifference(self.step),
            stabiliser="released" if released else "rms" if self.form == "stable" else "none",
            limit=self.limit,
            exact_factor=not released,
            share_draws=released,
        )


class ConsistencyConfig(Settings):
    """Phased consistency; FlashVDM's second stage, and with ``adversarial`` its third.

    Attributes:
        phases: 5 at first, then 1.
        intervals: Of the time grid.
        huber: Constant of the pseudo-Huber norm.
        adversarial: Weight of the adversarial term; 0.1 in FlashVDM; 0: none.
        critic_blocks: Single blocks of the teacher whose features the critic sees.
        real_shapes: Encoded training shapes that the critic takes for real.
    """

    method: Literal["consistency"]
    phases: int = Field(default=5, ge=1)
    intervals: int = Field(default=100, ge=1)
    huber: float = Field(default=0.03, gt=0)
    adversarial: float = Field(default=0.0, ge=0)
    critic_blocks: tuple[int, ...] = (1, 3, 5)
    real_shapes: int = Field(default=2000, ge=1)

    def make(self) -> Distillation:
        """Build the objective."""
        return PhasedConsistency(self.phases, self.intervals, PseudoHuber(self.huber))


class MeanFlowConfig(Settings):
    """MeanFlow from the teacher's velocity.

    Attributes:
        jump_share: Share of the samples with r < t.
        time_mean: Mean of logit(t).
        time_std: Standard deviation of logit(t).
    """

    method: Literal["meanflow"]
    jump_share: float = Field(default=0.5, ge=0, le=1)
    time_mean: float = -0.4
    time_std: float = Field(default=1.0, gt=0)

    def make(self) -> Distillation:
        """Build the objective."""
        times = LogitNormalTimes(self.time_mean, self.time_std)
        return MeanFlow(times, self.jump_share)


class FreeFlowConfig(Settings):
    """Data-free flow map distillation.

    Attributes:
        correction: Weight of the correction, which trains a critic network along; 0: none.
    """

    method: Literal["freeflow"]
    correction: float = Field(default=0.0, ge=0)

    def make(self) -> Distillation:
        """Build the objective."""
        return FreeFlow(correction_weight=self.correction)


class ReflowConfig(Settings):
    """Regression anywhere on the straight lines of the teacher's pairs.

    Attributes:
        form: ``reflow``: squares, uniform times; ``rf++``: U-shaped times, Huber norm, ``1 - t``;
            ``rectified_diffusion``: elementwise Huber norm of the data.
    """

    method: Literal["reflow"]
    form: Literal["reflow", "rf++", "rectified_diffusion"] = "rf++"

    def make(self) -> Distillation:
        """Build the objective."""
        if self.form == "rectified_diffusion":
            norm = PseudoHuber(1e-3, elementwise=True)
            return Reflow(norm=norm, in_data=True, from_end=True)
        improved = self.form == "rf++"
        times: TimeDistribution = UShapedTimes() if improved else UniformTimes()
        norm = PseudoHuber() if improved else Squared()
        return Reflow(times, norm, data_weighted=improved, from_end=True)


MethodConfig: TypeAlias = Annotated[
    GuidanceConfig | MDTConfig | ConsistencyConfig | MeanFlowConfig | FreeFlowConfig | ReflowConfig,
    Field(discriminator="method"),
]


class DistillConfig(Settings):
    """Batches of a distillation.

    Attributes:
        batch_size: Latent sets per step.
        slow_decay: Weight of the past in the slow copy of the student, where one is used.
        how: The method.
    """

    batch_size: int = Field(default=64, ge=1)
    slow_decay: float = Field(default=0.999, ge=0, lt=1)
    how: MethodConfig
