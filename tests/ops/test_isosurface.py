import math

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops.backend import native_available
from gen3d.ops.isosurface import marching_cubes, marching_cubes_dense
from gen3d.ops.reference import isosurface as reference
from tests.ops.surfaces import active_cells, assert_closed_two_manifold, bordered, sphere, volume

needs_native = pytest.mark.skipif(not native_available(), reason="native module not built")
BACKENDS = [pytest.param("native", marks=needs_native), "reference"]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GEN3D_BACKEND", request.param)
    return request.param


def test_every_pair_of_signs_around_every_face_closes(backend: str) -> None:
    # Two cells that share a face have 12 corners: all 4096 sign patterns of them. The reference
    # shares the table and is slow, so it gets a sample.
    generator = torch.Generator().manual_seed(0)
    patterns = range(4096) if backend == "native" else range(0, 4096, 31)
    for pattern in patterns:
        signs = torch.tensor([1.0 if pattern >> b & 1 else -1.0 for b in range(12)])
        block = signs.view(3, 2, 2) * (0.1 + torch.rand(3, 2, 2, generator=generator))
        field = torch.full((5, 5, 5), -1.0)
        field[1:4, 1:3, 1:3] = block
        assert_closed_two_manifold(*marching_cubes_dense(field))


@pytest.mark.parametrize("seed", range(8))
def test_random_fields_give_closed_manifold_edges(backend: str, seed: int) -> None:
    field = torch.randn(9, 9, 9, generator=torch.Generator().manual_seed(seed))
    assert_closed_two_manifold(*marching_cubes_dense(bordered(field)))


@pytest.mark.parametrize("seed", range(4))
def test_values_exactly_at_the_level_keep_vertices_apart(backend: str, seed: int) -> None:
    field = torch.randint(-1, 2, (7, 7, 7), generator=torch.Generator().manual_seed(seed)).float()
    vertices, faces = marching_cubes_dense(bordered(field))
    assert_closed_two_manifold(vertices, faces)
    assert vertices.unique(dim=0).shape == vertices.shape


def test_sphere_has_its_radius_centre_and_outward_faces(backend: str) -> None:
    vertices, faces = marching_cubes_dense(sphere(40, 0.77))
    assert (vertices.norm(dim=1) - 0.77).abs().max() < 0.1 * 2 / 40
    assert vertices.mean(0).abs().max() < 1e-4
    assert volume(vertices, faces) == pytest.approx(4 / 3 * math.pi * 0.77**3, rel=5e-3)


def test_a_plane_lies_where_the_affine_map_says(backend: str) -> None:
    x = torch.linspace(2.0, 5.0, 8)
    field = (x - 3.3)[:, None, None].expand(8, 8, 8)
    vertices, faces = marching_cubes_dense(field, bounds=(2.0, 5.0))
    assert vertices[:, 0].sub(3.3).abs().max() < 1e-6
    assert set(vertices[:, 1].tolist()) == set(torch.linspace(2.0, 5.0, 8).tolist())
    normals = torch.linalg.cross(*(vertices[faces][:, 1:] - vertices[faces][:, :1]).unbind(1))
    assert (normals[:, 0] < 0).all(), "the inside is at larger x, so normals point back"


def test_level_moves_the_surface(backend: str) -> None:
    vertices, _ = marching_cubes_dense(sphere(24, 0.5), level=-0.2)
    assert (vertices.norm(dim=1) - 0.7).abs().max() < 0.1 * 2 / 24


def test_nan_counts_as_outside_and_never_reaches_vertices(backend: str) -> None:
    field = sphere(12, 0.5)
    field[6, 6, 6:9] = float("nan")
    field[6, 8, 6] = float("inf")
    vertices, faces = marching_cubes_dense(field)
    assert vertices.isfinite().all()
    assert_closed_two_manifold(vertices, faces)


def test_no_crossing_gives_an_empty_mesh(backend: str) -> None:
    none = torch.zeros(0, 3).long(), torch.zeros(0, 8)
    for cells, values in [none, active_cells(-torch.ones(4, 4, 4))]:
        vertices, faces = marching_cubes(cells, values, resolution=3)
        assert vertices.shape == (0, 3) and faces.shape == (0, 3)
        assert vertices.dtype == torch.float32 and faces.dtype == torch.int64


@needs_native
@pytest.mark.parametrize("case", ["random", "odd", "gaps", "strided", "int32", "double", "border"])
def test_native_equals_reference_to_the_bit(case: str) -> None:
    field = torch.randn(10, 10, 10, generator=torch.Generator().manual_seed(3))
    cells, values = active_cells(field)
    if case == "odd":
        cells, values = cells[:77], values[:77]
    elif case == "gaps":
        keep = torch.rand(len(cells), generator=torch.Generator().manual_seed(1)) < 0.4
        cells, values = cells[keep], values[keep]
    elif case == "strided":
        cells, values = cells.T.contiguous().T, values.T.contiguous().T
    elif case == "int32":
        cells = cells.int()
    elif case == "double":
        values = values.double()
    elif case == "border":
        cells = cells + 1000
    options = {"resolution": 1009, "bounds": (-0.5, 1.25), "level": 0.1}
    got = marching_cubes(cells, values, **options)
    want = reference.marching_cubes(cells, values.float(), **options)
    assert torch.equal(got[0], want[0]) and torch.equal(got[1], want[1])


@needs_native
def test_result_does_not_depend_on_the_thread_count() -> None:
    field = sphere(96, 0.8)  # enough cells for several blocks
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(marching_cubes_dense(field))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_inconsistent_corner_values_do_not_break_indices(backend: str) -> None:
    cells, values = active_cells(torch.zeros(5, 5, 5))
    values = torch.randn(values.shape, generator=torch.Generator().manual_seed(5))
    vertices, faces = marching_cubes(cells, values, resolution=4)
    assert faces.min() >= 0 and faces.max() < len(vertices)


def test_gradient_moves_vertices_as_finite_differences_do(backend: str) -> None:
    cells, values = active_cells(sphere(6, 0.6))
    values = values.clone().requires_grad_()
    weight = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0))

    def loss(v: Tensor) -> Tensor:
        vertices, _ = marching_cubes(cells, v, resolution=6)
        return (vertices.double() * weight[: len(vertices)]).sum()

    (grad,) = torch.autograd.grad(loss(values), values)
    direction = torch.randn(values.shape, generator=torch.Generator().manual_seed(1))
    step = 1e-3
    with torch.no_grad():
        change = (loss(values + step * direction) - loss(values - step * direction)) / (2 * step)
    assert float((grad * direction).sum()) == pytest.approx(float(change), rel=2e-2)


@needs_native
def test_forward_mode_raises_instead_of_returning_zeros() -> None:
    cells, values = active_cells(sphere(6, 0.6))

    def run(v: Tensor) -> Tensor:
        return marching_cubes(cells, v, resolution=6)[0]

    with pytest.raises(RuntimeError, match="forward-mode"):
        torch.func.jvp(run, (values,), (torch.ones_like(values),))


@needs_native
def test_op_is_registered_as_torch_wants() -> None:
    cells, values = active_cells(sphere(6, 0.6))
    torch.library.opcheck(
        torch.ops.gen3d.isosurface,
        (cells, values.requires_grad_(), 6, -1.0, 1.0, 0.0),
        test_utils=("test_schema", "test_autograd_registration", "test_faketensor"),
    )


def test_wrong_input_is_named(backend: str) -> None:
    cells, values = active_cells(sphere(4, 0.6))
    with pytest.raises(InputError, match="lexicographic"):
        marching_cubes(cells.flip(0), values, resolution=4)
    with pytest.raises(InputError, match="expected 0 to 2"):
        marching_cubes(cells, values, resolution=3)
    with pytest.raises(InputError, match="corner_values"):
        marching_cubes(cells, values[:, :7], resolution=4)
    with pytest.raises(InputError, match="bounds"):
        marching_cubes(cells, values, resolution=4, bounds=(1.0, -1.0))
    with pytest.raises(InputError, match="field"):
        marching_cubes_dense(torch.zeros(4, 4, 5))
