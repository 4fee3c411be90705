import numpy as np
import pytest

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.upsampling.attributes import (
    carry_over,
    distance_confidence,
    inverse_distance_weights,
    mark_points,
    rule_for,
)

LINE = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0]])
MIDDLE = np.array([[0.5, 0, 0]])


def test_points_of_the_input_keep_their_values_exactly() -> None:
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(50, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    cloud = PointCloud(
        rng.random((50, 3)),
        normals,
        rng.random((50, 3)),
        offset=np.array([1e6, 0, 0]),
        attributes={
            "intensity": rng.integers(0, 65535, 50).astype(np.uint16),
            "label": rng.integers(0, 5, 50),
            "gps_time": rng.random(50),
            "feature": rng.random((50, 4)),
        },
    )
    order = rng.permutation(50)
    carried = carry_over(cloud, cloud.points[order])
    np.testing.assert_array_equal(carried.colors, cloud.colors[order])
    np.testing.assert_array_equal(carried.normals, cloud.normals[order])
    for name, values in cloud.attributes.items():
        assert carried.attributes[name].dtype == values.dtype
        np.testing.assert_array_equal(carried.attributes[name], values[order])
    assert carried.offset[0] == 1e6


def test_colours_blend_in_linear_light() -> None:
    cloud = PointCloud(LINE[:2], colors=np.array([[0.0, 0, 0], [1, 1, 1]]))
    colours = carry_over(cloud, MIDDLE).colors
    assert colours is not None
    assert colours[0, 0] == pytest.approx(0.7354, abs=1e-3)


def test_normals_of_two_signs_do_not_cancel() -> None:
    tilted = np.array([0, 0.6, 0.8])
    cloud = PointCloud(LINE[:2], np.array([tilted, -tilted]))
    normals = carry_over(cloud, np.array([[0.4, 0, 0]])).normals
    assert normals is not None
    np.testing.assert_allclose(normals[0], tilted, atol=1e-6)


def test_labels_are_voted_times_taken_and_measures_blended() -> None:
    cloud = PointCloud(
        LINE,
        attributes={
            "classification": np.array([2, 6, 6, 6], np.uint8),
            "id": np.array([10, 20, 30, 40]),
            "gps_time": np.array([1.0, 2, 3, 4]),
            "intensity": np.array([100, 201, 0, 0], np.uint16),
        },
    )
    found = carry_over(cloud, np.array([[0.45, 0, 0]]), neighbours=4).attributes
    assert found["classification"].tolist() == [6]
    assert found["id"].tolist() == [10] and found["gps_time"].tolist() == [1]
    two = carry_over(cloud, MIDDLE, neighbours=2).attributes
    assert two["intensity"].tolist() == [150] and two["intensity"].dtype == np.uint16
    assert two["classification"].tolist() == [2], "a tie goes to the nearest"
    taken = carry_over(
        cloud, np.array([[0.45, 0, 0]]), rules={"classification": "nearest"}
    ).attributes
    assert taken["classification"].tolist() == [2]


def test_rules_go_by_name_and_dtype() -> None:
    assert rule_for("scalar_Classification", np.zeros(1)) == "majority"
    assert rule_for("is_ground", np.zeros(1, bool)) == "majority"
    assert rule_for("return_number", np.zeros(1, np.uint8)) == "nearest"
    assert rule_for("temperature", np.zeros(1)) == "blend"


def test_weights_sum_to_one_at_every_scale() -> None:
    for scale in (0.0, 1e-38, 1.0, 1e30):
        weights = inverse_distance_weights(np.array([[1.0, 4.0, np.inf]]) * (scale or 1e-300))
        np.testing.assert_allclose(weights.sum(), 1)
        np.testing.assert_allclose(weights[0, 2], 0, atol=1e-12)
    np.testing.assert_allclose(inverse_distance_weights(np.array([[1.0, 4.0]])), [[2 / 3, 1 / 3]])


def test_duplicates_and_single_points_carry_over() -> None:
    cloud = PointCloud(np.zeros((3, 3)), colors=np.full((3, 3), 0.25))
    colours = carry_over(cloud, np.array([[0, 0, 0], [5, 5, 5]])).colors
    np.testing.assert_allclose(colours, 0.25, atol=1e-6)
    assert len(carry_over(PointCloud(np.ones((1, 3))), MIDDLE)) == 1


def test_confidence_falls_with_distance_and_marks_travel() -> None:
    confidence = distance_confidence(np.array([[0, 0, 0], [0.5, 0, 0], [0, 9, 0]]), LINE)
    np.testing.assert_allclose(confidence, [1, 0.8, 1 / 82], rtol=1e-5)
    marked = mark_points(PointCloud(LINE[:3]), np.array([False, True, True]), confidence)
    assert marked.attributes["origin"].tolist() == [0, 1, 1]
    assert marked.attributes["confidence"].dtype == np.float32


def test_nonsense_is_refused() -> None:
    cloud = PointCloud(LINE, attributes={"a": np.zeros(4)})
    with pytest.raises(InputError, match="carry no values"):
        carry_over(PointCloud(np.zeros((0, 3))), MIDDLE)
    with pytest.raises(InputError, match="lacks: b"):
        carry_over(cloud, MIDDLE, rules={"b": "blend"})
    with pytest.raises(InputError):
        mark_points(cloud, np.array([True]))
