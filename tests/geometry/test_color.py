import numpy as np
import pytest

from gen3d.errors import InputError
from gen3d.geometry.color import (
    BASIC_COLOURS,
    COLOUR_NAMES,
    COLOUR_PROTOTYPES,
    basic_colour_shares,
    dominant_basic_colour,
    linear_to_srgb,
    nearest_basic_colour,
    srgb_to_lab,
    srgb_to_linear,
)
from gen3d.geometry.mesh import Mesh

# What people call them.
KNOWN = {
    (255, 0, 0): "red",
    (139, 0, 0): "red",
    (128, 0, 32): "red",
    (255, 165, 0): "orange",
    (255, 140, 0): "orange",
    (255, 255, 0): "yellow",
    (240, 230, 140): "yellow",
    (0, 255, 0): "green",
    (0, 100, 0): "green",
    (128, 128, 0): "green",
    (152, 255, 152): "green",
    (0, 0, 255): "blue",
    (0, 0, 128): "blue",
    (135, 206, 235): "blue",
    (0, 255, 255): "blue",
    (128, 0, 128): "purple",
    (75, 0, 130): "purple",
    (255, 192, 203): "pink",
    (255, 105, 180): "pink",
    (250, 128, 114): "pink",
    (139, 69, 19): "brown",
    (160, 82, 45): "brown",
    (210, 180, 140): "brown",
    (60, 30, 15): "brown",
    (0, 0, 0): "black",
    (30, 30, 32): "black",
    (255, 255, 255): "white",
    (245, 245, 240): "white",
    (128, 128, 128): "grey",
    (192, 192, 192): "grey",
    (80, 80, 84): "grey",
}


def test_lab_of_known_colours() -> None:
    # Reference values for D65 (Bruce Lindbloom's calculator).
    known = {
        (1, 1, 1): (100, 0, 0),
        (0, 0, 0): (0, 0, 0),
        (1, 0, 0): (53.24, 80.09, 67.20),
        (0, 1, 0): (87.74, -86.18, 83.18),
        (0, 0, 1): (32.30, 79.19, -107.86),
        (0.5, 0.5, 0.5): (53.39, 0, 0),
    }
    np.testing.assert_allclose(srgb_to_lab(list(known)), list(known.values()), atol=0.02)


def test_transfer_curve_round_trips() -> None:
    values = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-6)
    assert srgb_to_linear(0.5) == pytest.approx(0.21404, abs=1e-5)


def test_there_are_eleven_names_and_each_is_nearest_to_itself() -> None:
    assert len(COLOUR_NAMES) == 11
    for name, tones in COLOUR_PROTOTYPES.items():
        assert {COLOUR_NAMES[i] for i in nearest_basic_colour(tones)} == {name}
        assert BASIC_COLOURS[name] == tones[0]


def test_names_are_those_that_people_use() -> None:
    names = [COLOUR_NAMES[i] for i in nearest_basic_colour(np.array(list(KNOWN)) / 255)]
    assert dict(zip(KNOWN, names, strict=True)) == KNOWN


def test_any_batch_shape_works() -> None:
    assert nearest_basic_colour((1.0, 0.0, 0.0)).shape == ()
    assert nearest_basic_colour(np.zeros((2, 5, 3))).shape == (2, 5)


def test_dominant_colour_is_weighted_by_area() -> None:
    # One large red triangle against three small blue ones.
    small = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    vertices = np.concatenate([small * 3, *(small + np.array([5 * i, 0, 0]) for i in (1, 2, 3))])
    colours = np.repeat([[0.8, 0.1, 0.1], [0.1, 0.2, 0.8]], (3, 9), axis=0)
    mesh = Mesh(vertices, np.arange(12).reshape(4, 3), colors=colours)
    assert dominant_basic_colour(mesh) == "red"
    shares = basic_colour_shares(mesh)
    assert shares["red"] == pytest.approx(9 / 12) and shares["blue"] == pytest.approx(3 / 12)
    assert sum(shares.values()) == pytest.approx(1)


def test_mesh_without_colours_is_refused(ball: Mesh) -> None:
    with pytest.raises(InputError, match="colours"):
        dominant_basic_colour(ball)
