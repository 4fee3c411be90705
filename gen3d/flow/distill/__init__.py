"""Distillation of a many-step teacher into a flow map of few steps.

An objective is a `Distillation`: called with a `Cast` of networks and a `Batch`, it gives a loss.
"""

from gen3d.flow.distill.adversarial import critic_loss, student_loss
from gen3d.flow.distill.cast import (
    Batch,
    Cast,
    Distillation,
    Distilled,
    GuidedTeacher,
    interpolate,
)
from gen3d.flow.distill.consistency import PhasedConsistency
from gen3d.flow.distill.derivatives import Derivative, FiniteDifference, ForwardMode
from gen3d.flow.distill.errors import Adaptive, ErrorNorm, PseudoHuber, Squared
from gen3d.flow.distill.freeflow import FreeFlow
from gen3d.flow.distill.guidance_distillation import GuidanceDistillation
from gen3d.flow.distill.loop import distil
from gen3d.flow.distill.meanflow import MeanFlow
from gen3d.flow.distill.regression import Reflow, jump_loss
from gen3d.flow.distill.velocity_matching import VelocityMatching

__all__ = [
    "Adaptive",
    "Batch",
    "Cast",
    "Derivative",
    "Distillation",
    "Distilled",
    "ErrorNorm",
    "FiniteDifference",
    "ForwardMode",
    "FreeFlow",
    "GuidanceDistillation",
    "GuidedTeacher",
    "MeanFlow",
    "PhasedConsistency",
    "PseudoHuber",
    "Reflow",
    "Squared",
    "VelocityMatching",
    "critic_loss",
    "distil",
    "interpolate",
    "jump_loss",
    "student_loss",
]
