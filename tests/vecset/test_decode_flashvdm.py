"""The rule of FlashVDM against a plain transcription on dense arrays."""

import math

import pytest
import torch
from torch.nn import functional

from gen3d.vecset import decode_flashvdm
from gen3d.vecset.decode import PointField, decode_field
from gen3d.vecset.decode_flashvdm import bounding_boxes, flashvdm_levels

INVALID = -10000.0


def torus(points):
    ring = points[:, :2].norm(dim=-1) - 0.6
    return ((0.2 - torch.stack([ring, points[:, 2]], -1).norm(dim=-1)) / 0.02).clamp(-1, 1)


def plate(points):
    away = (points - points.new_tensor([0.0, 0.03, 0.0])).abs() - points.new_tensor(
        [0.7, 0.01, 0.7]
    )
    distance = away.clamp(min=0).norm(dim=-1) + away.amax(-1).clamp(max=0)
    return (-distance / 0.02).clamp(-1, 1)


def transcription(field, resolution, bounds, smallest=63):
    """Sections 3.1's steps one by one: dense float arrays, padded neighbours, convolutions."""
    levels = [resolution]
    while levels[0] // 2 >= smallest:
        levels.insert(0, levels[0] // 2)
    first = round(levels[0] / 4) * 4 - 1
    levels = [first * 2**i for i in range(len(levels))]
    evaluations = 0

    def sample(index, cells):
        nonlocal evaluations
        evaluations += len(index)
        finest = index * (levels[-1] // cells)
        size = (bounds[1] - bounds[0]) / levels[-1]
        return field((bounds[0] + size * finest.double()).float())

    def all_indices(cells):
        axis = torch.arange(cells + 1)
        return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).view(-1, 3)

    def dilate(mask):
        kernel = torch.ones(1, 1, 3, 3, 3)
        return functional.conv3d(mask.float()[None, None], kernel, padding=1)[0, 0] > 0

    side = levels[0] + 1
    grid = sample(all_indices(levels[0]), levels[0]).view(side, side, side)
    for cells in levels[1:]:
        padded = functional.pad(grid[None, None], (1,) * 6, mode="replicate")[0, 0]
        near = torch.zeros_like(grid, dtype=torch.bool)
        for axis in range(3):
            for way in (0, 2):
                neighbour = padded[1:-1, 1:-1, 1:-1] if axis < 0 else padded
                for a in range(3):
                    neighbour = neighbour.narrow(a, way if a == axis else 1, grid.shape[a])
                neighbour = torch.where(neighbour < -9000, grid, neighbour)
                near |= neighbour.sign() != grid.sign()
        near = (near | (grid.abs() < 0.95)) & (grid > -9000)
        last = cells == levels[-1]
        if not last:
            near = dilate(near)
        fine = torch.zeros((cells + 1,) * 3, dtype=torch.bool)
        where = near.nonzero() * 2
        fine[where[:, 0], where[:, 1], where[:, 2]] = True
        fine = dilate(fine)
        if last:
            fine = dilate(fine)
        index = fine.nonzero()
        grid = torch.full((cells + 1,) * 3, INVALID)
        grid[index[:, 0], index[:, 1], index[:, 2]] = sample(index, cells)
    grid[grid == INVALID] = math.nan
    return levels, evaluations, grid


@pytest.mark.parametrize(
    ("resolution", "levels"),
    [
        (128, (63, 126)),
        (196, (95, 190)),
        (256, (63, 126, 252)),
        (380, (95, 190, 380)),
        (384, (95, 190, 380)),
        (512, (63, 126, 252, 504)),
        (50, (47,)),
    ],
)
def test_levels_are_the_published_ones(resolution, levels):
    assert flashvdm_levels(resolution) == levels


@pytest.mark.parametrize("field", [torus, plate], ids=lambda f: f.__name__)
def test_mode_equals_a_plain_transcription(field):
    bounds = (-1.01, 1.01)
    levels, evaluations, grid = transcription(field, 128, bounds)
    decoded = decode_field(PointField(field), 128, mode="flashvdm", bounds=bounds, band=0.95)
    assert decoded.report.levels == tuple(levels)
    assert decoded.resolution == levels[-1]
    assert decoded.report.evaluations == evaluations
    n = levels[-1]
    corners = torch.stack(
        [grid[x : x + n, y : y + n, z : z + n] for x in (0, 1) for y in (0, 1) for z in (0, 1)],
        -1,
    )
    inside = corners > 0
    crossed = inside.any(-1) & ~inside.all(-1) & ~corners.isnan().any(-1)
    assert torch.equal(crossed.nonzero(), decoded.cells.long())
    assert torch.equal(corners[crossed], decoded.corner_values)


def test_three_levels_dilate_before_and_after_in_between(monkeypatch):
    # Published, three levels begin at 252 cells; 60 show the same.
    monkeypatch.setattr(decode_flashvdm, "MIN_RESOLUTION", 15)
    _, evaluations, grid = transcription(torus, 60, (-1.0, 1.0), smallest=15)
    decoded = decode_field(PointField(torus), 60, mode="flashvdm", band=0.95)
    assert decoded.report.levels == (15, 30, 60)
    assert decoded.report.evaluations == evaluations
    assert int((~grid.isnan()).sum()) < evaluations


def test_band_follows_the_slope_of_the_field():
    steep = decode_field(PointField(lambda p: 7 * torus(p)), 128, mode="flashvdm")
    plain = decode_field(PointField(torus), 128, mode="flashvdm", band=0.95)
    assert abs(steep.report.evaluations / plain.report.evaluations - 1) < 0.15


def test_boxes_divide_the_bounding_box_and_allow_flat_sets():
    index = torch.tensor([[0, 5, 2], [11, 5, 2], [5, 5, 3], [6, 5, 2]])
    assert bounding_boxes(index).tolist() == [0, 180, 2 * 36 + 5, 3 * 36]


def test_groups_are_cubes_first_and_boxes_then():
    counts = []

    class Watched(PointField):
        def on_grid(self, grid):
            sample = super().on_grid(grid)

            def watch(index, groups=None, /):
                counts.append((groups.level, len(groups.offsets) - 1, len(index)))
                return sample(index, groups)

            return watch

    decode_field(Watched(torus), 128, mode="flashvdm", band=0.95, grouped=True)
    assert counts[0] == (0, 64, 64**3)
    assert counts[1][0] == 1
    assert counts[1][1] <= 216
