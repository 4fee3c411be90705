"""The meshes behind a folder of shards, for pictures of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gen3d.data.build import REPORT_FILE, ShardsConfig
from gen3d.data.mesh_item import MeshItem
from gen3d.data.mesh_sampling import PaintedMesh
from gen3d.data.watertight import to_network_frame
from gen3d.errors import ModelError
from gen3d.io.files import read_bytes


class ItemMeshes:
    """Reads the meshes of a collection, one by one, in the network's frame.

    Args:
        items: Which.
    """

    def __init__(self, items: Sequence[MeshItem]) -> None:
        self._items = list(items)

    @classmethod
    def of_shards(cls, config: ShardsConfig, folder: Path | str) -> ItemMeshes:
        """Find the meshes that shards were made from, in the order of the shards.

        Raises:
            InputError: The folder has no report.
            ModelError: The source has lost some of the meshes.
        """
        rows = json.loads(read_bytes(Path(folder) / REPORT_FILE))["shapes"]
        kept = [row["key"] for row in rows if "dropped" not in row]
        items = {item.key: item for item in config.items()}
        if lost := [key for key in kept if key not in items]:
            raise ModelError(
                f"{len(lost)} meshes of {folder} are gone from their source, {lost[0]} for one",
                hint="build the shards again",
            )
        return cls([items[key] for key in kept])

    def __len__(self) -> int:
        return len(self._items)

    def mesh(self, index: int) -> PaintedMesh:
        """Read one mesh."""
        painted = self._items[index].load()
        return replace(painted, mesh=to_network_frame(painted.mesh))

    def fingerprint(self) -> str:
        """Hash the names of the meshes."""
        content = json.dumps([item.key for item in self._items])
        return "items-" + hashlib.sha256(content.encode()).hexdigest()[:16]
