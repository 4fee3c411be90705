"""Training: one trainer on Lightning Fabric that knows an ``Objective`` and no model.

    from gen3d.training import TrainConfig, Trainer

    result = Trainer(TrainConfig(steps=1000, output="runs/vae"), objective).fit(resume="auto")

This package imports torch but not Lightning; ``Trainer`` imports it when it is built.
"""

from gen3d.training.config import AdamWConfig, MuonConfig, ScheduleConfig, TrainConfig
from gen3d.training.ema import Ema
from gen3d.training.muon import Muon, orthogonalise
from gen3d.training.objective import LossResult, Objective
from gen3d.training.schedule import lr_factor
from gen3d.training.state import load_ema_weights
from gen3d.training.trainer import Trainer, TrainResult

__all__ = [
    "AdamWConfig",
    "Ema",
    "LossResult",
    "Muon",
    "MuonConfig",
    "Objective",
    "ScheduleConfig",
    "TrainConfig",
    "TrainResult",
    "Trainer",
    "load_ema_weights",
    "lr_factor",
    "orthogonalise",
]
