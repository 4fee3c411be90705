import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import (
    COSINE,
    EDM,
    LINEAR,
    VP,
    BoundField,
    CountedField,
    Heun,
    Kind,
    OffsetLinearPath,
    OnPath,
    Path,
    UniPC,
    sample,
)
from tests.flow.oracle import Mixture
from tests.flow.solvers.convergence import EVEN_IN_LAM, EvenInLam, starts

PATHS = {"linear": LINEAR, "cosine": COSINE, "offset": OffsetLinearPath(), "vp": VP, "edm": EDM}
SOURCES = pytest.mark.parametrize("source", PATHS.values(), ids=PATHS.keys())
TARGETS = pytest.mark.parametrize("target", PATHS.values(), ids=PATHS.keys())
TIMES = [0.2, 0.5, 0.8]


def by_derivatives(source: Path, target: Path, x: Tensor, s: float) -> Tensor:
    """The velocity as arXiv 2503.19385 has it, with the derivatives of t and c."""
    t = source.t_of_lam(target.lam(s))
    c = target.b(s) / source.b(t)
    above = target.b(s) * target.da(s) - target.a(s) * target.db(s)
    below = source.b(t) * source.da(t) - source.a(t) * source.db(t)
    dt = source.b(t) ** 2 * above / (target.b(s) ** 2 * below)
    dc = (source.b(t) * target.db(s) - target.b(s) * source.db(t) * dt) / source.b(t) ** 2
    return dc / c * x + c * dt * Mixture(path=source)(x / c, t).value


@SOURCES
@TARGETS
@pytest.mark.parametrize("s", TIMES)
def test_it_is_the_velocity_by_derivatives_and_that_of_the_target_path(
    source: Path, target: Path, s: float
) -> None:
    seen = OnPath(Mixture(path=source), target)(starts(), s).value
    torch.testing.assert_close(
        seen, by_derivatives(source, target, starts(), s), atol=1e-12, rtol=0
    )
    torch.testing.assert_close(seen, Mixture(path=target)(starts(), s).value, atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", ["x0", "eps", "score", "v_salimans_ho", "flow", "velocity"])
def test_any_kind_of_prediction_is_carried_over(kind: Kind) -> None:
    field = BoundField(OnPath(Mixture(path=VP, kind=kind), LINEAR))
    native = BoundField(Mixture(path=LINEAR))
    for s in TIMES:
        torch.testing.assert_close(field.x0(starts(), s), native.x0(starts(), s))
        torch.testing.assert_close(field.velocity(starts(), s), native.velocity(starts(), s))


@pytest.mark.parametrize("s", [0.0, 1.0])
def test_both_ends_correspond(s: float) -> None:
    seen = BoundField(OnPath(Mixture(path=COSINE), LINEAR)).velocity(starts(), s)
    torch.testing.assert_close(seen, BoundField(Mixture()).velocity(starts(), s))


def test_another_path_leads_to_the_same_data() -> None:
    counted = CountedField(Mixture())
    result = sample(OnPath(counted, COSINE), starts(), steps=60, solver=Heun()).x0
    truth = Mixture().flow(starts(), 1.0, 0.0)
    assert (result - truth).square().mean().sqrt() < 2e-3
    assert counted.calls == 119


def test_solvers_in_half_log_snr_do_not_notice() -> None:
    scale = VP.b(VP.t_of_lam(LINEAR.lam(0.95))) / 0.95
    end = VP.b(VP.t_of_lam(LINEAR.lam(0.05))) / 0.05
    there = sample(
        OnPath(Mixture(), VP), starts() * scale, steps=9, schedule=EvenInLam(VP), solver=UniPC(2)
    ).x0
    here = sample(Mixture(), starts(), steps=9, schedule=EVEN_IN_LAM, solver=UniPC(2)).x0
    torch.testing.assert_close(there / end, here, rtol=0, atol=1e-12)


def test_noise_beyond_the_own_path_is_refused() -> None:
    with pytest.raises(InputError, match="noisier or cleaner"):
        OnPath(Mixture(path=VP), LINEAR)(starts(), 1.0)
    with pytest.raises(InputError, match="noisier or cleaner"):
        OnPath(Mixture(path=OffsetLinearPath(0.1)), LINEAR)(starts(), 0.01)
