"""Searches among points: closed forms, ties, and both implementations against each other."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops import points as ops
from gen3d.ops.backend import native, native_available
from gen3d.ops.reference import points as reference

needs_native = pytest.mark.skipif(not native_available(), reason="native module not built")
BACKENDS = [pytest.param("native", marks=needs_native), "reference"]
CLOUDS = ["random", "grid", "line", "same", "far apart", "huge", "tiny", "one"]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GEN3D_BACKEND", request.param)
    return request.param


@pytest.fixture(params=["portable", "avx2", "avx512"])
def build(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each set of vector instructions that this machine has."""
    if not native_available():
        pytest.skip("native module not built")
    if not native().points_choose_build(request.param):
        pytest.skip(f"no {request.param} here")
    yield request.param
    native().points_choose_build("best")


def random(n: int, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def cloud(kind: str) -> Tensor:
    """Awkward clouds; the grid and the copies are full of ties."""
    if kind == "grid":
        axis = torch.arange(7) / 4
        return torch.cartesian_prod(axis, axis, axis)[torch.randperm(343, generator=_seeded())]
    if kind == "line":
        return torch.stack([torch.arange(200.0) % 37, torch.zeros(200), torch.zeros(200)], 1)
    if kind == "same":
        return torch.full((300, 3), 0.3)
    if kind == "far apart":
        return torch.cat([random(300) * 1e-3, random(10) * 1e-3 + 1e4])
    if kind == "huge":
        return random(100) * 1e30
    if kind == "tiny":
        return random(5)
    if kind == "one":
        return random(1)
    return random(700)


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


# Farthest point sampling.


def test_samples_of_a_line_are_its_ends_then_the_middle(backend: str) -> None:
    line = torch.stack([torch.arange(9.0), torch.zeros(9), torch.zeros(9)], 1)
    # From 0: the other end, the middle, then of equally far ones the lowest index first.
    assert ops.farthest_point_sample(line, 6).tolist() == [0, 8, 4, 2, 6, 1]
    assert ops.farthest_point_sample(line, 2, first=3).tolist() == [3, 8]


def test_samples_beyond_the_distinct_points_repeat_the_first(backend: str) -> None:
    points = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 0, 0]])
    assert ops.farthest_point_sample(points, 5).tolist() == [0, 1, 0, 0, 0]
    assert ops.farthest_point_sample(points, 3, first=2).tolist() == [2, 0, 0]


def test_every_next_sample_is_the_farthest_left(backend: str) -> None:
    points = random(500)
    samples = ops.farthest_point_sample(points, 60)
    assert samples.unique().numel() == 60
    distance = reference.squared_distance(points[:, None], points[samples][None])
    for i in range(1, 60):
        to_before = distance[:, :i].amin(1)
        assert to_before[samples[i]] == to_before.max()


@pytest.mark.parametrize("kind", CLOUDS)
def test_native_samples_equal_the_reference(kind: str, build: str) -> None:
    points = cloud(kind)
    count = min(len(points) + 2, 120)
    want = reference.farthest_point_sample(points[None], count, len(points) - 1)[0]
    assert torch.equal(ops.farthest_point_sample(points, count, first=len(points) - 1), want)


@needs_native
def test_plain_loop_gives_the_same_samples() -> None:
    points = random(5000)
    plain = torch.empty(300, dtype=torch.int64)
    native().points_farthest_plain(points, 7, plain)
    assert torch.equal(ops.farthest_point_sample(points, 300, first=7), plain)


def test_clouds_of_a_batch_are_sampled_for_themselves(backend: str) -> None:
    batch = torch.stack([random(50, 1), random(50, 2), random(50, 3)])
    together = ops.farthest_point_sample(batch, 9)
    assert together.shape == (3, 9)
    for points, samples in zip(batch, together, strict=True):
        assert torch.equal(ops.farthest_point_sample(points, 9), samples)


# Neighbours.


def test_neighbours_on_a_line_are_known(backend: str) -> None:
    line = torch.tensor([[0.0, 0, 0], [1, 0, 0], [3, 0, 0], [7, 0, 0]])
    found = ops.knn(torch.tensor([[2.0, 0, 0]]), line, 3)
    # Points 1 and 2 are equally near.
    assert found.indices.tolist() == [[1, 2, 0]]
    assert found.distances_squared.tolist() == [[1, 1, 4]]
    found = ops.knn(line, line, 1, include_self=False)
    assert found.indices[:, 0].tolist() == [1, 0, 1, 2]


def test_small_clouds_are_filled_up_with_infinity_and_zero(backend: str) -> None:
    points = torch.tensor([[1.0, 0, 0], [2.0, 0, 0]])
    distances, indices = ops.three_nn(torch.tensor([[2.0, 0, 0]]), points)
    assert distances.tolist() == [[0, 1, math.inf]]
    assert indices.tolist() == [[1, 0, 0]]
    alone = ops.knn(points[:1], points[:1], 2, include_self=False)
    assert alone.distances_squared.tolist() == [[math.inf, math.inf]]


@pytest.mark.parametrize("kind", CLOUDS)
@pytest.mark.parametrize("k", [1, 8, 50])
def test_native_neighbours_equal_the_reference(kind: str, k: int, build: str) -> None:
    points = cloud(kind)
    for queries in (points, cloud("random")[:90], points.mean(0, keepdim=True)):
        found = ops.knn(queries, points, k)
        distances, indices = reference.knn(queries[None], points[None], k, True)
        assert torch.equal(found.distances_squared, distances[0])
        assert torch.equal(found.indices, indices[0])
    found = ops.knn(points, points, k, include_self=False)
    distances, indices = reference.knn(points[None], points[None], k, False)
    assert torch.equal(found.distances_squared, distances[0])
    assert torch.equal(found.indices, indices[0])


@needs_native
def test_large_clouds_with_many_equal_points_agree_with_the_reference() -> None:
    # Sorted by radix, three levels of boxes, each place taken about ten times.
    points = (random(6000) * 5).round() / 5
    found = ops.knn(points[:40], points, 20)
    distances, indices = reference.knn(points[None, :40], points[None], 20, True)
    assert torch.equal(found.indices, indices[0])
    assert torch.equal(found.distances_squared, distances[0])


def test_ball_takes_the_first_by_index_and_fills_up(backend: str) -> None:
    points = torch.tensor([[3.0, 0, 0], [0.5, 0, 0], [0, 0, 0], [0.25, 0, 0], [1, 0, 0]])
    queries = torch.tensor([[0.0, 0, 0], [3.0, 0.5, 0], [9.0, 0, 0]])
    # The radius is not included, the nearest is not first, and nothing gives zeros.
    found = ops.ball_query(queries, points, 1.0, 2)
    assert found.tolist() == [[1, 2], [0, 0], [0, 0]]
    assert ops.ball_query(queries[:1], points, 1.0, 5).tolist() == [[1, 2, 3, 1, 1]]
    assert ops.ball_query(queries[:1], points, 0.0, 1).tolist() == [[0]]


@pytest.mark.parametrize("kind", CLOUDS)
@pytest.mark.parametrize("k", [3, 40])
def test_native_balls_equal_the_reference(kind: str, k: int, build: str) -> None:
    points = cloud(kind)
    for radius in (0.3, 2.0, 1e32):
        limit = torch.tensor(radius).square().item()
        want = reference.ball_query(points[None], points[None], limit, k)[0]
        assert torch.equal(ops.ball_query(points, points, radius, k), want)


# Interpolation.


def test_interpolation_mixes_three_features(backend: str) -> None:
    features = torch.tensor([[1.0, 10], [2, 20], [4, 40]])
    indices, weights = torch.tensor([[0, 1, 2], [2, 2, 0]]), torch.tensor([[0.5, 0.25, 0.25]] * 2)
    mixed = ops.three_interpolate(features, indices, weights)
    assert mixed.tolist() == [[2, 20], [3.25, 32.5]]


def test_interpolation_gradients_are_those_of_plain_torch(backend: str) -> None:
    generator = torch.Generator().manual_seed(0)
    indices = torch.randint(0, 6, (2, 9, 3), generator=generator)
    target = torch.randn(2, 9, 20, generator=generator)
    grads = []
    for mix in (ops.three_interpolate, reference.three_interpolate):
        features = torch.randn(2, 6, 20, generator=_seeded()).requires_grad_()
        weights = torch.rand(2, 9, 3, generator=_seeded()).requires_grad_()
        (mix(features, indices, weights) * target).sum().backward()
        grads.append((features.grad, weights.grad))
    torch.testing.assert_close(grads[0], grads[1])


def test_interpolation_refuses_rows_that_are_not_there(backend: str) -> None:
    with pytest.raises((InputError, RuntimeError), match=r"expected 0 to 1|out of bounds"):
        ops.three_interpolate(torch.zeros(2, 4), torch.tensor([[0, 1, 2]]), torch.ones(1, 3))


# Chamfer.


def test_chamfer_of_shifted_points_is_known(backend: str) -> None:
    a = torch.tensor([[0.0, 0, 0], [5, 0, 0]])
    b = torch.tensor([[0.0, 1, 0], [5, 2, 0], [0, 0, 3]])
    found = ops.chamfer(a, b)
    assert found.a_to_b.tolist() == [1, 4]
    assert found.b_to_a.tolist() == [1, 4, 9]
    assert (found.a_indices.tolist(), found.b_indices.tolist()) == ([0, 1], [0, 1, 0])


def test_chamfer_gradients_are_numerically_right(backend: str) -> None:
    a, b = random(12, 1)[None].requires_grad_(), random(15, 2)[None].requires_grad_()
    weights = torch.rand(27, generator=_seeded())

    def loss(a: Tensor, b: Tensor) -> Tensor:
        found = ops.chamfer(a, b)
        return (torch.cat([found.a_to_b[0], found.b_to_a[0]]) * weights).sum()

    grads = torch.autograd.grad(loss(a, b), (a, b))
    for at, (points, grad) in enumerate(zip((a, b), grads, strict=True)):
        for row in (0, 7):
            step = torch.zeros_like(points)
            step[0, row, 1] = 1e-3
            moved = [(a + step, b), (a - step, b)] if at == 0 else [(a, b + step), (a, b - step)]
            slope = (loss(*moved[0]) - loss(*moved[1])).item() / 2e-3
            assert slope == pytest.approx(grad[0, row, 1].item(), rel=1e-2, abs=1e-3)


@needs_native
def test_native_chamfer_equals_the_reference_with_its_gradients() -> None:
    a, b = random(300, 1), random(200, 2)
    grads = []
    for function in (lambda a, b: tuple(vars(ops.chamfer(a, b)).values()), reference.chamfer):
        left, right = a[None].clone().requires_grad_(), b[None].clone().requires_grad_()
        parts = function(left, right)
        (parts[0].sqrt().sum() + parts[1].sum()).backward()
        grads.append((*(part.detach() for part in parts), left.grad, right.grad))
    torch.testing.assert_close(grads[0], grads[1])
    assert torch.equal(grads[0][2], grads[1][2])


# Auction.


def test_auction_undoes_a_permutation(backend: str) -> None:
    points = random(64)
    order = torch.randperm(64, generator=_seeded())
    assignment, matched = ops.auction_assign(points, points[order], eps=1e-3)
    assert matched.all()
    assert torch.equal(order[assignment], torch.arange(64))


def test_auction_comes_within_n_eps_of_the_optimum(backend: str) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    a, b = random(60, 1), random(60, 2)
    cost = torch.cdist(a.double(), b.double())
    rows, columns = optimize.linear_sum_assignment(cost.numpy())
    optimum = cost[torch.as_tensor(rows), torch.as_tensor(columns)].sum()
    for eps in (0.02, 0.002):
        assignment, matched = ops.auction_assign(a, b, eps=eps)
        assert matched.all() and assignment.unique().numel() == 60
        assert cost[torch.arange(60), assignment].sum() <= optimum + 60 * eps


def test_unfinished_auction_says_who_is_left(backend: str) -> None:
    # All want the one object that is near.
    a, b = random(20) * 0.01, random(20) + torch.tensor([5.0, 0, 0])
    b[4] = 0
    assignment, matched = ops.auction_assign(a, b, eps=0.01, iterations=1)
    assert not matched.all() and matched.any()
    assert assignment[matched].unique().numel() == matched.sum()
    assert ((assignment >= 0) & (assignment < 20)).all()


@pytest.mark.parametrize("kind", ["random", "grid", "line", "same", "tiny", "one"])
def test_native_auction_equals_the_reference(kind: str, build: str) -> None:
    a = cloud(kind)[:70]
    b = a.flip(0) + 0.05 * random(len(a), 5)
    for iterations in (3, 60):
        got = ops.auction_assign(a, b, eps=0.01, iterations=iterations)
        phases = [0.01 * scale for scale in ops._AUCTION_SCALES]
        want = reference.auction_assign(a[None], b[None], phases, iterations)
        assert torch.equal(got[0], want[0][0])
        assert torch.equal(got[1], want[1][0])


# Elimination.


def test_elimination_keeps_points_apart(backend: str) -> None:
    points = torch.nn.functional.normalize(torch.randn(600, 3, generator=_seeded()), dim=1)
    kept = ops.eliminate_samples(points, 150)
    assert kept.numel() == 150 and torch.equal(kept, kept.unique())
    spacing = ops.knn(points[kept], points[kept], 1, include_self=False).distances_squared.sqrt()
    # The densest packing of 150 points on the sphere; random ones come within a tenth of it.
    densest = 2 * math.sqrt(4 * math.pi / (2 * math.sqrt(3) * 150))
    assert spacing.min() > 0.55 * densest
    assert spacing.mean() > 0.7 * densest


def test_packing_radius_of_a_sphere_is_that_of_its_area() -> None:
    points = torch.nn.functional.normalize(torch.randn(4000, 3, generator=_seeded()), dim=1)
    want = math.sqrt(4 * math.pi / (2 * math.sqrt(3) * 500))
    assert ops.packing_radius(points, 500) == pytest.approx(want, rel=0.03)


def test_elimination_spares_points_that_weigh_more(backend: str) -> None:
    points = random(200) * torch.tensor([1.0, 1.0, 0.0])
    heavy = torch.arange(200) % 4 == 0
    shares = [
        heavy[ops.eliminate_samples(points, 50, weights=weights)].float().mean()
        for weights in (None, torch.where(heavy, 1e6, 1.0))
    ]
    # Light points stay where no other is near.
    assert shares[0] < 0.5 and shares[1] > 0.9


def test_elimination_of_copies_keeps_the_lowest(backend: str) -> None:
    assert ops.eliminate_samples(cloud("same"), 7).tolist() == list(range(7))


@pytest.mark.parametrize("kind", CLOUDS)
def test_native_elimination_equals_the_reference(
    kind: str, build: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = cloud(kind)[:300]
    weights = torch.rand(len(points), generator=_seeded()) + 0.1
    for count in {len(points) // 4, len(points) - 1, 1}:
        kept = ops.eliminate_samples(points, count, weights=weights)
        monkeypatch.setenv("GEN3D_BACKEND", "reference")
        assert torch.equal(kept, ops.eliminate_samples(points, count, weights=weights))
        monkeypatch.delenv("GEN3D_BACKEND")


# Common to all.


def everything(points: Tensor) -> list[Tensor]:
    found = ops.knn(points, points, 9)
    near = ops.chamfer(points, points.flip(-1) + 0.1)
    return [
        ops.farthest_point_sample(points, len(points) // 3),
        *(found.distances_squared, found.indices),
        ops.ball_query(points, points, 0.2, 12),
        *(near.a_to_b, near.b_indices),
        *ops.auction_assign(points[:20], points[20:40], iterations=20),
        ops.eliminate_samples(points, len(points) // 3),
    ]


@needs_native
def test_results_do_not_depend_on_the_thread_count() -> None:
    points, before = random(5000), torch.get_num_threads()
    try:
        results = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(everything(points))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_empty_clouds_give_empty_results(backend: str) -> None:
    none, some = torch.zeros(0, 3), torch.zeros(2, 3)
    assert ops.farthest_point_sample(none, 0).shape == (0,)
    assert ops.farthest_point_sample(some[None][:0], 3).shape == (0, 3)
    assert ops.knn(none, some, 3).indices.shape == (0, 3)
    assert ops.knn(some, some, 0).indices.shape == (2, 0)
    assert ops.ball_query(none, some, 1.0, 3).shape == (0, 3)
    assert ops.chamfer(none, none).a_to_b.shape == (0,)
    assert ops.auction_assign(none, none)[0].shape == (0,)
    assert ops.eliminate_samples(none, 0).shape == (0,)
    assert ops.three_interpolate(some, torch.zeros(0, 3, dtype=torch.int64), none).shape == (0, 3)
    for search in (lambda: ops.knn(some, none, 1), lambda: ops.chamfer(some, none)):
        with pytest.raises(InputError, match="no points"):
            search()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(bad: float, backend: str) -> None:
    good, wrong = random(8), random(8)
    wrong[5, 1] = bad
    for search in (
        lambda: ops.farthest_point_sample(wrong, 2),
        lambda: ops.knn(good, wrong, 2),
        lambda: ops.knn(wrong, good, 2),
        lambda: ops.ball_query(wrong, good, 0.1, 2),
        lambda: ops.chamfer(good, wrong),
        lambda: ops.auction_assign(good, wrong),
        lambda: ops.eliminate_samples(wrong, 3),
    ):
        with pytest.raises(InputError, match="1 rows with NaN or infinity"):
            search()


def test_wrong_arguments_are_named(backend: str) -> None:
    points = random(8)
    for search, message in (
        (lambda: ops.farthest_point_sample(points[:, :2], 2), "expected floats"),
        (lambda: ops.farthest_point_sample(points, 2, first=8), "from point 8"),
        (lambda: ops.knn(points, points[:7], 2, include_self=False), "must be the 7 points"),
        (lambda: ops.knn(points, points[None], 2), "do not belong together"),
        (lambda: ops.ball_query(points, points, -1.0, 2), "radius -1.0"),
        (lambda: ops.auction_assign(points, points[:7]), "equally many"),
        (lambda: ops.auction_assign(points, points, eps=0.0), "eps is 0.0"),
        (lambda: ops.eliminate_samples(points, 9), "cannot keep 9 of 8"),
        (lambda: ops.eliminate_samples(points, 3, weights=-torch.ones(8)), "above 0"),
        (lambda: ops.three_interpolate(points, torch.zeros(2, 3), torch.zeros(1, 3)), "do not fit"),
    ):
        with pytest.raises(InputError, match=message):
            search()


def test_points_that_require_a_gradient_are_searched(backend: str) -> None:
    points = random(40).requires_grad_()
    assert not any(found.requires_grad for found in everything(points)[:4])
    assert ops.chamfer(points, points.detach() + 0.1).a_to_b.requires_grad


@needs_native
def test_half_precision_points_are_searched_as_float32() -> None:
    points = random(100).bfloat16()
    assert torch.equal(
        ops.farthest_point_sample(points, 10), ops.farthest_point_sample(points.float(), 10)
    )


@needs_native
def test_operators_are_registered_as_torch_wants() -> None:
    points, other = random(9)[None], random(9, 1)[None].requires_grad_()
    features = torch.rand(1, 9, 4, generator=_seeded(), requires_grad=True)
    indices, weights = torch.zeros(1, 5, 3, dtype=torch.int64), torch.ones(1, 5, 3)
    basic = ("test_schema", "test_faketensor")
    for name, args, checks in (
        ("farthest_point_sample", (points, 4, 0), basic),
        ("knn", (points, points, 2, True), basic),
        ("ball_query", (points, points, 0.5, 2), basic),
        ("auction_assign", (points, points, [0.1, 0.01], 20), basic),
        ("eliminate_samples", (points[0], 4, torch.ones(9).double(), 0.5, 0.1), basic),
        ("chamfer", (points, other), (*basic, "test_autograd_registration")),
        ("three_interpolate", (features, indices, weights), (*basic, "test_autograd_registration")),
    ):
        torch.library.opcheck(getattr(torch.ops.gen3d, name), args, test_utils=checks)


@needs_native
def test_forward_mode_raises_instead_of_returning_zeros() -> None:
    points, tangent = random(9), torch.ones(9, 3)
    indices = torch.zeros(4, 3, dtype=torch.int64)
    for function in (
        lambda x: ops.chamfer(x, points).a_to_b,
        lambda x: ops.knn(x, points, 1).distances_squared,
        lambda x: ops.three_interpolate(x, indices, torch.ones(4, 3)),
    ):
        with pytest.raises(RuntimeError, match="forward-mode"):
            torch.func.jvp(function, (points,), (tangent,))
