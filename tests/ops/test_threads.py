import os
import signal
import sys

import numpy as np
import pytest

from gen3d.ops.backend import native, native_available

pytestmark = pytest.mark.skipif(not native_available(), reason="native module not built")


def covered_pixels(threads: int) -> int:
    """One triangle over many bands of rows, so that the pool's threads are really used."""
    size = 200
    vertices = np.array([[-0.8, -0.8, 1], [0.8, -0.8, 1], [0, 0.8, 1]], np.float32)
    face_id = np.empty((size, size), np.int32)
    native().rasterize_mesh(
        *(vertices, np.array([[0, 1, 2]]), 100.0, 100.0, 100.0, 100.0, 0.1, face_id),
        *(np.empty((size, size), np.float32), np.empty((size, size, 3), np.float32), threads),
    )
    return int((face_id == 0).sum())


def test_more_threads_than_work_or_cores_change_nothing() -> None:
    assert len({covered_pixels(threads) for threads in (0, 1, 2, 7, 64)}) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_kernels_work_in_a_forked_child_as_in_data_loaders() -> None:
    want = covered_pixels(3)  # starts the pool's threads, which a child does not inherit
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a deadlock ends as a signal, not as a hanging test
        os._exit(0 if covered_pixels(3) == want else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
