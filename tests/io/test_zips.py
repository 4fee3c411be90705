import numpy as np
import pytest

from gen3d.errors import FormatError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.io.npz import read_npz, write_npz
from gen3d.io.threemf import read_3mf, write_3mf

CORNERS = np.random.default_rng(0).random((200, 3)).astype(np.float32)
MESH = Mesh(CORNERS, np.arange(198).reshape(-1, 3))


@pytest.mark.parametrize(
    ("read", "data"),
    [(read_3mf, write_3mf(MESH)), (read_npz, write_npz(PointCloud(CORNERS)))],
    ids=["3mf", "npz"],
)
def test_a_damaged_byte_anywhere_is_an_error_of_the_format_or_harmless(read, data) -> None:
    refused = 0
    for at in range(0, len(data), max(1, len(data) // 150)):
        damaged = bytearray(data)
        damaged[at] ^= 0xFF
        try:
            read(bytes(damaged))
        except FormatError:
            refused += 1
    assert refused > 50
