"""Shards: tar files of samples as the webdataset package reads them, and as we map them.

A sample ``KEY`` is the members ``KEY.surface.npy`` (n, 9) float16, ``KEY.queries.npy`` (q, 3)
float16 of which the first ``near_count`` are near the surface, ``KEY.inside.npy`` (q,) bool, and
``KEY.json`` with ``captions``, ``category``, ``near_count`` and whatever else is known. Members of
a tar are stored as they are, so arrays can be memory-mapped where they lie.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float16

from gen3d.errors import FormatError
from gen3d.runtime.atomic import atomic_write

_ARRAYS = ("surface", "queries", "inside")


@dataclass(frozen=True)
class ShardSample:
    """One shape of a shard.

    Attributes:
        key: Unique name without dots.
        surface: Position, normal, sRGB colour.
        queries: Query points.
        inside: Labels of the queries.
        about: Captions and all else; plain values.
    """

    key: str
    surface: Float16[np.ndarray, "n 9"]
    queries: Float16[np.ndarray, "q 3"]
    inside: Bool[np.ndarray, " q"]
    about: dict[str, Any]


def write_shard(path: Path | str, samples: Iterable[ShardSample]) -> None:
    """Write a shard; equal samples give equal bytes.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_write(path) as file, tarfile.open(fileobj=file, mode="w", format=_FORMAT) as tar:
        for sample in samples:
            for name in _ARRAYS:
                buffer = io.BytesIO()
                np.save(buffer, np.ascontiguousarray(getattr(sample, name)), allow_pickle=False)
                _add(tar, f"{sample.key}.{name}.npy", buffer.getvalue())
            text = json.dumps(sample.about, sort_keys=True, ensure_ascii=False)
            _add(tar, f"{sample.key}.json", text.encode())


_FORMAT = tarfile.USTAR_FORMAT


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    # TarInfo's own defaults are fixed: time 0, owner 0, mode 644.
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def map_shard(path: Path | str) -> list[ShardSample]:
    """Return the samples of a shard in their order; arrays are read from disk when touched.

    Raises:
        FormatError: The file is missing, damaged, or not such a shard.
    """
    path = Path(path)
    samples: dict[str, dict[str, Any]] = {}
    try:
        whole = np.memmap(path, np.uint8, mode="r")
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, kind = member.name.partition(".")
                parts = samples.setdefault(key, {})
                stored = whole[member.offset_data : member.offset_data + member.size]
                if kind == "json":
                    parts["about"] = json.loads(stored.tobytes())
                else:
                    parts[kind.removesuffix(".npy")] = _mapped_array(stored)
        return [ShardSample(key, **parts) for key, parts in samples.items()]
    except (OSError, tarfile.TarError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise FormatError(
            f"{path} is no shard of shapes: {reason}", hint="build shards with gen3d data"
        ) from error


def _mapped_array(stored: np.ndarray) -> np.ndarray:
    # The header is at most a few hundred bytes; only it is read here.
    head = io.BytesIO(stored[:4096].tobytes())
    version = np.lib.format.read_magic(head)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"unknown version {version} of the npy format")
    shape, fortran, dtype = read[version](head)
    if fortran or dtype.hasobject:
        raise ValueError("expected a plain array in C order")
    start, size = head.tell(), int(np.prod(shape)) * dtype.itemsize
    return stored[start : start + size].view(dtype).reshape(shape)
