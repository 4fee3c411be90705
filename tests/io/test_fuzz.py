"""Readers meet damaged files: a FormatError or a sound shape, never anything else."""

import json
import struct
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gen3d.errors import FormatError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.io.glb import read_glb, write_glb
from gen3d.io.gltf_container import pack_glb, unpack_glb
from gen3d.io.las import read_las, write_las, write_laz
from gen3d.io.npz import read_npy, read_npz, write_npy, write_npz
from gen3d.io.obj import read_obj, write_obj
from gen3d.io.off import read_off, write_off
from gen3d.io.pcd import read_pcd, write_pcd
from gen3d.io.ply import read_ply, write_ply
from gen3d.io.pts import read_pts, write_pts
from gen3d.io.stl import read_stl, write_stl
from gen3d.io.xyz import read_xyz, read_xyzn, write_xyz, write_xyzn

TETRA = Mesh(
    np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]),
    np.eye(4, 3) * 2 - 1,
    np.eye(4, 3),
)
CLOUD = PointCloud(
    TETRA.vertices,
    TETRA.normals,
    TETRA.colors,
    attributes={"label": np.arange(4), "ratio": np.ones(4, np.float32)},
)
RECORD = {"seed": 1}
ASCII_PLY = b"""ply
format ascii 1.0
element vertex 3
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
element face 1
property list uchar int vertex_indices
end_header
0 0 0 255 0 0
1 0 0 0 255 0
0 1 0 0 0 255
3 0 1 2
"""
ASCII_STL = b"""solid s
facet normal 0 0 1
outer loop
vertex 0 0 0
vertex 1 0 0
vertex 0 1 0
endloop
endfacet
endsolid s
"""
SAMPLES: dict[str, tuple[Callable[[bytes], Mesh | PointCloud], bytes]] = {
    "glb": (read_glb, write_glb(TETRA, RECORD)),
    "obj": (read_obj, write_obj(TETRA, RECORD)),
    "stl": (read_stl, write_stl(TETRA)),
    "stl text": (read_stl, ASCII_STL),
    "ply": (read_ply, write_ply(TETRA, RECORD)),
    "ply cloud": (read_ply, write_ply(PointCloud(TETRA.vertices, TETRA.normals), RECORD)),
    "ply text": (read_ply, ASCII_PLY),
    "ply full cloud": (read_ply, write_ply(CLOUD, RECORD)),
    "off": (read_off, write_off(TETRA, RECORD)),
    "xyz": (read_xyz, write_xyz(CLOUD, RECORD)),
    "xyzn": (read_xyzn, write_xyzn(CLOUD)),
    "pts": (read_pts, write_pts(CLOUD)),
    "pcd": (read_pcd, write_pcd(CLOUD, RECORD)),
    "pcd text": (read_pcd, write_pcd(CLOUD, encoding="ascii")),
    "pcd compressed": (read_pcd, write_pcd(CLOUD, encoding="binary_compressed")),
    "npy": (read_npy, write_npy(CLOUD)),
    "npy plain": (read_npy, write_npy(PointCloud(TETRA.vertices))),
    "npz": (read_npz, write_npz(CLOUD, RECORD)),
}
if find_spec("laspy") and find_spec("lazrs"):
    SAMPLES["las"] = (read_las, write_las(CLOUD))
    SAMPLES["laz"] = (read_las, write_laz(CLOUD))
QUICK = settings(
    max_examples=150,
    deadline=2000,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def read_or_refuse(read: Callable[[bytes], Mesh | PointCloud], data: bytes) -> None:
    try:
        shape = read(data)
    except FormatError:
        return
    positions = shape.vertices if isinstance(shape, Mesh) else shape.points
    assert len(positions) and np.isfinite(positions).all()
    assert not isinstance(shape, Mesh) or len(shape.faces)


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_truncation_is_refused_or_read(kind: str) -> None:
    read, whole = SAMPLES[kind]
    for size in range(len(whole)):
        read_or_refuse(read, whole[:size])


@pytest.mark.parametrize("kind", ("glb", "stl", "ply", "ply cloud", "pcd", "npy"))
def test_binary_files_that_are_cut_off_are_refused(kind: str) -> None:
    read, whole = SAMPLES[kind]
    for size in range(len(whole) - 1):
        with pytest.raises(FormatError):
            read(whole[:size])


# lazrs reserves what the sizes inside a chunk say, up to 4 GB, before it finds them false.
@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if kind != "laz"])
@QUICK
@given(data=st.data())
def test_changed_bytes_are_refused_or_read(kind: str, data: st.DataObject) -> None:
    read, whole = SAMPLES[kind]
    changed = bytearray(whole)
    spots = st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255))
    for at, value in data.draw(st.lists(spots, min_size=1, max_size=6)):
        changed[at] = value
    read_or_refuse(read, bytes(changed))


MAGICS = (
    b"",
    b"glTF\2\0\0\0",
    b"ply\nformat ascii 1.0\n",
    b"solid ",
    b"v 0 0 0\nf ",
    b"OFF\n",
    b"\x93NUMPY\1\0",
)


@pytest.mark.parametrize(
    "read",
    (
        read_glb,
        read_obj,
        read_stl,
        read_ply,
        read_off,
        read_xyz,
        read_pts,
        read_pcd,
        read_npy,
        read_npz,
    ),
)
@QUICK
@given(noise=st.binary(max_size=300))
def test_noise_is_refused(read: Callable[[bytes], Mesh | PointCloud], noise: bytes) -> None:
    for magic in MAGICS:
        read_or_refuse(read, magic + noise)


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-2, 40),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.integers(-1, 3), max_size=4),
    st.dictionaries(st.text(max_size=2), st.integers(-1, 3), max_size=2),
)


def spots_of(node: object) -> list[tuple[dict | list, str | int]]:
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    found = []
    for key, value in items:
        found += [(node, key), *spots_of(value)]
    return found


@QUICK
@given(data=st.data())
def test_glb_with_odd_values_in_its_json_is_refused_or_read(data: st.DataObject) -> None:
    root, binary = unpack_glb(SAMPLES["glb"][1])
    root["nodes"][0] |= {"rotation": [0, 0, 0, 1], "scale": [1, 1, 1], "children": [1]}
    root["nodes"].append({"matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], "mesh": 0})
    root["bufferViews"][0]["byteStride"] = 12
    for _ in range(data.draw(st.integers(1, 3))):
        spots = spots_of(root)
        holder, key = spots[data.draw(st.integers(0, len(spots) - 1))]
        holder[key] = data.draw(ODD)
    text = json.dumps(root).encode()  # NaN and infinities included
    text += b" " * (-len(text) % 4)
    chunk = struct.pack("<II", len(binary), 0x004E4942) + binary
    head = struct.pack("<IIIII", 0x46546C67, 2, 20 + len(text) + len(chunk), len(text), 0x4E4F534A)
    read_or_refuse(read_glb, head + text + chunk)


def test_unchanged_samples_are_read() -> None:
    for read, whole in SAMPLES.values():
        read(whole)
    assert pack_glb(*unpack_glb(SAMPLES["glb"][1])) == SAMPLES["glb"][1]
