import io as streams
from pathlib import Path

import numpy as np
import pytest

from gen3d import io
from gen3d.errors import FormatError, InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.io.las import las_chunks, read_las, write_las, write_las_chunks, write_laz

laspy = pytest.importorskip("laspy")
pytest.importorskip("lazrs")

COUNT = 200
RNG = np.random.default_rng(2)


def survey_file(*, bytes_in_16_bits: bool = False) -> bytes:
    """Return a file as surveyors have it: CRS, VLR, own scale and offset, extra dimension."""
    header = laspy.LasHeader(version="1.4", point_format=7)
    header.scales, header.offsets = np.array([0.01, 0.01, 0.002]), np.array([4e5, 5e6, 0.0])
    header.vlrs.append(laspy.VLR("LASF_Projection", 2112, "", b"PROJCS[...]\0"))
    header.vlrs.append(laspy.VLR("someone", 7, "notes", b"untouched"))
    header.global_encoding.wkt = True
    header.system_identifier = "scanner"
    header.add_extra_dim(laspy.ExtraBytesParams("height", np.float32))
    las = laspy.LasData(header)
    las.x, las.y, las.z = (400_123 + RNG.random((3, COUNT)).T * [90, 90, 9] + [0, 4.6e6, 0]).T
    las.intensity = RNG.integers(0, 65536, COUNT)
    las.classification = RNG.integers(0, 19, COUNT)
    las.return_number = np.ones(COUNT, np.uint8)
    las.gps_time = RNG.random(COUNT) * 1e9
    top = 256 if bytes_in_16_bits else 65536
    las.red, las.green, las.blue = RNG.integers(0, top, (3, COUNT))
    las.height = RNG.random(COUNT)
    file = streams.BytesIO()
    las.write(file)
    return file.getvalue()


def again(data: bytes):
    return laspy.read(streams.BytesIO(data))


@pytest.mark.parametrize("compress", (False, True))
def test_survey_is_written_as_it_came(compress: bool) -> None:
    data = survey_file()
    cloud = read_las(data)
    assert cloud.offset.any() and np.abs(cloud.points).max() < 1e3
    before, after = again(data), again(write_las(cloud, compress=compress))
    assert after.header.point_format == before.header.point_format
    assert after.header.version == before.header.version
    assert after.header.system_identifier == "scanner"
    np.testing.assert_array_equal(after.header.scales, before.header.scales)
    np.testing.assert_array_equal(after.header.offsets, before.header.offsets)
    notes = {(vlr.user_id, vlr.record_id): vlr.record_data_bytes() for vlr in after.header.vlrs}
    assert notes[("someone", 7)] == b"untouched"
    assert notes[("LASF_Projection", 2112)].startswith(b"PROJCS")
    for name in before.point_format.dimension_names:
        np.testing.assert_array_equal(np.asarray(after[name]), np.asarray(before[name]), name)


def test_bytes_in_16_bits_are_bright_and_stay_bytes() -> None:
    data = survey_file(bytes_in_16_bits=True)
    cloud = read_las(data)
    assert cloud.colors is not None and cloud.colors.max() > 0.9
    np.testing.assert_array_equal(again(write_las(cloud)).red, again(data).red)


def test_own_cloud_keeps_normals_and_attributes_as_extra_dimensions() -> None:
    normals = np.tile([0.0, 0.6, 0.8], (COUNT, 1))
    attributes = {
        "intensity": RNG.random(COUNT).astype(np.float32),
        "classification": np.full(COUNT, 6, np.uint8),
        "origin": np.ones(COUNT, np.uint8),
        "confidence": RNG.random(COUNT).astype(np.float32),
    }
    cloud = PointCloud(RNG.random((COUNT, 3)), normals, np.eye(3)[[0] * COUNT], {}, np.zeros(3))
    cloud = cloud.with_(attributes=attributes)
    data = write_laz(cloud)
    assert write_laz(cloud) == data
    read = read_las(data)
    np.testing.assert_allclose(read.positions, cloud.points, atol=2e-6)
    np.testing.assert_allclose(read.normals, normals, atol=1e-6)
    np.testing.assert_array_equal(read.colors, cloud.colors)
    assert again(data).header.point_format.id == 7
    assert set(read.attributes["classification"]) == {6}
    # 16 bits have no room for fractions.
    np.testing.assert_array_equal(read.attributes["intensity_value"], attributes["intensity"])
    np.testing.assert_array_equal(read.attributes["confidence"], attributes["confidence"])
    assert read.attributes["origin"].dtype == np.uint8


def test_pieces_are_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "survey.las"
    path.write_bytes(survey_file())
    whole = io.load(path)
    assert isinstance(whole, PointCloud)
    pieces = list(las_chunks(path, size=64))
    assert [len(piece) for piece in pieces] == [64, 64, 64, 8]
    assert all((piece.offset == pieces[0].offset).all() for piece in pieces)
    joined = np.concatenate([piece.positions for piece in pieces])
    np.testing.assert_allclose(joined, whole.positions, atol=1e-5)
    out = write_las_chunks(iter(pieces), tmp_path / "out.laz")
    before, after = again(path.read_bytes()), again(out.read_bytes())
    for name in before.point_format.dimension_names:
        np.testing.assert_array_equal(np.asarray(after[name]), np.asarray(before[name]), name)


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty"):
        write_las(PointCloud(np.zeros((0, 3))))
    with pytest.raises(InputError, match="32 bytes"):
        write_las(PointCloud(np.eye(3), attributes={"n" * 40: np.zeros(3)}))
    survey = read_las(survey_file())
    with pytest.raises(InputError, match="too far"):
        write_las(survey.with_(offset=survey.offset + 1e9))
    with pytest.raises(InputError, match="at least one"):
        next(las_chunks(tmp_path / "none.las", size=0))
    with pytest.raises(InputError, match="cannot read"):
        next(las_chunks(tmp_path / "none.las"))


def test_cut_off_files_are_refused() -> None:
    for data in (survey_file(), write_laz(read_las(survey_file()))):
        for size in (0, 3, 100, 300, len(data) // 2, len(data) - 40):
            with pytest.raises(FormatError):
                read_las(data[:size])
