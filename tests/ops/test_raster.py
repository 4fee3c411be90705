import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops.backend import native_available
from gen3d.ops.raster import RasterResult, rasterize_mesh
from gen3d.ops.reference import raster as reference

needs_native = pytest.mark.skipif(not native_available(), reason="native module not built")
BACKENDS = [pytest.param("native", marks=needs_native), "reference"]
# One unit at depth one is ten pixels; the origin projects to the image's centre.
CAMERA = {"focal": (10.0, 10.0), "principal": (10.0, 8.0), "size": (20, 16)}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GEN3D_BACKEND", request.param)
    return request.param


def draw(vertices: list[list[float]] | Tensor, faces: list[list[int]] | Tensor) -> RasterResult:
    return rasterize_mesh(torch.as_tensor(vertices), torch.as_tensor(faces), **CAMERA)


def test_half_integer_centres_and_top_left_rule_fix_the_covered_pixels(backend: str) -> None:
    # Corners exactly on pixel centres (8.5, 6.5) and (11.5, 9.5).
    low, right, down = -0.15, 0.15, 0.15
    quad = [[low, low, 1.0], [right, low, 1.0], [right, down, 1.0], [low, down, 1.0]]
    covered = draw(quad, [[0, 1, 2], [0, 2, 3]]).face_id >= 0
    rows, columns = covered.nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 8, 8, 10)
    assert covered.sum() == 9


def test_triangles_of_a_fan_cover_each_pixel_exactly_once(backend: str) -> None:
    generator = torch.Generator().manual_seed(0)
    angle = torch.rand(17, generator=generator).sort().values * 2 * torch.pi
    rim = torch.stack([0.7 * angle.cos(), 0.7 * angle.sin(), torch.ones(17)], dim=1)
    vertices = torch.cat([torch.tensor([[0.05, -0.03, 1.0]]), rim])
    hits = torch.zeros(16, 20)
    for i in range(17):
        hits += draw(vertices, [[0, 1 + i, 1 + (i + 1) % 17]]).face_id >= 0
    assert hits.max() == 1
    assert hits[5:11, 7:13].min() == 1


def test_barycentrics_and_depth_are_perspective_correct(backend: str) -> None:
    vertices = torch.tensor([[-1.0, -0.5, 1.0], [3.0, -1.0, 4.0], [-0.5, 2.0, 2.5]])
    result = draw(vertices, [[0, 1, 2]])
    rows, columns = (result.face_id == 0).nonzero(as_tuple=True)
    assert len(rows) > 20
    position = result.barycentric[rows, columns] @ vertices
    torch.testing.assert_close(position[:, 2], result.depth[rows, columns])
    # Snapping moves corners by at most 1/512 pixel.
    seen_x = 10.0 * position[:, 0] / position[:, 2] + 10.0
    seen_y = 10.0 * position[:, 1] / position[:, 2] + 8.0
    torch.testing.assert_close(seen_x, columns + 0.5, atol=0.02, rtol=0)
    torch.testing.assert_close(seen_y, rows + 0.5, atol=0.02, rtol=0)


def test_the_nearest_face_wins_and_ties_go_to_the_lower_id(backend: str) -> None:
    near = [[-1.0, -1.0, 1.0], [1.0, -1.0, 1.0], [0.0, 1.0, 1.0]]
    far = [[3 * x, 3 * y, 2.0] for x, y, _ in near]
    result = draw(far + near, [[0, 1, 2], [3, 4, 5], [3, 5, 4]])
    assert result.face_id[8, 10] == 1
    assert result.depth[8, 10] == 1.0


def test_background_is_marked(backend: str) -> None:
    result = draw([[0.0, 0.0, -1.0]] * 3, [[0, 1, 2]])
    assert (result.face_id == -1).all()
    assert result.depth.isinf().all()
    assert (result.barycentric == 0).all()


def test_a_floor_that_passes_under_the_camera_is_clipped_not_folded(backend: str) -> None:
    corners = [[-9.0, 1.0, -9.0], [9.0, 1.0, -9.0], [9.0, 1.0, 9.0], [-9.0, 1.0, 9.0]]
    result = draw(corners, [[0, 1, 2], [0, 2, 3]])
    horizon = 8.0 + 10.0 / 9.0
    rows = torch.arange(16) + 0.5
    assert torch.equal((result.face_id >= 0).all(1), rows > horizon)
    torch.testing.assert_close(result.depth[12], torch.full((20,), 10.0 / 4.5), rtol=1e-3, atol=0)
    # Barycentrics speak of the original corners, also in clipped faces.
    hit = result.face_id[12, 4]
    corner_ids = torch.tensor([[0, 1, 2], [0, 2, 3]])[int(hit)]
    assert torch.tensor(corners)[corner_ids].T @ result.barycentric[12, 4] == pytest.approx(
        [(4.5 - 10) / 10 * 10 / 4.5, 1.0, 10 / 4.5], rel=1e-3
    )


def test_not_finite_faces_are_left_out(backend: str) -> None:
    vertices = [[-1.0, -1.0, 1.0], [1.0, -1.0, 1.0], [0.0, float("nan"), 1.0], [0.0, 1.0, 1.0]]
    result = draw(vertices, [[0, 1, 2], [0, 1, 3]])
    assert set(result.face_id.unique().tolist()) == {-1, 1}


@needs_native
@pytest.mark.parametrize("case", ["random", "near", "huge", "strided", "int32", "empty", "flat"])
def test_native_equals_reference(case: str) -> None:
    generator = torch.Generator().manual_seed(len(case))
    vertices = torch.randn(60, 3, generator=generator)
    vertices[:, 2] = 2.5 + 0.7 * vertices[:, 2]
    faces = torch.randint(0, 60, (150, 3), generator=generator)
    if case == "near":
        vertices[:, 2] -= 2.0
    elif case == "huge":
        vertices *= 1e6
    elif case == "strided":
        vertices, faces = vertices.T.contiguous().T, faces.T.contiguous().T
    elif case == "int32":
        faces = faces.int()
    elif case == "empty":
        faces = faces[:0]
    elif case == "flat":
        vertices[:, 2] = 2.0
    got = rasterize_mesh(vertices, faces, **CAMERA)
    face_id, depth, barycentric = reference.rasterize_mesh(
        vertices, faces.long(), near=1e-3, **CAMERA
    )
    same = got.face_id == face_id
    # Faces that meet at one depth may round apart by one unit in the last place.
    assert same.float().mean() > 0.99
    torch.testing.assert_close(got.depth, depth, rtol=1e-6, atol=0)
    torch.testing.assert_close(got.barycentric[same], barycentric[same], rtol=1e-4, atol=1e-5)


@needs_native
def test_result_does_not_depend_on_the_thread_count() -> None:
    generator = torch.Generator().manual_seed(1)
    vertices = torch.randn(20000, 3, generator=generator) + torch.tensor([0, 0, 4.0])
    faces = torch.arange(20000)[:19998].view(-1, 3)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(rasterize_mesh(vertices, faces, **CAMERA))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0].face_id, results[1].face_id)
    assert torch.equal(results[0].barycentric, results[1].barycentric)


@needs_native
def test_op_is_registered_as_torch_wants() -> None:
    vertices = torch.tensor([[-1.0, -1.0, 1.0], [1.0, -1.0, 1.0], [0.0, 1.0, 1.0]])
    args = (vertices, torch.tensor([[0, 1, 2]]), [10.0, 10.0, 4.0, 4.0, 0.1], 8, 8)
    torch.library.opcheck(
        torch.ops.gen3d.rasterize_mesh, args, test_utils=("test_schema", "test_faketensor")
    )


@needs_native
def test_forward_mode_raises_instead_of_returning_zeros() -> None:
    vertices = torch.tensor([[-1.0, -1.0, 1.0], [1.0, -1.0, 1.0], [0.0, 1.0, 1.0]])
    with pytest.raises(RuntimeError, match="forward-mode"):
        torch.func.jvp(
            lambda v: draw(v, [[0, 1, 2]]).depth, (vertices,), (torch.ones_like(vertices),)
        )


def test_wrong_input_is_named(backend: str) -> None:
    vertices = torch.zeros(3, 3)
    with pytest.raises(InputError, match="expected 0 to 2"):
        rasterize_mesh(vertices, torch.tensor([[0, 1, 3]]), **CAMERA)
    with pytest.raises(InputError, match="image size"):
        rasterize_mesh(vertices, torch.tensor([[0, 1, 2]]), **{**CAMERA, "size": (0, 5)})
    with pytest.raises(InputError, match="near"):
        rasterize_mesh(vertices, torch.tensor([[0, 1, 2]]), near=0.0, **CAMERA)
