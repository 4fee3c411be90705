"""The node tree of a glTF document: where each mesh stands (glTF 2.0, section 3.5.3)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gen3d.errors import FormatError
from gen3d.io.gltf_document import Document, is_index, numbers


def placed_meshes(document: Document) -> list[tuple[int, np.ndarray]]:
    """Return mesh index and world matrix of every node with a mesh, in document order.

    Raises:
        FormatError: Nodes are malformed or form no tree.
    """
    root = document.root
    if root.get("scenes"):
        roots = document.item("scenes", root.get("scene", 0)).get("nodes", [])
    else:
        # Without a scene nothing is placed; show every mesh as it is.
        meshes = root.get("meshes")
        return [(i, np.eye(4)) for i in range(len(meshes) if isinstance(meshes, list) else 0)]
    placed, visited = [], set()
    stack = [(node, np.eye(4)) for node in reversed(_indices(roots))]
    while stack:
        index, above = stack.pop()
        if index in visited:
            raise FormatError(f"glTF nodes must form a tree, node {index} is reached twice")
        visited.add(index)
        node = document.item("nodes", index)
        with np.errstate(over="ignore", invalid="ignore"):
            matrix = above @ _node_matrix(node)
        if "mesh" in node:
            if not is_index(node["mesh"]):
                raise FormatError(f"node {index} in the glTF document names no mesh")
            placed.append((node["mesh"], matrix))
        stack += [(child, matrix) for child in reversed(_indices(node.get("children", [])))]
    return placed


def _indices(values: Any) -> list[int]:
    if not isinstance(values, list) or not all(is_index(v) for v in values):
        raise FormatError("a list of node indices in the glTF document is malformed")
    return values


def _node_matrix(node: dict[str, Any]) -> np.ndarray:
    if "matrix" in node:
        return numbers(node, "matrix", (0.0,) * 16).reshape(4, 4).T
    x, y, z, w = numbers(node, "rotation", (0.0, 0.0, 0.0, 1.0))
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * numbers(node, "scale", (1.0, 1.0, 1.0))
    matrix[:3, 3] = numbers(node, "translation", (0.0, 0.0, 0.0))
    return matrix
