"""One mesh of a collection, before it is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gen3d.data.mesh_sampling import PaintedMesh


@dataclass(frozen=True)
class MeshItem:
    """A mesh with what is known of it.

    Attributes:
        key: Unique name of letters, digits, ``_`` and ``-``.
        load: Reads the mesh, Y up.
        name: Words for the thing, as of a file name; captions are written from it.
        captions: Captions as they are, instead.
        category: Kind of thing.
        painted: Whether the colours mean something.
        licence: SPDX name, or "".
        author: Whom to credit, or "".
        source: Where it comes from, or "".
    """

    key: str
    load: Callable[[], PaintedMesh]
    name: str
    captions: tuple[str, ...] = ()
    category: str = ""
    painted: bool = True
    licence: str = ""
    author: str = ""
    source: str = ""


def safe_key(text: str) -> str:
    """Replace all but letters, digits, ``_`` and ``-``; readers of shards split names at dots."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "item"
