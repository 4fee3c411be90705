import numpy as np
import pytest

from gen3d.errors import FormatError, InputError
from gen3d.geometry.mesh import Mesh
from gen3d.io.stl import read_stl, write_stl

TEXT = b"""solid corner
 facet normal 0 0 1
  outer loop
   vertex 0 0 0
   vertex 1 0 0
   vertex 0 1 2
  endloop
 endfacet
endsolid corner
"""


def tall(mesh: Mesh) -> Mesh:
    """Twice as high (Y) as wide."""
    return mesh.with_(vertices=mesh.vertices * [1, 2, 1])


def test_header_is_80_bytes_and_does_not_claim_text(ball: Mesh) -> None:
    data = write_stl(ball)
    assert len(data) == 84 + 50 * len(ball.faces)
    assert not data.startswith(b"solid")


def test_height_in_the_file_is_along_z_and_in_millimetres(ball: Mesh) -> None:
    data = write_stl(tall(ball), height_mm=80)
    corners = np.frombuffer(data[84:], [("n", "<f4", 3), ("c", "<f4", (3, 3)), ("a", "<u2")])["c"]
    extent = np.ptp(corners.reshape(-1, 3), axis=0)
    np.testing.assert_allclose(extent, [40, 40, 80], rtol=0.03)
    assert extent[2] == pytest.approx(80, rel=1e-5)


def test_reading_turns_it_upright_again(ball: Mesh) -> None:
    np.testing.assert_allclose(read_stl(write_stl(tall(ball))).bounds, tall(ball).bounds)


def test_facet_normals_point_outward(ball: Mesh) -> None:
    rows = np.frombuffer(
        write_stl(ball)[84:], [("n", "<f4", 3), ("c", "<f4", (3, 3)), ("a", "<u2")]
    )
    assert ((rows["n"] * rows["c"].mean(axis=1)).sum(axis=1) > 0).all()


def test_text_is_read_too() -> None:
    # Z up becomes Y up: (0, 1, 2) -> (0, 2, -1).
    assert read_stl(TEXT).vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, -1]]


def test_binary_that_begins_with_solid_is_read_as_binary(ball: Mesh) -> None:
    data = b"solid" + write_stl(ball)[5:]
    assert len(read_stl(data).faces) == len(ball.faces)


@pytest.mark.parametrize("height", (0.0, -1.0, float("nan"), float("inf")))
def test_height_must_be_positive(ball: Mesh, height: float) -> None:
    with pytest.raises(InputError, match="height_mm"):
        write_stl(ball, height_mm=height)


@pytest.mark.parametrize(
    "data",
    (
        b"",
        b"solid empty\nendsolid\n",
        bytes(84),
        bytes(80) + b"\xff\xff\xff\xff",
        bytes(80) + b"\1\0\0\0" + bytes(50),
        TEXT.replace(b"1 0 0", b"1 0 x"),
        TEXT.replace(b"vertex 1 0 0", b""),
    ),
)
def test_malformed_files_are_format_errors(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_stl(data)
