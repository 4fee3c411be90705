import pytest
import torch

from gen3d.errors import FormatError, InputError
from gen3d.flow import LINEAR, VP, BoundField, EmpiricalStatistics, Path, estimate_statistics
from tests.flow.oracle import Mixture, gaussian


def estimate(field: Mixture, x0: torch.Tensor, **options: object) -> EmpiricalStatistics:
    generator = torch.Generator().manual_seed(1)
    settings = {"first": 0.9, "last": 0.1, "nodes": 41, "keep": (), **options}
    return estimate_statistics(BoundField(field), x0, generator, **settings)  # pyright: ignore


def data(*shape: int, mean: float, std: float) -> torch.Tensor:
    noise = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return mean + std * noise


@pytest.mark.parametrize("path", [LINEAR, VP], ids=["linear", "vp"])
def test_statistics_of_a_gaussian_are_those_in_closed_form(path: Path) -> None:
    # b eps = (b^2 / V) (x - a m): l = b^2 / V, and f = -(b^2 / V) m varies with lam alone.
    mean, std = 0.7, 0.4
    statistics = estimate(gaussian(mean, std, path), data(64, 3, mean=mean, std=std))
    times = path.t_of_lam(statistics.lam)
    share = path.b(times) ** 2 / ((path.a(times) * std) ** 2 + path.b(times) ** 2)
    torch.testing.assert_close(statistics.l, share, rtol=0, atol=1e-7)
    # With sigma = b / a: share = sigma^2 / (std^2 + sigma^2), and d sigma / d lam = -sigma.
    rate = 2 * mean * share * (1 - share)
    torch.testing.assert_close(statistics.q, rate, rtol=0, atol=1e-2)
    torch.testing.assert_close(statistics.q[5:-5], rate[5:-5], rtol=0, atol=2e-3)
    assert statistics.s.abs().max() < 1e-6


def test_channels_of_sets_have_statistics_of_their_own() -> None:
    x0 = data(32, 5, 2, mean=0.0, std=0.4)
    statistics = estimate(gaussian(0.0, 0.4), x0, keep=(-1,))
    assert statistics.l.shape == (41, 1, 2)
    torch.testing.assert_close(statistics.l[:, 0, 0], statistics.l[:, 0, 1], rtol=0, atol=1e-7)


def test_float32_fields_are_good_enough() -> None:
    x0 = data(64, 3, mean=0.7, std=0.4)
    wide, narrow = (
        estimate(Mixture(), x.to(t)) for x, t in ((x0, torch.float64), (x0, torch.float32))
    )
    assert narrow.l.dtype == torch.float64
    torch.testing.assert_close(narrow.l, wide.l, rtol=0, atol=2e-4)
    torch.testing.assert_close(narrow.q, wide.q, rtol=0, atol=2e-2)


def test_regression_explains_the_change_of_f_better_than_its_mean() -> None:
    # On a mixture f varies, so the slope s is not zero, and l lies between noise and data.
    statistics = estimate(Mixture(), data(256, 1, mean=0.0, std=1.0))
    assert statistics.s.abs().max() > 0.1
    assert bool(((statistics.l > -0.5) & (statistics.l < 1.5)).all())


def test_between_the_nodes_statistics_are_linear() -> None:
    lam = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64)
    ramp = torch.stack([lam, 2 * lam], dim=1)
    statistics = EmpiricalStatistics(lam, ramp, ramp + 1, -ramp)
    l, s, q = statistics.at(torch.tensor([-1.0, -0.5, 1.0, 2.0], dtype=torch.float64))  # noqa: E741
    torch.testing.assert_close(l[:, 0], torch.tensor([-1.0, -0.5, 1.0, 2.0]).double())
    torch.testing.assert_close((s, q), (l + 1, -l))
    torch.testing.assert_close(statistics.at(0.5)[0], torch.tensor([0.5, 1.0]).double())
    assert statistics.cover(2.0)
    assert not statistics.cover(2.1)
    assert not statistics.cover(float("-inf"))


def test_tensors_bring_the_statistics_back() -> None:
    statistics = estimate(Mixture(), data(16, 2, mean=0.0, std=1.0), nodes=5)
    again = EmpiricalStatistics.from_tensors(statistics.tensors())
    for name, values in statistics.tensors().items():
        assert torch.equal(again.tensors()[name], values)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"l": None}, "lack the tensors"),
        ({"q": torch.zeros(4)}, "statistics need lam"),
        ({"lam": torch.tensor([0.0, 2.0, 1.0])}, "must rise"),
        ({"lam": torch.zeros(3, 1)}, "statistics need lam"),
    ],
)
def test_damaged_tensors_are_refused(
    change: dict[str, torch.Tensor | None], complaint: str
) -> None:
    whole: dict[str, torch.Tensor | None] = {name: torch.zeros(3) for name in ("l", "s", "q")}
    whole["lam"] = torch.arange(3.0)
    tensors = {name: v for name, v in {**whole, **change}.items() if v is not None}
    with pytest.raises(FormatError, match=complaint):
        EmpiricalStatistics.from_tensors(tensors)


@pytest.mark.parametrize("options", [{"nodes": 2}, {"first": 1.0}, {"last": 0.0}, {"first": 0.05}])
def test_grids_that_reach_an_end_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="inside the path"):
        estimate(Mixture(), data(4, 1, mean=0.0, std=1.0), **options)
