from dataclasses import replace
from types import ModuleType

import pytest
import torch

from gen3d.errors import InputError
from gen3d.runtime.seeds import make_generator
from gen3d.upsampling.denoise import denoise_points, inliers
from gen3d.upsampling.densify import confidence_of, densify, thin
from gen3d.upsampling.motion import Flow, constrain, move_points, patch_batch
from gen3d.upsampling.options import UpsampleOptions, check_rate, target_count
from gen3d.upsampling.reference_merge import flow_by_merging
from gen3d.upsampling.sampler import uniform_times

STAY = Flow(None, uniform_times(1), 64, 4)
PLAIN = UpsampleOptions(manifold="none")


def flat_flow(clouds: ModuleType, patch_points: int = 64) -> Flow:
    return Flow(clouds.ToHeight(), uniform_times(3), patch_points, 4)


@pytest.mark.parametrize("rate", [1.5, 4, 5, 20])
@pytest.mark.parametrize("mode", ["ours", "reference"])
def test_count_is_exact(clouds: ModuleType, rate: float, mode: str) -> None:
    points, count = clouds.random_plane(80), round(80 * rate)
    options = UpsampleOptions(mode=mode)  # pyright: ignore[reportArgumentType]
    flow = flat_flow(clouds)
    made = densify(points, rate, count, flow, options, generator=make_generator(0))
    assert made.points.shape == (count, 3)
    assert made.confidence.shape == (count,)
    assert 0 < float(made.confidence.min()) <= float(made.confidence.max()) <= 1


def test_points_flow_to_the_surface(clouds: ModuleType) -> None:
    points = clouds.random_plane(300)
    start = points + torch.tensor([0, 0, 1.0]) * 0.02 * torch.randn(300, 1)
    moved = move_points(start, flat_flow(clouds), PLAIN, source=points, generator=make_generator(0))
    # Each patch's plane lies at the mean height of its points, 64 of them.
    assert float(moved.points[:, 2].abs().max()) < 0.02
    assert float(moved.points[:, 2].std()) < 0.25 * float(start[:, 2].std())
    assert torch.allclose(moved.points[:, :2], start[:, :2], atol=1e-5)


def test_noise_follows_the_seed(clouds: ModuleType) -> None:
    points, noisy = clouds.random_plane(100), replace(PLAIN, noise=0.1)
    flow = Flow(clouds.Nowhere(), (1.0, 0.0), 64, 4)
    first, again, other = (
        move_points(points, flow, noisy, source=points, generator=make_generator(seed)).points
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_patches_without_wanted_points_stay(clouds: ModuleType) -> None:
    points = clouds.random_plane(400)
    start = points + torch.tensor([0, 0, 1.0]) * 0.02 * torch.randn(400, 1)
    wanted = start[:, 0] < 0.3
    seen: list[int] = []
    options = {"source": points, "generator": make_generator(0)}
    every = move_points(start, flat_flow(clouds), PLAIN, **options)
    some = move_points(
        start, flat_flow(clouds), PLAIN, wanted=wanted, between=seen.append, **options
    )
    assert torch.allclose(every.points[wanted], some.points[wanted], atol=1e-6)
    assert sum(seen) < 10


@pytest.mark.parametrize("manifold", ["drift", "nearest", "surface", "none"])
def test_constraints_bring_stray_points_nearer(clouds: ModuleType, manifold: str) -> None:
    start = clouds.random_plane(200)
    stray = start + torch.tensor([0, 0, 3.0])
    options = UpsampleOptions(manifold=manifold)  # pyright: ignore[reportArgumentType]
    held = constrain(stray, start, start, options)
    moved = float((held - start).norm(dim=1).mean())
    assert moved == 3 if manifold == "none" else moved < 3


def test_thinning_leaves_room_around_given_points() -> None:
    given = torch.zeros(1, 3)
    crowd = torch.cat([1e-3 * torch.randn(5, 3), torch.eye(3)])
    chosen = thin(crowd, 3, beside=given)
    assert chosen.tolist() == [5, 6, 7]


def test_confidence_falls_in_gaps_and_where_patches_disagree(clouds: ModuleType) -> None:
    points = clouds.random_plane(200)
    near = points[:3] + 1e-3
    far = points[:3] + torch.tensor([0, 0, 5.0])
    agreed, argued = torch.zeros(3), torch.full((3,), 1.0)
    best = confidence_of(near, points, agreed)
    assert float(best.min()) > 0.95
    assert float(confidence_of(far, points, agreed).max()) < float(best.min())
    assert float(confidence_of(near, points, argued).max()) < 0.2
    assert confidence_of(points[:1], points[:1], torch.zeros(1)).tolist() == [1]


def test_outliers_are_found(clouds: ModuleType) -> None:
    points = torch.cat([clouds.random_plane(300), torch.tensor([[0.5, 0.5, 4.0]])])
    keep = inliers(points, deviations=4.0)
    assert not bool(keep[-1])
    assert int(keep.sum()) >= 298
    assert inliers(points[:2], deviations=2.0).tolist() == [True, True]


@pytest.mark.parametrize("network", [True, False])
def test_denoising_flattens_a_noisy_plane(clouds: ModuleType, network: bool) -> None:
    noisy = clouds.random_plane(300) + torch.tensor([0, 0, 1.0]) * 0.02 * torch.randn(300, 1)
    flow = flat_flow(clouds) if network else STAY
    clean = denoise_points(noisy, flow, UpsampleOptions(), generator=make_generator(0))
    assert clean.shape == noisy.shape
    assert float(clean[:, 2].std()) < 0.7 * float(noisy[:, 2].std())


def test_reference_mode_never_carries_the_latent(clouds: ModuleType) -> None:
    points = clouds.random_plane(60)
    latents = []

    def network(x: torch.Tensor, t: torch.Tensor, latent: torch.Tensor | None = None):
        latents.append(latent)
        return torch.zeros_like(x), torch.zeros(len(x), 1, 1)

    flow = Flow(network, uniform_times(3), 64, 2)
    found = flow_by_merging(clouds.random_plane(120, seed=1), points, flow)
    assert found.shape == (120, 3)
    assert latents == [None] * len(latents)
    # Five patches (three times as many as would hold 120), two at a time, in three steps.
    assert len(latents) == 9


def test_few_points_are_not_given_to_the_network(clouds: ModuleType) -> None:
    start = clouds.random_plane(6)
    made = move_points(start, flat_flow(clouds), PLAIN, source=start, generator=make_generator(0))
    assert torch.equal(made.points, start)


@pytest.mark.parametrize("rate", [0, 1, -3, 65, float("nan"), float("inf")])
def test_rates_out_of_range_are_refused(rate: float) -> None:
    with pytest.raises(InputError, match="rate must be more than 1 and at most 64"):
        check_rate(rate)


def test_target_is_rounded_and_more_than_before() -> None:
    assert target_count(3, 1.5) == 5
    assert target_count(10, 1.01) == 11
    assert target_count(2048, 4) == 8192


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"mode": "both"},
        {"manifold": "flat"},
        {"tile": 10},
        {"workers": 0},
        {"overlap": 0.5},
        {"outliers": float("nan")},
        {"keep_input": True, "denoise": True},
    ],
)
def test_wrong_options_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        UpsampleOptions(**wrong).check()


def test_batch_fits_into_memory() -> None:
    assert 1 <= patch_batch(torch.device("cpu"), 1024) <= 512
