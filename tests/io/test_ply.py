import struct

import numpy as np
import pytest

from gen3d.errors import FormatError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.io.ply import read_ply, read_ply_record, write_ply

SQUARE = """ply
format ascii 1.0
comment gen3d {"seed":3}
element vertex 4
property double x
property double y
property double z
property uchar red
property uchar green
property uchar blue
property float quality
element face 2
property uchar flags
property list uchar int vertex_index
element edge 1
property int a
end_header
0 0 0 255 0 0 0.5
1 0 0 255 0 0 0.5
1 1 0 0 51 0 0.5
0 1 0 0 0 255 0.5
1 4 0 1 2 3
0 3 0 1 2
7
"""


def binary_square(order: str) -> bytes:
    name = "binary_little_endian" if order == "<" else "binary_big_endian"
    header = SQUARE[: SQUARE.index("end_header")].replace("ascii", name) + "end_header\n"
    points = ((0, 0, 0, 255, 0, 0), (1, 0, 0, 255, 0, 0), (1, 1, 0, 0, 51, 0), (0, 1, 0, 0, 0, 255))
    body = b"".join(struct.pack(f"{order}3d3Bf", *row, 0.5) for row in points)
    body += struct.pack(f"{order}BB4iBB3ii", 1, 4, 0, 1, 2, 3, 0, 3, 0, 1, 2, 7)
    return header.encode() + body


@pytest.mark.parametrize(
    "data",
    (
        SQUARE.encode(),
        SQUARE.replace("\n", "\r\n").encode(),
        binary_square("<"),
        binary_square(">"),
    ),
    ids=("ascii", "crlf", "little", "big"),
)
def test_every_encoding_reads_the_same(data: bytes) -> None:
    mesh = read_ply(data)
    assert isinstance(mesh, Mesh)
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 2]]
    assert mesh.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert mesh.colors is not None
    np.testing.assert_allclose(mesh.colors[2], [0, 0.2, 0], atol=1e-6)
    assert mesh.metadata == {"gen3d": {"seed": 3}}


def test_properties_are_those_that_cloudcompare_knows(ball: Mesh) -> None:
    header = write_ply(ball).partition(b"end_header")[0].decode()
    names = [line.split()[-1] for line in header.splitlines() if line.startswith("property float")]
    assert names == ["x", "y", "z", "nx", "ny", "nz"]
    assert "property uchar red" in header
    assert "property list uchar int vertex_indices" in header


def test_record_stays_on_one_ascii_line(ball: Mesh) -> None:
    record = {"prompt": "two\nlines and ü"}
    data = write_ply(ball, record)
    assert data.partition(b"end_header")[0].isascii()
    assert read_ply_record(data) == record


def test_false_counts_do_not_allocate() -> None:
    for count in ("999999999999", "-1", "9" * 30):
        with pytest.raises(FormatError):
            read_ply(binary_square("<").replace(b"vertex 4", f"vertex {count}".encode()))
        with pytest.raises(FormatError):
            read_ply(SQUARE.replace("vertex 4", f"vertex {count}").encode())


def test_element_without_properties_holds_nothing() -> None:
    text = SQUARE.replace("element edge 1\nproperty int a", "element edge 999999999")
    assert isinstance(read_ply(text.encode()), Mesh)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    (
        ("ply\n", "plx\n", "not a PLY"),
        ("end_header", "end", "no end"),
        ("ascii", "utf8", "header"),
        ("property double x", "property string x", "header"),
        ("property double y", "property double x", "repeats"),
        ("property double z", "property double depth", "x, y and z"),
        ("list uchar int", "list float int", "type"),
        ("1 4 0 1 2 3", "1 4 0 1 2 9", "malformed"),
        ("1 4 0 1 2 3", "1 999 0 1 2 3", "out of"),
        ("0.5\n1 0 0 255", "0.5\n1 0 0 256", "out of"),
        ("0.5\n1 0 0 255", "0.5\n1 0 zero 255", "no number"),
        ("0 3 0 1 2\n7", "0 3 0 1", "cut off"),
    ),
)
def test_malformed_files_are_format_errors(old: str, new: str, message: str) -> None:
    assert old in SQUARE
    with pytest.raises(FormatError, match=message):
        read_ply(SQUARE.replace(old, new, 1).encode())


def test_file_without_faces_is_a_cloud() -> None:
    cloud = read_ply(
        b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\n"
        b"property float y\nproperty float z\nend_header\n1 2 3\n"
    )
    assert isinstance(cloud, PointCloud)
    assert cloud.points.tolist() == [[1, 2, 3]]
