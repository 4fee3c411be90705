import math
from pathlib import Path

import numpy as np
import pytest

from gen3d.errors import InputError, UserError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.transforms import orbit
from gen3d.geometry.triangle_distance import surface_distance
from gen3d.io import save
from gen3d.io.images import save_png
from gen3d.rewards import (
    REWARDS,
    ScanAgreement,
    SilhouetteIoU,
    compact,
    load_rewards,
    parse_rewards,
    printable,
    silhouette,
    single_piece,
    solid_cells,
    stable,
    support_free,
    symmetric,
    watertight,
)

EMPTY = Mesh(np.zeros((0, 3)), np.zeros((0, 3), int))


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Mesh:
    corners = np.array([[(low, high)[i][0], (low, high)[j][1], (low, high)[k][2]]
                        for i in range(2) for j in range(2) for k in range(2)])  # fmt: skip
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]
    return Mesh(corners, np.array(faces))


def join(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces))


def ball(radius: float = 0.5, rings: int = 48) -> Mesh:
    """A sphere of longitude and latitude, closed."""
    polar = np.linspace(0, np.pi, rings + 1)[1:-1]
    around = np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False)
    p, a = np.meshgrid(polar, around, indexing="ij")
    body = np.stack([np.sin(p) * np.cos(a), np.cos(p), np.sin(p) * np.sin(a)], -1).reshape(-1, 3)
    vertices = np.concatenate([body, [[0, 1, 0], [0, -1, 0]]]) * radius
    n, m = len(polar), len(around)
    i, j = np.meshgrid(np.arange(n - 1), np.arange(m), indexing="ij")
    here, right = i * m + j, i * m + (j + 1) % m
    quads = np.stack([here, right, right + m, here, right + m, here + m], -1).reshape(-1, 3)
    k = np.arange(m)
    top = np.stack([np.full(m, n * m), (k + 1) % m, k], -1)
    low = (n - 1) * m
    bottom = np.stack([np.full(m, n * m + 1), low + k, low + (k + 1) % m], -1)
    return Mesh(vertices, np.concatenate([quads, top, bottom]))


CUBE = box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5))


def test_shapes_of_these_tests_look_outward() -> None:
    assert compact(CUBE) == pytest.approx(math.pi / 6)
    assert compact(ball()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("name", REWARDS)
def test_every_reward_lies_between_zero_and_one(name: str) -> None:
    for mesh in (
        CUBE,
        ball(),
        box((0.1, -0.5, 0), (0.2, 0.5, 0.1)),
        CUBE.select_faces(np.arange(9)),
    ):
        assert 0 <= REWARDS[name](mesh) <= 1
    assert REWARDS[name](EMPTY) == 0


def test_watertight_falls_with_every_open_edge() -> None:
    assert watertight(CUBE) == 1
    opened = CUBE.select_faces(np.arange(11))
    assert watertight(opened) == pytest.approx(1 - 3 / 18)
    assert watertight(CUBE.select_faces(np.arange(8))) < watertight(opened)


def test_single_piece_is_the_largest_share_of_the_area() -> None:
    assert single_piece(CUBE) == 1
    half = box((0, 0, 0), (0.5, 0.5, 0.5))
    assert single_piece(join(CUBE, half)) == pytest.approx(6 / 7.5)
    assert single_piece(join(half, half)) == pytest.approx(0.5)


def test_cells_of_a_box_are_those_inside_it() -> None:
    cells = solid_cells(box((-0.25, -0.5, 0.0), (0.25, 0.5, 0.375)), 16)
    expected = np.zeros((16, 16, 16), bool)
    expected[4:12, :, 8:14] = True
    np.testing.assert_array_equal(cells, expected)


def test_cells_of_a_ball_fill_its_volume() -> None:
    assert solid_cells(ball(0.45), 48).mean() == pytest.approx(4 / 3 * np.pi * 0.45**3, rel=0.01)


def test_a_hollow_is_outside_and_an_overlap_is_inside_once() -> None:
    inner = box((-0.25, -0.25, -0.25), (0.25, 0.25, 0.25))
    hollow = join(CUBE, inner.with_(faces=inner.faces[:, ::-1]))
    assert solid_cells(hollow, 16).mean() == pytest.approx(1 - 1 / 8)
    np.testing.assert_array_equal(solid_cells(join(CUBE, inner), 16), solid_cells(CUBE, 16))


def test_columns_behind_a_hole_count_as_empty() -> None:
    left = np.flatnonzero((CUBE.corners[..., 0] < 0).all(axis=1))
    assert not solid_cells(CUBE.select_faces(np.setdiff1d(np.arange(12), left)), 8).any()


def test_symmetry_is_the_overlap_with_the_mirror_image() -> None:
    assert symmetric(CUBE) == 1
    # Three quarters left of the plane: half of the whole is in both.
    assert symmetric(box((-0.375, -0.5, -0.5), (0.125, 0.5, 0.5))) == pytest.approx(1 / 3)
    assert symmetric(box((0.0, -0.5, -0.5), (0.5, 0.5, 0.5))) == 0
    # Other planes do not matter.
    assert symmetric(box((-0.5, 0.0, 0.25), (0.5, 0.5, 0.5))) == 1


def test_overhangs_are_faces_steeper_than_45_degrees_above_the_bed() -> None:
    assert support_free(CUBE) == 1  # its underside lies on the bed
    table = join(box((-0.5, 0.4, -0.5), (0.5, 0.5, 0.5)), box((-0.1, -0.5, -0.1), (0.1, 0.4, 0.1)))
    area = (2 + 4 * 0.1) + (2 * 0.04 + 4 * 0.9 * 0.2)
    assert support_free(table) == pytest.approx(1 - 1 / area)
    upside_down = table.with_(vertices=table.vertices * [1, -1, 1], faces=table.faces[:, ::-1])
    assert support_free(upside_down) > support_free(table)


@pytest.mark.parametrize(("slope", "free"), [(0.9, True), (1.1, False)])
def test_forty_five_degrees_are_the_limit(slope: float, free: bool) -> None:
    # A pyramid on its tip; its sides lean out by `slope` per unit of height.
    square = [[1, 1, 1], [1, 1, -1], [-1, 1, -1], [-1, 1, 1]]
    vertices = np.array([*square, [0, 0, 0]]) * [slope, 1, slope] * 0.5
    faces = [[0, 1, 2], [0, 2, 3], [1, 0, 4], [2, 1, 4], [3, 2, 4], [0, 3, 4]]
    assert (support_free(Mesh(vertices, np.array(faces))) == 1) == free


def test_a_shape_stands_by_the_angle_at_which_it_falls() -> None:
    assert stable(CUBE) == pytest.approx(1)  # 45 degrees
    tower = box((-0.1, -0.5, -0.1), (0.1, 0.5, 0.1))
    assert stable(tower) == pytest.approx(math.degrees(math.atan(0.1 / 0.5)) / 45)
    assert stable(ball()) < 0.5


def test_a_shape_whose_weight_is_beside_its_base_falls() -> None:
    arm = box((0.0, 0.3, -0.1), (0.5, 0.5, 0.1))
    assert stable(join(arm, box((-0.1, -0.5, -0.1), (0.1, 0.3, 0.1)))) > 0
    assert stable(join(arm, box((-0.02, -0.5, -0.02), (0.02, 0.3, 0.02)))) == 0


def test_printable_is_the_mean_of_its_two_parts() -> None:
    tower = box((-0.1, -0.5, -0.1), (0.1, 0.5, 0.1))
    assert printable(tower) == pytest.approx((support_free(tower) + stable(tower)) / 2)


def test_scan_agreement_ignores_what_was_not_scanned() -> None:
    across = np.random.default_rng(0).uniform(-0.5, 0.5, (400, 2))
    side = np.column_stack([np.full(400, 0.5), across])
    assert ScanAgreement(side)(CUBE) == pytest.approx(1)
    away = ScanAgreement(side + np.array([0.2, 0, 0]))
    assert away.distance(CUBE) == pytest.approx(0.2)
    assert away(CUBE) == pytest.approx(math.exp(-4))
    assert ScanAgreement(side)(EMPTY) == 0
    with pytest.raises(InputError, match="scan needs points"):
        ScanAgreement(np.zeros((0, 3)))


def test_distances_to_faces_edges_and_corners() -> None:
    points = np.array([[0.7, 0, 0], [0.8, 0.9, 0], [0.6, 0.7, 0.7], [0, 0, 0], [0.5, 0.1, 0.2]])
    truth = [0.2, 0.5, 0.3, 0.5, 0.0]
    np.testing.assert_allclose(surface_distance(points, CUBE), truth, atol=1e-7)


def test_distance_to_a_finely_cut_ball_is_that_to_the_ball() -> None:
    points = np.random.default_rng(1).normal(size=(200, 3))
    truth = np.abs(np.linalg.norm(points, axis=1) - 0.5)
    np.testing.assert_allclose(surface_distance(points, ball()), truth, atol=2e-3)


def test_silhouettes_agree_with_the_camera_that_saw_them() -> None:
    camera = orbit(30.0, 20.0, width=80, height=60)
    seen = silhouette(CUBE, camera)
    assert 0.05 < seen.mean() < 0.6
    assert SilhouetteIoU(seen, camera)(CUBE) == 1
    assert SilhouetteIoU(~seen, camera)(CUBE) == 0
    assert SilhouetteIoU(seen, camera)(EMPTY) == 0


def test_without_a_camera_place_and_size_do_not_matter() -> None:
    mask = np.zeros((50, 90), bool)
    mask[5:45, 60:80] = True  # twice as tall as wide
    tall = box((-0.25, -0.5, -0.1), (0.25, 0.5, 0.1))
    assert SilhouetteIoU(mask)(tall) > 0.95
    assert SilhouetteIoU(mask)(CUBE) == pytest.approx(0.5, abs=0.03)


def test_silhouettes_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(InputError, match="not empty"):
        SilhouetteIoU(np.zeros((4, 4), bool))
    with pytest.raises(InputError, match="the camera"):
        SilhouetteIoU(np.ones((4, 4), bool), orbit(0, 0, width=8, height=4))


def test_names_weights_and_files_are_read(tmp_path: Path) -> None:
    terms = parse_rewards("watertight, symmetric:2,scan=a:b.ply:0.5")
    assert [(term.name, term.weight) for term in terms] == [
        ("watertight", 1), ("symmetric", 2), ("scan", 0.5)
    ]  # fmt: skip
    assert terms[2].file == Path("a:b.ply")
    lopsided = box((-0.375, -0.5, -0.5), (0.125, 0.5, 0.5))
    assert load_rewards(terms[:2])(lopsided) == pytest.approx((1 + 2 / 3) / 3)


def test_rewards_with_files_read_them(tmp_path: Path) -> None:
    save(CUBE, tmp_path / "scan.ply")
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[8:40, 8:40] = 255
    save_png(picture, tmp_path / "mask.png")
    for text in (f"scan={tmp_path / 'scan.ply'}", f"silhouette={tmp_path / 'mask.png'}"):
        assert load_rewards(parse_rewards(text))(CUBE) > 0.95
    with pytest.raises(UserError):
        load_rewards(parse_rewards(f"scan={tmp_path / 'missing.ply'}"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pretty", "unknown reward 'pretty'"),
        ("", "unknown reward ''"),
        ("symmetric:two", "unknown reward 'symmetric:two'"),
        ("symmetric:-1", "weight of a reward must be positive"),
        ("symmetric:nan", "weight of a reward must be positive"),
        ("symmetric,symmetric:2", "comes twice"),
        ("silhouette", "needs a file"),
        ("symmetric=a.png", "takes no file"),
    ],
)
def test_bad_lists_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_rewards(text)
