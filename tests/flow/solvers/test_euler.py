import pytest
import torch

from gen3d.flow import LINEAR, BoundField, DPMSolverSingle, Euler, Kind, UniPC
from tests.flow.oracle import Mixture
from tests.flow.solvers.convergence import EVEN_IN_LAM, reached, starts


def test_euler_on_the_linear_path_is_the_ddim_step() -> None:
    field, (s, t) = Mixture(), (0.6, 0.45)
    x0 = BoundField(field).x0(starts(), s)
    ratio = LINEAR.b(t) / LINEAR.b(s)
    ddim = ratio * starts() + (LINEAR.a(t) - ratio * LINEAR.a(s)) * x0
    euler, _ = Euler().step(BoundField(field), starts(), s, t, ())
    torch.testing.assert_close(euler, ddim, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("solver", [DPMSolverSingle(1), UniPC(1, corrector=False)], ids=str)
def test_euler_on_the_linear_path_is_dpm_solver_one_and_unip_one(solver: DPMSolverSingle) -> None:
    euler = reached(Mixture(), Euler(), EVEN_IN_LAM, 20)
    torch.testing.assert_close(
        reached(Mixture(), solver, EVEN_IN_LAM, 20), euler, rtol=0, atol=1e-14
    )


@pytest.mark.parametrize("kind", ["x0", "v_salimans_ho", "velocity"])
def test_last_euler_step_lands_on_the_estimated_data(kind: Kind) -> None:
    field = Mixture(kind=kind)
    result, _ = Euler().step(BoundField(field), starts(), 0.3, 0.0, ())
    torch.testing.assert_close(result, BoundField(field).x0(starts(), 0.3))
