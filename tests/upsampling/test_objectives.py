"""What both stages train, on patches with known answers."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gen3d.upsampling.config import LocalConfig, RINConfig
from gen3d.upsampling.objective import FlowObjective, FlowObjectiveConfig
from gen3d.upsampling.patch_batches import (
    BatchConfig,
    PatchBatch,
    draw_patches,
    draw_start_noise,
    loss_unit,
    mean_square,
    random_poses,
    velocity_error,
    with_memory,
)
from gen3d.upsampling.patch_data import PatchSet
from gen3d.upsampling.patch_figures import endpoint_distances, endpoint_figures, velocity_losses
from gen3d.upsampling.refine_objective import RefineObjective, RefineObjectiveConfig
from gen3d.upsampling.rin import RIN

MODEL = RINConfig(
    width=16,
    latents=4,
    blocks=1,
    computes=1,
    global_count=3,
    local=LocalConfig(neighbours=5, width=8, scales=(5,)),
)


def patches(rows: int = 6, points: int = 24) -> PatchSet:
    """Points below a plane; the truth is the plane, straight above them."""
    rng = np.random.default_rng(0)
    target = rng.uniform(-0.6, 0.6, (rows, points, 3)).astype(np.float32)
    target[..., 1] = 0
    start = target - np.float32([0, 0.1, 0])
    normals = np.zeros_like(target)
    normals[..., 1] = 1
    return PatchSet(start, target, normals, np.zeros(rows, np.float32))


def balls(rows: int = 6, points: int = 24) -> PatchSet:
    """Points inside a sphere; unlike beside a plane, which side is out can be seen in any pose."""
    rng = np.random.default_rng(0)
    normals = rng.standard_normal((rows, points, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return PatchSet(0.6 * normals, normals, normals, np.zeros(rows, np.float32))


class Oracle(RIN):
    """Knows the way up."""

    def forward(self, x: Tensor, t: Tensor, latent: Any = None, *, geometry: Any = None) -> Any:
        up = torch.zeros_like(x)
        up[..., 1] = -0.1
        return up, torch.zeros(len(x), 1, 16)


def batch() -> PatchBatch:
    s = patches()
    assert s.normals is not None
    return PatchBatch(*(torch.from_numpy(a) for a in (s.start, s.target, s.normals)))


def test_true_velocity_has_no_error_and_ends_on_the_surface() -> None:
    oracle = Oracle(MODEL)
    error = velocity_error(oracle, batch(), torch.rand(6), remember=True)
    assert error.abs().max() < 1e-6
    config = BatchConfig(start_noise=0.0, validation_patches=6)
    assert velocity_losses(oracle, patches(), config, 3) == pytest.approx(np.zeros(3), abs=1e-10)
    figures = endpoint_figures(oracle, patches(), config)
    assert figures["plane_ratio"] < 1e-5 and figures["chamfer_ratio"] < 1e-5


def test_standing_still_gives_ratios_of_one() -> None:
    class Still(Oracle):
        def forward(self, x: Tensor, t: Tensor, latent: Any = None, *, geometry: Any = None) -> Any:
            return torch.zeros_like(x), torch.zeros(len(x), 1, 16)

    figures = endpoint_figures(Still(MODEL), patches(), BatchConfig(validation_patches=3))
    assert figures == pytest.approx({"plane_ratio": 1, "chamfer_ratio": 1})


def test_errors_along_the_normal_count_more() -> None:
    normals = torch.tensor([[[0.0, 1.0, 0.0]]])
    along, aside = torch.tensor([[[0.0, 2.0, 0.0]]]), torch.tensor([[[2.0, 0.0, 0.0]]])
    assert float(mean_square(along, normals, 3.0)) == 16
    assert float(mean_square(aside, normals, 3.0)) == float(mean_square(along, normals, 0)) == 4
    assert loss_unit(1024) == pytest.approx(math.pi / 1024)


def test_batches_are_turned_as_a_whole() -> None:
    config = BatchConfig(batch_size=4, start_noise=0.0, scale=1.2)
    drawn = draw_patches(patches(), config, torch.Generator().manual_seed(1), torch.device("cpu"))
    gap = ((drawn.target - drawn.start) * drawn.normals).sum(-1)
    assert (gap > 0.1 / 1.2 - 1e-5).all() and (gap < 0.12 + 1e-5).all()
    torch.testing.assert_close((drawn.target - drawn.start).norm(dim=-1), gap)
    assert drawn.normals[0, 0, 1].abs() < 0.999


def test_noise_is_the_same_for_all_patches_or_each_has_its_share() -> None:
    start = torch.zeros(50, 400, 3)
    for vary, low in ((False, 0.09), (True, 0.0)):
        config = BatchConfig(start_noise=0.1, vary_noise=vary)
        spread = draw_start_noise(start, config, torch.Generator().manual_seed(0)).std((1, 2))
        assert float(spread.min()) >= low and float(spread.max()) < 0.11
    assert float(spread.min()) < 0.02 and float(spread.mean()) == pytest.approx(0.05, abs=0.01)


def test_poses_are_orthogonal_and_half_are_mirrors() -> None:
    poses = random_poses(200, torch.Generator().manual_seed(0))
    eye = torch.eye(3).expand(200, 3, 3)
    torch.testing.assert_close(poses @ poses.mT, eye, atol=1e-5, rtol=0)
    assert float((poses.det() > 0).float().mean()) == pytest.approx(0.5, abs=0.1)


def test_second_run_takes_up_what_the_first_remembered() -> None:
    torch.manual_seed(0)
    network, x, t = RIN(MODEL), batch().start, torch.ones(6)
    torch.nn.init.ones_(network.latent_norm.weight)
    torch.nn.init.normal_(network.out.weight)
    _, latent = network(x, t)
    remembered = with_memory(network, x, t, remember=True)
    torch.testing.assert_close(remembered, network(x, t, latent)[0])
    assert not torch.allclose(remembered, with_memory(network, x, t, remember=False))


def test_chamfer_is_half_the_sum_of_both_ways() -> None:
    found = endpoint_distances(batch().start, batch())
    # The nearest point above may be another than the own one.
    assert (found.chamfer <= 0.01 + 1e-6).all()
    torch.testing.assert_close(found.plane, torch.full((6, 24), -0.1))


@pytest.mark.parametrize("stage", ["flow", "refine"])
def test_training_lowers_the_loss(stage: str) -> None:
    same = {"batch_size": 4, "start_noise": 0.01, "normal_weight": 2.0, "validation_patches": 4}
    objective = (
        FlowObjective(MODEL, FlowObjectiveConfig(**same), balls(), balls(2), seed=1)
        if stage == "flow"
        else RefineObjective(
            MODEL, RefineObjectiveConfig(**same, flow_weight=0.1), balls(), balls(2), seed=1
        )
    )
    optimizer = torch.optim.AdamW(objective.module.parameters(), lr=1e-2)
    losses = []
    for step in range(30):
        result = objective.loss(step, torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        result.loss.backward()
        optimizer.step()
        losses.append(float(result.loss.detach()))
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:3])
    assert set(objective.muon_splits()) <= {n for n, _ in objective.module.named_parameters()}
    figures = objective.validate(objective.module.eval())
    assert set(figures) == {"velocity_mse", "chamfer_ratio", "plane_ratio"}


def test_same_step_and_generator_give_the_same_loss() -> None:
    objective = FlowObjective(MODEL, FlowObjectiveConfig(batch_size=2), patches(), patches(2))
    one, two = (objective.loss(0, torch.Generator().manual_seed(5)).loss for _ in range(2))
    assert float(one.detach()) == float(two.detach())
