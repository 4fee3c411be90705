"""The collection of named objects: ``objects.npz.xz`` with ``objects.jsonl`` beside it.

Arrays: ``vertices`` uint16 (position = q / 65535 - 1/2, Y up), ``faces`` local to each object,
``face_rgb`` sRGB bytes, ``vertex_offsets`` and ``face_offsets``. Rows: a JSON object each, in the
same order.
"""

from __future__ import annotations

import io
import json
import lzma
import zipfile
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gen3d.data.mesh_item import MeshItem, safe_key
from gen3d.data.mesh_sampling import PaintedMesh
from gen3d.errors import FormatError
from gen3d.geometry.mesh import Mesh
from gen3d.io.files import read_bytes

ARRAYS_FILE, ROWS_FILE = "objects.npz.xz", "objects.jsonl"
DEV_PERCENT = 8
"""Share of the train split's families that are kept back for development."""

_NEEDED = ("vertices", "faces", "face_rgb", "vertex_offsets", "face_offsets")


class ObjectsConfig(BaseModel):
    """Which objects of a collection.

    Attributes:
        path: Folder with both files.
        split: ``train`` and ``dev`` divide the collection's train split by family, so that variants
            of one thing stay together; ``val`` is its own and for reports only.
        limit: Take so many at most, evenly from all; None: all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: Path
    split: Literal["train", "dev", "val"] = "train"
    limit: int | None = None


@dataclass(frozen=True)
class ObjectCollection:
    """All objects of a collection, in memory.

    Attributes:
        arrays: As in the file.
        rows: As in the file.
    """

    arrays: dict[str, NDArray[Any]]
    rows: list[dict[str, Any]]

    @classmethod
    def read(cls, folder: Path | str) -> ObjectCollection:
        """Read a folder.

        Raises:
            InputError: A file is missing.
            FormatError: A file is damaged, or the two do not belong together.
        """
        folder = Path(folder)
        packed, text = read_bytes(folder / ARRAYS_FILE), read_bytes(folder / ROWS_FILE)
        try:
            with np.load(io.BytesIO(lzma.decompress(packed))) as file:
                arrays = {name: file[name] for name in _NEEDED}
            rows = [json.loads(line) for line in text.decode().splitlines() if line.strip()]
        except (lzma.LZMAError, zipfile.BadZipFile, KeyError, ValueError) as error:
            raise FormatError(f"{folder} holds no collection of objects: {error}") from error
        if len(rows) + 1 != len(arrays["face_offsets"]):
            raise FormatError(
                f"{folder / ROWS_FILE} has {len(rows)} rows for "
                f"{len(arrays['face_offsets']) - 1} objects"
            )
        return cls(arrays, rows)

    def mesh(self, index: int) -> PaintedMesh:
        """Return one object with the colours of its faces; longest side 1."""
        a = self.arrays
        v = slice(a["vertex_offsets"][index], a["vertex_offsets"][index + 1])
        f = slice(a["face_offsets"][index], a["face_offsets"][index + 1])
        vertices = (a["vertices"][v].astype(np.float64) / 65535 - 0.5).astype(np.float32)
        colours = a["face_rgb"][f].astype(np.float32) / 255
        return PaintedMesh(Mesh(vertices, a["faces"][f]), np.repeat(colours[:, None], 3, axis=1))


def split_of(row: dict[str, Any]) -> str:
    """Return ``train``, ``dev`` or ``val``; all objects of a family are in the same."""
    if row["split"] == "val":
        return "val"
    number = zlib.crc32(row["family"].encode()) % 1000
    return "dev" if number < 10 * DEV_PERCENT else "train"


def object_items(config: ObjectsConfig) -> list[MeshItem]:
    """List the objects of a split, in the collection's order.

    Raises:
        InputError: A file is missing.
        FormatError: A file is damaged, or the two do not belong together.
    """
    collection = ObjectCollection.read(config.path)
    chosen = [i for i, row in enumerate(collection.rows) if split_of(row) == config.split]
    if config.limit is not None and config.limit < len(chosen):
        at = np.linspace(0, len(chosen) - 1, config.limit).round().astype(int)
        chosen = [chosen[i] for i in at]
    return [_item(collection, i) for i in chosen]


def _item(collection: ObjectCollection, index: int) -> MeshItem:
    row = collection.rows[index]
    return MeshItem(
        key=safe_key(str(row["id"])),
        load=partial(collection.mesh, index),
        name=str(row["caption"]),
        category=str(row["category"]),
        painted=bool(row["colours"]),
        licence=str(row["licence"]),
        author=str(row["author"]),
        source=f"{row['repo']}: {row['path']}",
    )
