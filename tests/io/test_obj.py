import numpy as np
import pytest

from gen3d.errors import FormatError
from gen3d.geometry.mesh import Mesh
from gen3d.io.obj import read_obj, read_obj_record, write_obj

QUAD = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"


def test_colours_follow_the_position(ball: Mesh) -> None:
    first = next(line for line in write_obj(ball).decode().splitlines() if line.startswith("v "))
    assert len(first.split()) == 7


@pytest.mark.parametrize(
    "face", (b"f 1 2 3 4", b"f 1/9 2/9 3/9 4/9", b"f -4 -3 -2 -1", b"f 1 2 \\\n 3 4 # four")
)
def test_polygons_are_cut_as_fans(face: bytes) -> None:
    mesh = read_obj(QUAD + face + b"\n")
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert mesh.normals is None and mesh.colors is None


def test_normals_of_split_corners_are_left_out() -> None:
    two = QUAD + b"vn 0 0 1\nvn 0 1 0\n"
    kept = read_obj(two + b"f 1//1 2//2 3//1\nf 1//1 3//1 4//2\n")
    assert kept.normals is not None
    assert kept.normals.tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1], [0, 1, 0]]
    assert read_obj(two + b"f 1//1 2//1 3//1\nf 1//2 3//1 4//1\n").normals is None


def test_colours_written_as_bytes_are_scaled() -> None:
    mesh = read_obj(b"v 0 0 0 255 0 0\nv 1 0 0 0 255 0\nv 0 1 0 0 0 51\nf 1 2 3\n")
    assert mesh.colors is not None
    np.testing.assert_allclose(mesh.colors, [[1, 0, 0], [0, 1, 0], [0, 0, 0.2]], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    (
        (QUAD, "no faces"),
        (QUAD + b"f 1 2 5\n", "line 5"),
        (QUAD + b"f 1 2 0\n", "line 5"),
        (QUAD + b"f 1 2\n", "three corners"),
        (QUAD + b"f 1 2 x\n", "line 5"),
        (b"v 0 0\nf 1 1 1\n", "line 1"),
        (b"v 0 0 nan\nv 0 1 0\nv 1 0 0\nf 1 2 3\n", "finite"),
    ),
)
def test_malformed_text_names_the_line(text: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_obj(text)


def test_record_is_found_in_the_head_only(ball: Mesh, record: dict) -> None:
    assert read_obj_record(write_obj(ball, record)) == record
    assert read_obj_record(b"# gen3d mesh, Y up\nv 0 0 0\n") is None
    assert read_obj_record(b'v 0 0 0\n# gen3d {"seed":1}\n') is None
