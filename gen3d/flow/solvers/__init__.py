"""Solvers of a flow's ODE: one step from ``x`` at time s to ``x`` at time t."""

from gen3d.flow.solvers.anchored_noise import AnchoredNoise
from gen3d.flow.solvers.compensation import Compensated, fit_compensation
from gen3d.flow.solvers.data_history import DataMultistep
from gen3d.flow.solvers.dpm_solver import (
    DPMSolverMulti,
    DPMSolverPlan,
    DPMSolverSingle,
    singlestep_orders,
)
from gen3d.flow.solvers.dpm_solver_v3 import DPMSolverV3
from gen3d.flow.solvers.empirical_statistics import EmpiricalStatistics, estimate_statistics
from gen3d.flow.solvers.euler import EULER, Euler
from gen3d.flow.solvers.linear_multistep import AdamsBashforth2, PseudoCorrector
from gen3d.flow.solvers.runge_kutta import RK4, Heun, Midpoint
from gen3d.flow.solvers.solver import Evaluation, History, Solver
from gen3d.flow.solvers.stretch import Stretch
from gen3d.flow.solvers.unipc import UniPC

__all__ = [
    "EULER",
    "RK4",
    "AdamsBashforth2",
    "AnchoredNoise",
    "Compensated",
    "DPMSolverMulti",
    "DPMSolverPlan",
    "DPMSolverSingle",
    "DPMSolverV3",
    "DataMultistep",
    "EmpiricalStatistics",
    "Euler",
    "Evaluation",
    "Heun",
    "History",
    "Midpoint",
    "PseudoCorrector",
    "Solver",
    "Stretch",
    "UniPC",
    "estimate_statistics",
    "fit_compensation",
    "singlestep_orders",
]
