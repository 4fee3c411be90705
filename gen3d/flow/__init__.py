"""The generative core, which knows no 3D: t = 0 is data, t = 1 is noise.

A `Path` says how data turns into noise, a `Field` predicts along it, a `Solver` makes one step, a
`Schedule` says where the steps lie, and `sample` walks them; `flow_matching_loss` trains a field.
"""

from gen3d.flow.conditions import Condition, stack_conditions
from gen3d.flow.fields import BoundField, CountedField, Field, Flip, Network, NetworkField
from gen3d.flow.guidance import ClassifierFree, Guidance, Guided
from gen3d.flow.hooks import CancelHook, Hook, PreviewHook, ProgressHook, Step
from gen3d.flow.objective import FlowMatchingLoss, flow_matching_loss
from gen3d.flow.paths import COSINE, LINEAR, CosinePath, LinearPath, Path
from gen3d.flow.predictions import Kind, Prediction
from gen3d.flow.reduce import DENSE, DenseReducer, Reducer, SparseReducer, item_generators
from gen3d.flow.sampler import SampleResult, sample
from gen3d.flow.schedules import (
    ConsistencySchedule,
    Schedule,
    ShiftedSchedule,
    UniformSchedule,
    ZeroLastStep,
)
from gen3d.flow.solvers import Euler, Evaluation, Heun, History, Solver
from gen3d.flow.times import LogitNormalTimes, TimeDistribution, UniformTimes

__all__ = [
    "COSINE",
    "DENSE",
    "LINEAR",
    "BoundField",
    "CancelHook",
    "ClassifierFree",
    "Condition",
    "ConsistencySchedule",
    "CosinePath",
    "CountedField",
    "DenseReducer",
    "Euler",
    "Evaluation",
    "Field",
    "Flip",
    "FlowMatchingLoss",
    "Guidance",
    "Guided",
    "Heun",
    "History",
    "Hook",
    "Kind",
    "LinearPath",
    "LogitNormalTimes",
    "Network",
    "NetworkField",
    "Path",
    "Prediction",
    "PreviewHook",
    "ProgressHook",
    "Reducer",
    "SampleResult",
    "Schedule",
    "ShiftedSchedule",
    "Solver",
    "SparseReducer",
    "Step",
    "TimeDistribution",
    "UniformSchedule",
    "UniformTimes",
    "ZeroLastStep",
    "flow_matching_loss",
    "item_generators",
    "sample",
    "stack_conditions",
]
