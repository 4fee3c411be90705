import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from gen3d.errors import MissingDependencyError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.cloud_adapters import (
    from_open3d,
    from_pytorch3d,
    to_open3d,
    to_pytorch3d,
)

CLOUD = PointCloud(
    np.random.default_rng(0).random((20, 3)),
    np.tile([0.0, 0, 1], (20, 1)),
    np.random.default_rng(1).random((20, 3)),
    offset=np.array([1e6, 0, 0]),
    attributes={"label": np.arange(20), "pair": np.zeros((20, 2), np.float32)},
)


@pytest.mark.parametrize("legacy", (False, True))
def test_open3d_round_trip_keeps_values(legacy: bool) -> None:
    pytest.importorskip("open3d", exc_type=ImportError)
    again = from_open3d(to_open3d(CLOUD, legacy=legacy))
    np.testing.assert_allclose(again.positions, CLOUD.positions, atol=1e-6, rtol=0)
    np.testing.assert_array_equal(again.normals, CLOUD.normals)
    np.testing.assert_allclose(again.colors, CLOUD.colors, atol=1e-7)
    assert set(again.attributes) == (set() if legacy else {"label", "pair_0", "pair_1"})
    if not legacy:
        np.testing.assert_array_equal(again.attributes["label"], np.arange(20))


def test_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, call in (("open3d", to_open3d), ("pytorch3d.structures", to_pytorch3d)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(MissingDependencyError, match=r"gen3d\[points\]"):
            call(CLOUD)


def test_pytorch3d_takes_and_gives_lists_of_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library has no wheels; a class with the same four methods stands in for it."""

    class Pointclouds(SimpleNamespace):
        def __init__(self, points: list, normals: list | None, features: list | None) -> None:
            super().__init__(
                points_list=lambda: points,
                normals_list=lambda: normals,
                features_list=lambda: features,
            )

    structures = ModuleType("pytorch3d.structures")
    structures.__dict__["Pointclouds"] = Pointclouds
    monkeypatch.setitem(sys.modules, "pytorch3d", ModuleType("pytorch3d"))
    monkeypatch.setitem(sys.modules, "pytorch3d.structures", structures)
    (again,) = from_pytorch3d(to_pytorch3d(CLOUD))
    np.testing.assert_array_equal(again.points, CLOUD.points)
    np.testing.assert_array_equal(again.colors, CLOUD.colors)
    wide = Pointclouds([torch.zeros(2, 3)], None, [torch.full((2, 5), 7.0)])
    (other,) = from_pytorch3d(wide)
    assert other.colors is None and other.attributes["features"].shape == (2, 5)
