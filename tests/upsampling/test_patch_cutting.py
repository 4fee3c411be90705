"""Training pairs cut from a sphere."""

import math

import numpy as np
import pytest
import torch

from gen3d.upsampling.hdf5_patches import pair_hdf5_patch
from gen3d.upsampling.patch_cutting import (
    CuttingConfig,
    PatchRows,
    choose_sparse,
    cut_shape,
    draw_noise,
    join_rows,
    pair_patches,
)
from gen3d.upsampling.patch_shapes import SurfacePoints

TINY = CuttingConfig(
    dense_points=96,
    candidates=2,
    clouds=1,
    patches=2,
    patch_points=32,
    random_share=0,
    uneven_share=0,
    noisy_share=0,
)


def ball(count: int = 192) -> SurfacePoints:
    points = torch.randn(count, 3, generator=torch.Generator().manual_seed(0))
    points = points / points.norm(dim=1, keepdim=True)
    return SurfacePoints(points, points)


def test_targets_lie_on_the_surface_with_its_normals() -> None:
    rows = cut_shape(ball(), TINY, np.random.default_rng(0))
    assert rows.start.shape == rows.target.shape == (2, 32, 3) and rows.normals is not None
    assert np.linalg.norm(rows.start, axis=-1).max(1) == pytest.approx([1, 1])
    assert rows.start.mean(1) == pytest.approx(np.zeros((2, 3)), abs=1e-6)
    for target, normals in zip(rows.target, rows.normals, strict=True):
        # On a sphere, position is centre plus radius times normal.
        columns = np.concatenate([np.eye(3)[None].repeat(32, 0), normals[..., None]], -1)
        solved, *_ = np.linalg.lstsq(columns.reshape(-1, 4), target.reshape(-1), rcond=None)
        fit = solved[:3] + solved[3] * normals
        assert fit == pytest.approx(target, abs=1e-5)


def test_targets_differ_and_are_near() -> None:
    rows = cut_shape(ball(), TINY, np.random.default_rng(1))
    for start, target in zip(rows.start, rows.target, strict=True):
        assert len(np.unique(target, axis=0)) == 32
        spacing = math.sqrt(math.pi / 32)
        assert np.linalg.norm(start - target, axis=1).mean() < 1.5 * spacing


def test_points_already_in_place_stay_there() -> None:
    points = ball(64).points[None]
    shuffled = points[:, torch.randperm(64, generator=torch.Generator().manual_seed(1))]
    config = TINY.model_copy(update={"patch_points": 64, "margin": 0.0, "match_eps": 1e-4})
    rows = pair_patches(points, shuffled, None, 0.01, config)
    assert rows.target == pytest.approx(rows.start)
    assert rows.normals is None and rows.noise == pytest.approx([0.01])


def test_same_seed_gives_same_patches_and_noise_moves_the_start_only() -> None:
    noisy = TINY.model_copy(update={"noisy_share": 1.0, "noise": 0.05})
    one, two = (cut_shape(ball(), noisy, np.random.default_rng(3)) for _ in range(2))
    assert (one.start == two.start).all() and (one.target == two.target).all()
    assert 0 < one.noise[0] <= 0.05


def test_sparse_clouds_are_even_random_or_uneven() -> None:
    points, rng = ball(400).points, np.random.default_rng(0)

    def nearest(kind: str) -> torch.Tensor:
        chosen = points[choose_sparse(points, 60, kind, rng)]  # type: ignore[arg-type]
        return torch.cdist(chosen, chosen).fill_diagonal_(9).amin(1)

    assert nearest("even").min() > 2 * nearest("random").min()
    spread = [float((d := nearest(k)).std() / d.mean()) for k in ("even", "random", "uneven")]
    assert spread[0] < 0.6 * min(spread[1:])


def test_noise_is_drawn_as_often_as_said() -> None:
    rng = np.random.default_rng(0)
    half = CuttingConfig(noisy_share=0.5, noise=0.02)
    drawn = np.array([draw_noise(half, rng) for _ in range(400)])
    assert np.mean(drawn > 0) == pytest.approx(0.5, abs=0.1)
    assert drawn.max() <= 0.02 and drawn[drawn > 0].mean() == pytest.approx(0.01, abs=0.002)


def test_stored_patches_keep_their_rim() -> None:
    dense = ball(48).points.numpy()
    config = TINY.model_copy(update={"patch_points": 48})
    rows = pair_hdf5_patch(dense[:12], dense, config, np.random.default_rng(0))
    assert rows.start.shape == (1, 48, 3) and rows.normals is None
    assert len(np.unique(rows.target[0], axis=0)) == 48


def test_rows_of_which_some_lack_normals_have_none() -> None:
    zeros, noise = np.zeros((1, 4, 3), np.float32), np.zeros(1, np.float32)
    joined = join_rows(
        [PatchRows(zeros, zeros, zeros, noise), PatchRows(zeros, zeros, None, noise)]
    )
    assert joined.normals is None and len(joined.start) == 2


def test_patches_larger_than_the_cloud_are_refused() -> None:
    with pytest.raises(ValueError, match="1280 points"):
        CuttingConfig(dense_points=1024)
    with pytest.raises(ValueError, match="exceed 1"):
        CuttingConfig(random_share=0.7, uneven_share=0.7)
