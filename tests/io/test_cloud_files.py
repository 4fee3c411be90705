"""Clouds of every format: what they keep, and what is refused."""

import io as streams
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest

from gen3d import io
from gen3d.errors import FormatError, InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.io.lzf import lzf_compress, lzf_decompress
from gen3d.io.npz import parse_npy, read_npy, read_npz
from gen3d.io.off import read_off
from gen3d.io.pcd import read_pcd, write_pcd
from gen3d.io.ply import read_ply, write_ply
from gen3d.io.pts import read_pts
from gen3d.io.xyz import read_xyz, read_xyzn, read_xyzrgb, write_xyzn, write_xyzrgb

RNG = np.random.default_rng(5)
COUNT = 40
NORMALS = RNG.normal(size=(COUNT, 3))
NORMALS /= np.linalg.norm(NORMALS, axis=1, keepdims=True)
ATTRIBUTES = {
    "intensity": RNG.integers(0, 4000, COUNT).astype(np.uint16),
    "label": RNG.integers(-5, 5, COUNT).astype(np.int32),
    "gps": RNG.random(COUNT) * 1e9,
    "small": RNG.integers(-100, 100, COUNT).astype(np.int8),
    "ratio": RNG.random(COUNT).astype(np.float32),
}
CLOUD = PointCloud(
    RNG.random((COUNT, 3)), NORMALS, RNG.integers(0, 256, (COUNT, 3)) / 255, attributes=ATTRIBUTES
)
SURVEY = np.array([500_000.0, 5_800_000.0, 100.0])
WHOLE = ("ply", "pcd", "npy", "npz")


def same_values(a: PointCloud, b: PointCloud) -> None:
    assert a.normals is not None and b.normals is not None
    assert a.colors is not None and b.colors is not None
    np.testing.assert_array_equal(a.normals, b.normals)
    np.testing.assert_allclose(a.colors, b.colors, atol=1e-6)


@pytest.mark.parametrize("format", WHOLE)
def test_full_cloud_round_trips_with_its_dtypes(tmp_path: Path, format: str) -> None:
    again = io.load(io.save(CLOUD, tmp_path / f"cloud.{format}"))
    assert isinstance(again, PointCloud)
    np.testing.assert_array_equal(again.points, CLOUD.points)
    same_values(again, CLOUD)
    assert set(again.attributes) == set(ATTRIBUTES)
    for name, values in ATTRIBUTES.items():
        assert again.attributes[name].dtype == values.dtype
        np.testing.assert_array_equal(again.attributes[name], values)


def test_text_keeps_everything_but_dtypes(tmp_path: Path) -> None:
    again = io.load(io.save(CLOUD, tmp_path / "cloud.xyz", record={"seed": 4}))
    assert isinstance(again, PointCloud)
    np.testing.assert_array_equal(again.points, CLOUD.points)
    same_values(again, CLOUD)
    for name, values in ATTRIBUTES.items():
        np.testing.assert_allclose(again.attributes[name], values, rtol=1e-8)
    assert again.metadata["gen3d"] == io.read_record(tmp_path / "cloud.xyz") == {"seed": 4}


@pytest.mark.parametrize("format", (*WHOLE, "xyz", "pts", "xyzn", "xyzrgb"))
def test_survey_coordinates_keep_millimetres(tmp_path: Path, format: str) -> None:
    cloud = PointCloud.from_positions(
        SURVEY + CLOUD.points * 50, normals=NORMALS, colors=CLOUD.colors
    )
    assert cloud.offset.any()
    again = io.load(io.save(cloud, tmp_path / f"survey.{format}"))
    assert isinstance(again, PointCloud)
    np.testing.assert_allclose(again.positions, cloud.positions, atol=1e-5, rtol=0)
    np.testing.assert_allclose(again.positions, SURVEY + CLOUD.points * 50, atol=1e-5, rtol=0)


@pytest.mark.parametrize("format", (*WHOLE, "xyz", "pts"))
def test_equal_clouds_give_equal_bytes(tmp_path: Path, format: str) -> None:
    first = io.save(CLOUD, tmp_path / f"a.{format}").read_bytes()
    assert io.save(CLOUD, tmp_path / f"b.{format}").read_bytes() == first


def test_narrow_formats_name_what_they_lose() -> None:
    assert io.lost_fields(CLOUD, "xyzn") == ["colors", *ATTRIBUTES]
    assert "intensity" not in io.lost_fields(CLOUD, "pts")
    assert io.lost_fields(CLOUD, "ply") == io.lost_fields(CLOUD, "npz") == []
    for write in (write_xyzn, write_xyzrgb):
        with pytest.raises(InputError, match="needs"):
            write(PointCloud(CLOUD.points))


@pytest.mark.parametrize("format", ("xyz", "xyzn", "pts", "pcd", "npy", "npz", "las", "e57"))
def test_meshes_do_not_go_into_files_of_points(ball: Mesh, tmp_path: Path, format: str) -> None:
    with pytest.raises(FormatError, match=r"no meshes.*ply"):
        io.save(ball, tmp_path / f"ball.{format}")


@pytest.mark.parametrize(
    "text",
    (
        "1 2 3\n4 5 6\n",
        "1,2,3\r\n4,5,6\r\n",
        "1;2;3\n4;5;6",
        "\ufeff1\t2\t3\n\n4\t5\t6\n",
        "2\n1 2 3\n4 5 6\n",
        "x y z\n1 2 3\n4 5 6\n",
        "//X Y Z\n2\n1 2 3\n4 5 6\n",
        "# a scan\n1 2 3 # first\n% noise\n4 5 6\n",
    ),
)
def test_text_in_every_dress_is_the_same(text: str) -> None:
    cloud = read_xyz(text.encode())
    assert cloud.points.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert not cloud.attributes and cloud.colors is None and cloud.normals is None


def test_columns_of_text_are_guessed_by_their_values() -> None:
    intense = read_xyz(b"1 2 3 77\n")
    assert intense.attributes["intensity"].tolist() == [77]
    facing = read_xyz(b"1 2 3 0 0.6 0.8\n")
    assert facing.normals is not None and facing.colors is None
    coloured = read_xyz(b"1 2 3 255 51 0\n4 5 6 0 0 0\n")
    assert coloured.colors is not None
    np.testing.assert_allclose(coloured.colors[0], [1, 0.2, 0], atol=1e-6)
    other = read_xyz(b"1 2 3 -7 900 4\n")
    assert list(other.attributes) == ["column_4", "column_5", "column_6"]
    assert read_xyzn(b"1 2 3 0 0 1\n").normals is not None
    colours = read_xyzrgb(b"1 2 3 0.5 0 1\n").colors
    assert colours is not None and colours.tolist() == [[0.5, 0, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    (
        ("", "no points"),
        ("# nothing\n", "no points"),
        ("1 2\n3 4\n", "no x, y and z"),
        ("1 2 3\n4 5\n", "malformed"),
        ("1 2 three\n", "malformed"),
        ("1 2 nan\n", "finite, row 0"),
        ("0 0 0\n1 2 inf\n", "finite, row 1"),
        ("5\n1 2 3\n4 5 6\n", "announces 5 points, it holds 2"),
        ("x y z red\n1 2 3\n", "names 4 columns"),
        ("x y z z\n1 2 3 4\n", "twice"),
    ),
)
def test_malformed_text_is_one_line(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        read_xyz(text.encode())
    assert "\n" not in str(caught.value)


def test_pts_reads_all_scans_and_its_ranges() -> None:
    cloud = read_pts(b"2\n1 2 3 -900 1 0 0\n4 5 6 10 0 1 0\n1\n7 8 9 5 0 0 255\n")
    assert len(cloud) == 3 and cloud.colors is not None
    assert cloud.attributes["intensity"].tolist() == [-900, 10, 5]
    # Bytes, however dark.
    assert cloud.colors[0, 0] == pytest.approx(1 / 255)
    for text in (b"3\n1 2 3\n4 5 6\n", b"1 2 3\n4\n", b"1\n1 2 3 4 5\n", b"1\n1 2 3 0 0 900\n"):
        with pytest.raises(FormatError):
            read_pts(text)


def test_ply_skips_lists_and_keeps_extras_of_clouds() -> None:
    head = (
        "ply\nformat binary_big_endian 1.0\nelement vertex 2\nproperty double x\n"
        "property double y\nproperty double z\nproperty list uchar float weights\n"
        "property short ring\nproperty uchar alpha\nend_header\n"
    )
    body = struct.pack(">3dB2fhB", *SURVEY, 2, 0.5, 0.5, -3, 200)
    body += struct.pack(">3dBhB", *(SURVEY + 0.001), 0, 7, 255)
    cloud = read_ply(head.encode() + body)
    assert isinstance(cloud, PointCloud)
    np.testing.assert_allclose(np.diff(cloud.positions, axis=0), 0.001, atol=1e-8)
    assert cloud.attributes["ring"].tolist() == [-3, 7]
    assert cloud.attributes["ring"].dtype == np.int16
    again = write_ply(cloud)
    assert b"property double x" in again and b"property short ring" in again
    assert b"weights" not in again


def test_ply_stores_64_bits_exactly_or_refuses() -> None:
    wide = CLOUD.with_(attributes={"id": np.arange(COUNT) + 2**40, "on": np.arange(COUNT) > 3})
    again = read_ply(write_ply(wide))
    assert isinstance(again, PointCloud)
    np.testing.assert_array_equal(again.attributes["id"], wide.attributes["id"])
    assert again.attributes["on"].sum() == COUNT - 4
    with pytest.raises(InputError, match="64 bits"):
        write_ply(CLOUD.with_(attributes={"id": np.arange(COUNT) + 2**60}))
    with pytest.raises(InputError, match="rename"):
        write_ply(CLOUD.with_(attributes={"two words": np.zeros(COUNT)}))


@pytest.mark.parametrize("encoding", ("ascii", "binary", "binary_compressed"))
def test_pcd_encodings_read_the_same(encoding: str) -> None:
    again = read_pcd(write_pcd(CLOUD, {"seed": 1}, encoding=encoding))  # type: ignore[arg-type]
    np.testing.assert_array_equal(again.points, CLOUD.points)
    np.testing.assert_array_equal(again.attributes["gps"], ATTRIBUTES["gps"])
    assert again.attributes["label"].dtype == np.int32
    assert again.metadata["gen3d"] == {"seed": 1}


def test_pcd_of_the_library_is_read() -> None:
    text = (
        "# .PCD v.7\nVERSION .7\nFIELDS x y z rgb _ fpfh\nSIZE 4 4 4 4 1 4\n"
        "TYPE F F F F U F\nCOUNT 1 1 1 1 2 3\nWIDTH 2\nHEIGHT 2\nVIEWPOINT 0 0 1 1 0 0 0\n"
        "POINTS 4\nDATA ascii\n"
    )
    packed = repr(float(np.array([0x00FF0033], np.uint32).view(np.float32)[0]))
    for x in ("1", "nan", "3", "nan"):
        text += f"{x} 2 3 {packed} 0 0 7 8 9\n"
    cloud = read_pcd(text.encode())
    assert cloud.points.tolist() == [[1, 2, 3], [3, 2, 3]]
    assert cloud.colors is not None
    np.testing.assert_allclose(cloud.colors[0], [1, 0, 0.2], atol=1e-6)
    assert cloud.attributes["fpfh"].tolist() == [[7, 8, 9]] * 2
    assert cloud.metadata["pcd_viewpoint"].startswith("0 0 1")
    for old, new in (("POINTS 4", "POINTS 5"), ("ascii", "zip"), ("SIZE 4", "SIZE 3")):
        with pytest.raises(FormatError):
            read_pcd(text.replace(old, new).encode())


@pytest.mark.parametrize(
    "data",
    (b"", b"a", b"abcabcabcabcabcabc", bytes(5000), bytes(range(256)) * 40, RNG.bytes(3000)),
)
def test_lzf_round_trips(data: bytes) -> None:
    packed = lzf_compress(data)
    assert lzf_decompress(packed, len(data)) == data
    assert len(packed) <= len(data) + len(data) // 32 + 1


def test_lzf_follows_the_format() -> None:
    # Two literals, then six bytes from two back: the token's length counts from 2.
    assert lzf_decompress(b"\x01ab\x80\x01", 8) == b"abababab"
    for damaged in (b"\x01ab\x80\x05", b"\x01a", b"\x80", b"\x01ab\x80\x01\x00"):
        with pytest.raises(FormatError):
            lzf_decompress(damaged, 8)


def test_npy_is_numbers_only_and_no_larger_than_its_file() -> None:
    def saved(values: np.ndarray) -> bytes:
        file = streams.BytesIO()
        np.save(file, values)
        return file.getvalue()

    grid = np.asfortranarray(RNG.random((6, 3)))
    np.testing.assert_array_equal(parse_npy(saved(grid)), grid)
    assert read_npy(saved(grid[:, ::-1].astype(">f4"))).points.shape == (6, 3)
    for values in (np.array([{}]), np.zeros((4, 2)), np.zeros(3), np.full((2, 3), np.nan)):
        with pytest.raises(FormatError):
            read_npy(saved(values))
    huge = saved(grid).replace(b"(6, 3)", b"(9999999999, 3)")
    with pytest.raises(FormatError, match=r"malformed|cut off"):
        read_npy(huge)


def test_npz_of_others_is_read() -> None:
    file = streams.BytesIO()
    np.savez_compressed(
        file, pos=CLOUD.points, rgb=np.full((COUNT, 3), 51, np.uint8), y=ATTRIBUTES["label"], k=3
    )
    cloud = read_npz(file.getvalue())
    assert list(cloud.attributes) == ["y"] and cloud.colors is not None
    assert cloud.colors[0, 0] == pytest.approx(0.2)
    with pytest.raises(FormatError, match="none of the arrays"):
        file = streams.BytesIO()
        np.savez(file, other=CLOUD.points)
        read_npz(file.getvalue())


def test_off_round_trips_and_cuts_polygons(ball: Mesh, tmp_path: Path) -> None:
    again = io.load_mesh(io.save(ball, tmp_path / "ball.off", record={"seed": 2}))
    np.testing.assert_array_equal(again.vertices, ball.vertices)
    np.testing.assert_array_equal(again.faces, ball.faces)
    assert io.read_record(tmp_path / "ball.off") == {"seed": 2}
    square = b"OFF4 1 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0 # last\n4 0 1 2 3 255 0 0\n"
    assert read_off(square).faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    for old, new in ((b"OFF4", b"OFF5"), (b"4 0 1 2 3", b"4 0 1 2 9"), (b"4 0 1", b"x 0 1")):
        with pytest.raises(FormatError):
            read_off(square.replace(old, new))


def test_no_reader_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for read in (read_xyz, read_pts, read_pcd, read_npy, read_npz, read_off):
            with pytest.raises(FormatError):
                read(b"\n")
