import numpy as np
import pytest

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.transforms import normalise_unit, z_up_to_y_up

NEAR = np.random.default_rng(0).random((20, 3))


def test_far_positions_keep_their_digits() -> None:
    far = NEAR * 100 + [500_000, 5_800_000, 0]
    cloud = PointCloud.from_positions(far)
    np.testing.assert_allclose(cloud.positions, far, atol=1e-5, rtol=0)
    assert cloud.offset.tolist()[:2] == [500_050, 5_800_050] or (cloud.offset % 10 == 0).all()


@pytest.mark.parametrize("scale", (1e-6, 1.0, 1e3))
def test_near_positions_are_not_shifted(scale: float) -> None:
    assert not PointCloud.from_positions(NEAR * scale).offset.any()


def test_single_and_huge_positions_are_shifted_or_refused() -> None:
    one = PointCloud.from_positions(np.array([[1e9, 2.5, -3]]))
    np.testing.assert_allclose(one.positions, [[1e9, 2.5, -3]])
    with pytest.raises(InputError, match="finite"):
        PointCloud.from_positions(np.array([[np.nan, 0, 0]]))
    with pytest.raises(InputError, match="finite"):
        PointCloud.from_positions(np.array([[1e300, 0, 0], [-1e300, 0, 0]]))


def test_attributes_are_checked_and_follow_selection() -> None:
    cloud = PointCloud(NEAR, attributes={"id": np.arange(20), "wide": np.zeros((20, 2))})
    some = cloud.select(np.array([3, 1]))
    assert some.attributes["id"].tolist() == [3, 1] and some.attributes["wide"].shape == (2, 2)
    assert len(cloud.select(np.arange(20) < 5)) == 5
    for bad in (np.zeros(3), np.array(["a"] * 20), np.float64(3)):
        with pytest.raises(InputError, match="attribute 'id'"):
            cloud.with_(attributes={"id": bad})
    with pytest.raises(InputError, match="offset"):
        cloud.with_(offset=[0, 0, np.inf])


def test_transforms_take_the_shift_along() -> None:
    cloud = PointCloud(NEAR, offset=np.array([0, 0, 1000.0]))
    turned = z_up_to_y_up(cloud)
    np.testing.assert_allclose(turned.positions[:, 1], cloud.positions[:, 2])
    assert not normalise_unit(cloud).offset.any()
