"""Rewards of meshes that need no trained judge; each lies between 0 and 1, 1 being best."""

from gen3d.rewards.printability import compact, printable, stable, support_free
from gen3d.rewards.reward import (
    FILE_REWARDS,
    REWARDS,
    MeshReward,
    RewardTerm,
    WeightedReward,
    load_rewards,
    parse_rewards,
)
from gen3d.rewards.scan import ScanAgreement
from gen3d.rewards.silhouette import SilhouetteIoU, silhouette
from gen3d.rewards.solid import solid_cells
from gen3d.rewards.structure import single_piece, watertight
from gen3d.rewards.symmetry import symmetric

__all__ = [
    "FILE_REWARDS",
    "REWARDS",
    "MeshReward",
    "RewardTerm",
    "ScanAgreement",
    "SilhouetteIoU",
    "WeightedReward",
    "compact",
    "load_rewards",
    "parse_rewards",
    "printable",
    "silhouette",
    "single_piece",
    "solid_cells",
    "stable",
    "support_free",
    "symmetric",
    "watertight",
]
