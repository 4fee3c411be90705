"""Steering: a trained flow under an objective that it was not trained for."""

from gen3d.flow.steering.adjoint import AdjointDPM, AdjointGradient, adjoint_gradient
from gen3d.flow.steering.driver import SteerResult, steer
from gen3d.flow.steering.flair import FLAIR, ErrorWeights, calibrate
from gen3d.flow.steering.flowchef import FlowChef
from gen3d.flow.steering.flowopt import FlowOpt, invert, step_size_bound
from gen3d.flow.steering.problem import (
    Descent,
    Objective,
    Problem,
    SteeringMethod,
    run_steps,
    squared_distance,
)

__all__ = [
    "FLAIR",
    "AdjointDPM",
    "AdjointGradient",
    "Descent",
    "ErrorWeights",
    "FlowChef",
    "FlowOpt",
    "Objective",
    "Problem",
    "SteerResult",
    "SteeringMethod",
    "adjoint_gradient",
    "calibrate",
    "invert",
    "run_steps",
    "squared_distance",
    "steer",
    "step_size_bound",
]
