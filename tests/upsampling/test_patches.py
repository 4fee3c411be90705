from types import ModuleType

import pytest
import torch

from gen3d.errors import InputError
from gen3d.upsampling.merge import find_owners, merge_patches, owning_patches
from gen3d.upsampling.patches import cut_patches


@pytest.mark.parametrize("overlap", [1.0, 1.5, 3.0])
def test_every_point_is_in_some_patch(clouds: ModuleType, overlap: float) -> None:
    points = clouds.random_plane(300)
    patches = cut_patches(points, 32, overlap=overlap)
    assert set(patches.indices.flatten().tolist()) == set(range(300))


def test_more_equal_points_than_a_patch_holds_are_covered() -> None:
    points = torch.cat([torch.zeros(50, 3), torch.ones(50, 3)])
    patches = cut_patches(points, 8)
    assert set(patches.indices.flatten().tolist()) == set(range(100))
    assert bool(patches.normalise(points).isfinite().all())


def test_patches_fill_the_unit_ball_and_go_back(clouds: ModuleType) -> None:
    points = clouds.random_plane(200) * 40 + 1000
    patches = cut_patches(points, 64)
    local = patches.normalise(points)
    assert float(local.norm(dim=-1).max()) == pytest.approx(1, abs=1e-4)
    assert float(local.mean(dim=1).abs().max()) < 1e-3
    assert float((patches.restore(local) - points[patches.indices]).abs().max()) < 1e-3


def test_small_cloud_is_one_patch(clouds: ModuleType) -> None:
    assert cut_patches(clouds.random_plane(20), 64).indices.shape == (1, 20)


def test_point_belongs_to_the_nearest_seed_whose_patch_has_it(clouds: ModuleType) -> None:
    points = clouds.random_plane(240)
    patches = cut_patches(points, 48, overlap=2.0)
    owners = find_owners(patches, 240)
    flat = patches.indices.flatten()
    assert torch.equal(flat[owners.first], torch.arange(240))
    seeds = points[patches.indices[:, 0]]
    for point in range(0, 240, 17):
        holds = (patches.indices == point).any(dim=1)
        distance = (seeds - points[point]).norm(dim=1).masked_fill(~holds, torch.inf)
        assert int(owners.first[point]) // 48 == int(distance.argmin())


def test_merge_of_unmoved_patches_is_the_cloud(clouds: ModuleType) -> None:
    points = clouds.random_plane(200)
    patches = cut_patches(points, 32)
    owners = find_owners(patches, 200)
    merged = merge_patches(patches.restore(patches.normalise(points)), owners)
    assert float((merged.points - points).abs().max()) < 1e-5
    assert float(merged.disagreement.max()) < 1e-5


def test_merge_has_no_step_between_two_patches(clouds: ModuleType) -> None:
    """Patches that moved by different amounts meet halfway where both seeds are as far."""
    points = clouds.random_plane(400)
    patches = cut_patches(points, 160, overlap=3.0)
    owners = find_owners(patches, 400)
    lift = torch.zeros(len(patches), 160, 3)
    lift[..., 2] = torch.arange(len(patches))[:, None]
    merged = merge_patches(points[patches.indices] + lift, owners)
    first, second = owners.first // 160, owners.second // 160
    even = owners.say > 0.49
    assert bool(even.any())
    halfway = (first + second)[even] / 2
    assert float((merged.points[even, 2] - halfway).abs().max()) < 0.02 * len(patches)


def test_only_patches_with_wanted_points_are_needed(clouds: ModuleType) -> None:
    points = clouds.random_plane(400)
    patches = cut_patches(points, 32, overlap=1.5)
    wanted = points[:, 0] < 0.1
    needed = owning_patches(find_owners(patches, 400), patches, wanted)
    assert 0 < int(needed.sum()) < len(patches) / 2


def test_no_points_have_no_patches() -> None:
    with pytest.raises(InputError, match="0 points"):
        cut_patches(torch.zeros(0, 3), 8)
