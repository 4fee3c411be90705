import pytest

from gen3d.data.procedural import make_shape
from tests.data.procedural.crossings import entries, line, named, reach


@pytest.mark.parametrize("seed", range(4))
def test_a_motorcycle_stands_on_two_wheels_one_behind_the_other(seed: int) -> None:
    shape = make_shape("motorcycle", seed)
    ground = float(reach(named(shape, "wheels"))[0, 1])
    path = line((0.0, ground + 0.02, -1.0), (0.0, ground + 0.02, 1.0))
    assert entries(shape, path, closed=False) == 2


@pytest.mark.parametrize("seed", range(4))
def test_the_handlebar_is_in_front_of_the_seat_and_above_it(seed: int) -> None:
    shape = make_shape("motorcycle", seed)
    bar, seat = reach(named(shape, "handlebar")), reach(named(shape, "seat"))
    assert bar[0, 2] > seat[:, 2].mean()
    assert bar[1, 1] > seat[:, 1].mean()
