"""Winding numbers against closed forms."""

import math

import pytest
import torch
import trimesh

from gen3d.data.winding import winding_numbers
from gen3d.geometry.mesh import Mesh
from tests.data.soups import box, join, turned_inside_out


def winding(mesh: Mesh, *points: tuple[float, float, float]) -> list[float]:
    vertices, faces = torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces)
    return winding_numbers(vertices, faces, torch.tensor(points, dtype=torch.float32)).tolist()


def test_a_closed_surface_winds_once_around_what_is_inside() -> None:
    sphere = Mesh.from_trimesh(trimesh.creation.icosphere(subdivisions=2, radius=0.7))
    found = winding(sphere, (0, 0, 0), (0.3, -0.4, 0.2), (0.9, 0, 0), (0, 0.8, 0.5))
    assert found == pytest.approx([1, 1, 0, 0], abs=1e-5)


def test_overlapping_boxes_add_up_and_inverted_ones_count_backwards() -> None:
    one, other = box((-0.6, -0.5, -0.5), (0.2, 0.5, 0.5)), box((-0.2, -0.5, -0.5), (0.6, 0.5, 0.5))
    points = (0.0, 0.0, 0.0), (-0.4, 0.1, 0.0), (0.4, 0.0, 0.1), (0.8, 0.0, 0.0)
    assert winding(join(one, other), *points) == pytest.approx([2, 1, 1, 0], abs=1e-5)
    inverted = join(one, turned_inside_out(other))
    assert winding(inverted, *points) == pytest.approx([0, 1, -1, 0], abs=1e-5)


def test_one_side_of_a_cube_covers_a_sixth_of_the_sphere_from_its_middle() -> None:
    side = box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5), without=(0, 1, 2, 4, 5))
    assert winding(side, (0, 0, 0)) == pytest.approx([1 / 6], abs=1e-6)
    # A rectangle of half sides a, b at distance d covers 4 atan(a b / (d sqrt(a^2 + b^2 + d^2))).
    d = 1.2
    covered = 4 * math.atan(0.25 / (d * math.sqrt(0.5 + d * d))) / (4 * math.pi)
    assert winding(side, (0, 0.5 - d, 0)) == pytest.approx([covered], abs=1e-6)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    sphere = Mesh.from_trimesh(trimesh.creation.icosphere(subdivisions=1))
    vertices, faces = torch.from_numpy(sphere.vertices), torch.from_numpy(sphere.faces)
    points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0)) * 3 - 1.5
    whole = winding_numbers(vertices, faces, points)
    monkeypatch.setattr("gen3d.data.winding._PAIRS", 7 * len(faces))
    assert torch.allclose(winding_numbers(vertices, faces, points), whole, atol=1e-6)


def test_a_soup_without_faces_winds_around_nothing() -> None:
    none = torch.zeros((0, 3), dtype=torch.long)
    assert winding_numbers(torch.zeros(3, 3), none, torch.zeros(2, 3)).tolist() == [0, 0]
