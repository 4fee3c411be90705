"""Training: one trainer on Lightning Fabric that knows an ``Objective`` and no model.

    from gen3d.training import TrainConfig, Trainer

    result = Trainer(TrainConfig(steps=1000, output="runs/vae"), objective).fit(resume="auto")

This package imports torch but not Lightning; ``Trainer`` imports it when it is built.
"""

from gen3d.training.batch_part import WHOLE, BatchPart, batch_part, current_part
from gen3d.training.config import AdamWConfig, MuonConfig, ScheduleConfig, TrainConfig
from gen3d.training.ema import Ema
from gen3d.training.muon import Muon, orthogonalise
from gen3d.training.objective import LossResult, Objective
from gen3d.training.processes import Processes, launched_processes, one_after_another
from gen3d.training.schedule import lr_factor
from gen3d.training.state import load_ema_weights
from gen3d.training.trainer import Trainer, TrainResult

__all__ = [
    "WHOLE",
    "AdamWConfig",
    "BatchPart",
    "Ema",
    "LossResult",
    "Muon",
    "MuonConfig",
    "Objective",
    "Processes",
    "ScheduleConfig",
    "TrainConfig",
    "TrainResult",
    "Trainer",
    "batch_part",
    "current_part",
    "launched_processes",
    "load_ema_weights",
    "lr_factor",
    "one_after_another",
    "orthogonalise",
]
