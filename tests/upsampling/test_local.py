"""Surroundings of points, on surfaces whose shape is known."""

import math

import torch
from torch import Tensor

from gen3d.upsampling.config import LocalConfig
from gen3d.upsampling.local import LocalGeometry, LocalReadout

CONFIG = LocalConfig(neighbours=12, width=8, scales=(6, 12))


def sphere(count: int = 400) -> Tensor:
    i = torch.arange(count)
    z = 1 - (2 * i + 1) / count
    angle = i * math.pi * (3 - math.sqrt(5))
    ring = (1 - z * z).sqrt()
    return torch.stack([ring * angle.cos(), ring * angle.sin(), z], 1)[None]


def turn() -> Tensor:
    q, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(4)))
    return q


def test_means_of_neighbours_on_a_sphere_lie_below_it() -> None:
    points = sphere()
    geometry = LocalGeometry.of(points, CONFIG)
    mean = geometry.vectors[:, :, 0]
    along = (mean * points).sum(-1)
    assert (along < 0).float().mean() > 0.99
    # A cap's mean lies below its pole by a quarter of the squared radius.
    radius = (geometry.offsets[:, :, :6].norm(dim=-1) * geometry.spacing).square().mean()
    torch.testing.assert_close(
        (along * geometry.spacing[..., 0]).mean(), -radius / 2, rtol=0.02, atol=0
    )


def test_vectors_turn_and_numbers_stay_when_a_patch_turns() -> None:
    points, q = sphere(), turn()
    one, two = LocalGeometry.of(points, CONFIG), LocalGeometry.of(points @ q, CONFIG)
    torch.testing.assert_close(one.vectors @ q, two.vectors, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(one.scalars, two.scalars, atol=5e-3, rtol=1e-3)


def test_size_of_a_patch_changes_its_spacing_only() -> None:
    points = sphere()
    one, two = LocalGeometry.of(points, CONFIG), LocalGeometry.of(3 * points, CONFIG)
    torch.testing.assert_close(3 * one.spacing, two.spacing)
    torch.testing.assert_close(one.offsets, two.offsets, atol=1e-5, rtol=1e-4)


def test_readout_moves_along_the_vectors() -> None:
    points = sphere()
    geometry = LocalGeometry.of(points, CONFIG)
    readout = LocalReadout(CONFIG, 4)
    torch.nn.init.zeros_(readout.coefficients.weight)
    torch.nn.init.zeros_(readout.coefficients.bias)
    readout.coefficients.bias.data[0] = -2.0
    moved = readout(torch.zeros(1, 400, 4), geometry)
    torch.testing.assert_close(moved, -2 * geometry.vectors[:, :, 0])


def test_geometry_is_measured_in_float32_under_autocast() -> None:
    points = sphere(60)
    plain = LocalGeometry.of(points, CONFIG)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(LocalGeometry.of(points, CONFIG).vectors, plain.vectors)
