"""Guidance: rules that combine a conditional and an unconditional velocity."""

from gen3d.flow.guidance.classifier_free import (
    ClassifierFree,
    Interval,
    Rescaled,
    StepwiseClassifierFree,
)
from gen3d.flow.guidance.embedded import EmbeddedGuidance, WithWeight, embedded_network
from gen3d.flow.guidance.projected import Projected
from gen3d.flow.guidance.ratio_aware import RAAG
from gen3d.flow.guidance.rule import Guidance, Guided
from gen3d.flow.guidance.zero_star import CFGZeroStar

__all__ = [
    "RAAG",
    "CFGZeroStar",
    "ClassifierFree",
    "EmbeddedGuidance",
    "Guidance",
    "Guided",
    "Interval",
    "Projected",
    "Rescaled",
    "StepwiseClassifierFree",
    "WithWeight",
    "embedded_network",
]
