"""Stochastic steps on any path, with the density of every move."""

from gen3d.flow.stochastic.coefficients import CoefficientsPreserving
from gen3d.flow.stochastic.diffusion import (
    ConstantSDE,
    DiffusionStep,
    FlowSDE,
    PowerSDE,
    ShapedSDE,
)
from gen3d.flow.stochastic.rollout import Move, Rollout, sample_stochastic
from gen3d.flow.stochastic.sde_dpm import SDEDPMSolver
from gen3d.flow.stochastic.step import Mixing, StochasticStep
from gen3d.flow.stochastic.transition import Transition

__all__ = [
    "CoefficientsPreserving",
    "ConstantSDE",
    "DiffusionStep",
    "FlowSDE",
    "Mixing",
    "Move",
    "PowerSDE",
    "Rollout",
    "SDEDPMSolver",
    "ShapedSDE",
    "StochasticStep",
    "Transition",
    "sample_stochastic",
]
