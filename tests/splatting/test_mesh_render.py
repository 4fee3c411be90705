import math

import numpy as np
import pytest
import trimesh

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.transforms import Camera, look_at
from gen3d.splatting.mesh_render import contact_sheet, render_mesh


def camera(size: int = 48, fov: float = 0.6) -> Camera:
    """Looks from +Z, slightly above, at the origin."""
    return look_at((0.0, 0.6, 3.0), fov_deg=math.degrees(fov), width=size, height=size)


def as_mesh(shape: trimesh.Trimesh, colour: tuple[float, float, float] | None) -> Mesh:
    colors = None if colour is None else np.tile(np.float32(colour), (len(shape.vertices), 1))
    return Mesh(np.asarray(shape.vertices), np.asarray(shape.faces), colors=colors)


SPHERE = trimesh.creation.icosphere(3, radius=0.5)


def test_sphere_has_its_silhouette_colour_and_background() -> None:
    image = render_mesh(as_mesh(SPHERE, (0.8, 0.1, 0.1)), camera(), ground_shadow=False)
    assert image.shape == (48, 48, 3) and image.dtype == np.uint8
    assert (image[0, 0] == 255).all()
    middle = image[24, 24].astype(int)
    assert middle[0] > 2 * middle[1] and middle[0] > 2 * middle[2]
    # A sphere of radius r at distance d has the silhouette radius f r / sqrt(d^2 - r^2).
    view = camera()
    radius = view.fx * 0.5 / np.sqrt(3.0**2 + 0.6**2 - 0.5**2)
    covered = (image != 255).any(-1).sum()
    assert covered == pytest.approx(np.pi * radius**2, rel=0.12)


def test_light_comes_from_above() -> None:
    image = render_mesh(as_mesh(SPHERE, (0.6, 0.6, 0.6)), camera(), ground_shadow=False)
    assert image[18, 24].mean() > image[32, 24].mean() + 20


def test_transparent_background_carries_alpha() -> None:
    image = render_mesh(as_mesh(SPHERE, None), camera(), 32, background=None, ground_shadow=False)
    assert image.shape == (32, 32, 4)
    assert image[0, 0, 3] == 0 and image[16, 16, 3] == 255
    assert 0 < image[..., 3].mean() < 255


def test_shadow_darkens_the_ground_under_the_mesh_only() -> None:
    mesh = as_mesh(SPHERE, None)
    plain = render_mesh(mesh, camera(fov=0.9), ground_shadow=False).astype(int)
    shadowed = render_mesh(mesh, camera(fov=0.9)).astype(int)
    difference = (plain - shadowed).sum(-1)
    assert difference.max() > 30 and difference.min() >= 0
    assert difference[:20].max() == 0


def test_size_scales_the_whole_view() -> None:
    small = render_mesh(as_mesh(SPHERE, None), camera(48), 24)
    large = render_mesh(as_mesh(SPHERE, None), camera(48), 96)
    shrunk = large.reshape(24, 4, 24, 4, 3).mean((1, 3))
    assert np.abs(shrunk - small).mean() < 2.0


def test_same_mesh_gives_the_same_bytes() -> None:
    mesh = as_mesh(trimesh.creation.box(), (0.2, 0.5, 0.9))
    assert render_mesh(mesh, camera()).tobytes() == render_mesh(mesh, camera()).tobytes()


def test_empty_mesh_shows_the_background() -> None:
    empty = Mesh(np.zeros((0, 3)), np.zeros((0, 3), int))
    assert (render_mesh(empty, camera(16)) == 255).all()


def test_size_out_of_range_is_named() -> None:
    with pytest.raises(InputError, match="at most"):
        render_mesh(as_mesh(SPHERE, None), camera(), 100_000)
    with pytest.raises(InputError, match="supersample"):
        render_mesh(as_mesh(SPHERE, None), camera(), supersample=0)


def test_contact_sheet_places_pictures_in_rows_with_text() -> None:
    images = [np.full((20, 30, 3), shade, np.uint8) for shade in (10, 90, 170)]
    sheet = contact_sheet(images, ["one", "two", "three which is far too long to fit"], columns=2)
    bare = contact_sheet(images, columns=2)
    assert sheet.shape[0] > bare.shape[0] and sheet.shape[1] == bare.shape[1] == 2 * 36 + 6
    assert (bare[6:26, 6:36] == 10).all() and (bare[6:26, 42:72] == 90).all()
    assert (bare[32:52, 6:36] == 170).all() and (bare[32:52, 42:72] == 255).all()
    assert (sheet[26:40] < 128).any(), "captions are dark text below the first row"


def test_contact_sheet_refuses_nothing_and_wrong_labels() -> None:
    with pytest.raises(InputError, match="no images"):
        contact_sheet([])
    with pytest.raises(InputError, match="labels"):
        contact_sheet([np.zeros((4, 4, 3), np.uint8)], ["a", "b"])
