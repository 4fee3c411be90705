import numpy as np
import pytest
import trimesh

from gen3d.errors import InputError
from gen3d.geometry.lengths import parse_length_mm
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import signed_volume, vertex_normals
from gen3d.geometry.printing import check_print, cut_flat_base
from gen3d.geometry.thickness import share_thinner, wall_thickness
from gen3d.geometry.topology import report_topology


@pytest.mark.parametrize(
    ("text", "millimetres"),
    [("100mm", 100), ("10 cm", 100), ("0.1m", 100), ("4in", 101.6), ('1"', 25.4), (".5 M", 500)],
)
def test_lengths_are_read_with_their_units(text: str, millimetres: float) -> None:
    assert parse_length_mm(text) == pytest.approx(millimetres)


@pytest.mark.parametrize("text", ["100", "mm", "-3cm", "0mm", "3 apples", "1e3mm", "nanmm", ""])
def test_lengths_without_number_or_unit_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="a positive number with a unit"):
        parse_length_mm(text)


def test_walls_of_a_plate_are_as_thick_as_the_plate() -> None:
    plate = Mesh.from_trimesh(trimesh.creation.box((1.0, 0.1, 1.0)))
    found = wall_thickness(plate)
    broad = found[np.isfinite(found)]
    assert len(broad) > 500
    assert np.median(broad) == pytest.approx(0.1, rel=0.02)
    assert share_thinner(found, 0.05) == 0
    assert share_thinner(found, 0.15) > 0.5


def test_a_ball_is_as_thick_as_its_diameter(ball: Mesh) -> None:
    found = wall_thickness(ball)
    assert np.median(found) == pytest.approx(1.0, rel=0.05)


def test_a_rod_is_as_thick_as_its_diameter() -> None:
    rod = Mesh.from_trimesh(trimesh.creation.cylinder(radius=0.02, height=1.0, sections=24))
    found = wall_thickness(rod)
    assert np.quantile(found, [0.1, 0.5, 0.9]) == pytest.approx([0.04] * 3, rel=0.15)


def test_edges_of_a_cube_are_no_thin_walls(cube: Mesh) -> None:
    assert share_thinner(wall_thickness(cube), 0.5) == 0


def test_flat_base_makes_a_ball_stand(ball: Mesh) -> None:
    coloured = ball.with_(colors=(ball.vertices + 0.5).clip(0, 1), normals=vertex_normals(ball))
    before, cut = check_print(coloured, height_mm=100), cut_flat_base(coloured, depth=0.1)
    after = check_print(cut, height_mm=100)
    assert cut.bounds[0, 1] == pytest.approx(-0.4, abs=1e-6)
    assert report_topology(cut).oriented
    # A cap of height h of a sphere of radius r: pi h^2 (3 r - h) / 3.
    cap = np.pi * 0.1**2 * (1.5 - 0.1) / 3
    assert signed_volume(ball) - signed_volume(cut) == pytest.approx(cap, rel=0.05)
    assert cut.colors is not None and cut.normals is not None
    np.testing.assert_allclose(cut.colors, cut.vertices + 0.5, atol=1e-3)
    assert any("--flat-base" in line for line in before.warnings)
    assert not after.warnings


def test_open_meshes_get_no_flat_base(ball: Mesh) -> None:
    with pytest.raises(InputError, match="only a closed mesh"):
        cut_flat_base(ball.select_faces(np.arange(len(ball.faces) // 2)))


def test_report_names_size_pieces_and_hollows(cube: Mesh) -> None:
    inner = cube.with_(vertices=cube.vertices * 0.5, faces=cube.faces[:, ::-1])
    aside = cube.with_(vertices=cube.vertices + np.array([3, 0, 0]))
    faces = [part.faces + 8 * i for i, part in enumerate((cube, inner, aside))]
    whole = Mesh(
        np.concatenate([cube.vertices, inner.vertices, aside.vertices]), np.concatenate(faces)
    )
    report = check_print(whole, height_mm=50)
    assert report.size_mm == pytest.approx((200, 50, 50))
    assert (report.pieces, report.cavities, report.watertight) == (2, 1, True)
    assert any("2 separate pieces" in line for line in report.warnings)
    assert any("hollow" in line for line in report.warnings)


def test_thin_walls_are_warned_of_at_the_size_asked_for() -> None:
    plate = Mesh.from_trimesh(trimesh.creation.box((1.0, 1.0, 0.05)))
    assert any("walls under 0.8 mm" in line for line in check_print(plate, height_mm=10).warnings)
    assert not check_print(plate, height_mm=100).warnings


def test_flat_meshes_and_silly_heights_are_refused(cube: Mesh) -> None:
    with pytest.raises(InputError, match="positive lengths"):
        check_print(cube, height_mm=0)
