"""Step schedules: the times that a sampler visits, from noise to data."""

from gen3d.flow.schedules.published import ConsistencySchedule, ZeroLastStep
from gen3d.flow.schedules.schedule import UNIFORM, FixedSchedule, Schedule, UniformSchedule
from gen3d.flow.schedules.shift import ShiftedSchedule, flux_mu, flux_shift, shift_by_ratio
from gen3d.flow.schedules.spacing import KarrasSchedule, LogSNRSchedule, PowerSchedule

__all__ = [
    "UNIFORM",
    "ConsistencySchedule",
    "FixedSchedule",
    "KarrasSchedule",
    "LogSNRSchedule",
    "PowerSchedule",
    "Schedule",
    "ShiftedSchedule",
    "UniformSchedule",
    "ZeroLastStep",
    "flux_mu",
    "flux_shift",
    "shift_by_ratio",
]
