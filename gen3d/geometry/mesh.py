"""The triangle mesh that the whole house passes around."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from gen3d.errors import InputError
from gen3d.geometry.materials import Material

if TYPE_CHECKING:
    import trimesh

COLOUR_SLACK = 1e-3
"""How far colours may leave [0, 1] by rounding before that counts as a mistake."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with shared vertices; checked once, when made.

    Faces are counter-clockwise seen from outside. Arrays are converted to the dtypes below and
    not copied when they have them already; treat them as read-only.

    Args:
        vertices: (V, 3) float32 positions, in the public frame (Y up, longest side 1) by custom.
        faces: (F, 3) int64 vertex indices.
        normals: (V, 3) float32 vertex normals, or None.
        colors: (V, 3) float32 sRGB in [0, 1], or None.
        metadata: Whatever travels with the mesh; ``metadata["gen3d"]`` is the record that writers
            embed in files.
        corner_uvs: (F, 3, 2) float32 texture coordinates of each face's corners, (0, 0) at the
            upper left of the texture as in glTF, or None. Per corner, so that seams do not tear
            the mesh: vertices stay shared and a closed mesh stays closed.
        corner_normals: (F, 3, 3) float32 normals of the corners, which creases need, or None;
            they take precedence over ``normals``.
        material: How the surface shines, and its textures; these need ``corner_uvs``.

    Raises:
        InputError: A shape is wrong, a value is not finite, an index or a colour is out of range,
            or a texture has no coordinates.
    """

    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]
    normals: Float[np.ndarray, "v 3"] | None = None
    colors: Float[np.ndarray, "v 3"] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    corner_uvs: Float[np.ndarray, "f 3 2"] | None = None
    corner_normals: Float[np.ndarray, "f 3 3"] | None = None
    material: Material | None = None

    def __post_init__(self) -> None:
        vertices = float_rows("vertices", self.vertices)
        faces = np.asarray(self.faces)
        if faces.size == 0:
            faces = np.zeros((0, 3), np.int64)
        if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
            raise InputError(
                f"faces must be integers of shape (F, 3), got {faces.dtype} {faces.shape}"
            )
        faces = np.ascontiguousarray(faces, dtype=np.int64)
        if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
            raise InputError(
                f"faces must index the {len(vertices)} vertices, "
                f"got indices {faces.min()}..{faces.max()}"
            )
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "faces", faces)
        if self.normals is not None:
            object.__setattr__(
                self, "normals", float_rows("normals", self.normals, count=len(vertices))
            )
        if self.colors is not None:
            object.__setattr__(self, "colors", colour_rows(self.colors, count=len(vertices)))
        for name, width in (("corner_uvs", 2), ("corner_normals", 3)):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, _corner_rows(name, values, len(faces), width))
        if self.material is not None and self.material.textured and self.corner_uvs is None:
            raise InputError("a material with textures needs corner_uvs")

    @property
    def bounds(self) -> Float[np.ndarray, "2 3"]:
        """Lowest and highest corner over the vertices that faces use.

        Raises:
            InputError: The mesh has no faces.
        """
        if not len(self.faces):
            raise InputError("a mesh without faces has no bounds")
        used = np.zeros(len(self.vertices), bool)
        used[self.faces] = True
        # By column: numpy reduces long rows, not many short ones, quickly.
        columns = np.ascontiguousarray(self.vertices[used].T)
        return np.stack([columns.min(axis=1), columns.max(axis=1)])

    @property
    def corners(self) -> Float[np.ndarray, "f 3 3"]:
        """Positions of the three corners of each face."""
        return self.vertices[self.faces]

    def with_(self, **changes: Any) -> Mesh:
        """Return a copy with some fields replaced, checked anew."""
        return replace(self, **changes)

    def select_faces(self, keep: Bool[np.ndarray, " f"] | Int[np.ndarray, " k"]) -> Mesh:
        """Return the mesh of some faces, without the vertices that these do not use.

        Args:
            keep: Mask or indices of the faces to keep.
        """
        faces = self.faces[keep]
        used = np.zeros(len(self.vertices), bool)
        used[faces.ravel()] = True
        renumbered = np.cumsum(used) - 1
        return self.with_(
            vertices=self.vertices[used],
            faces=renumbered[faces],
            normals=None if self.normals is None else self.normals[used],
            colors=None if self.colors is None else self.colors[used],
            corner_uvs=None if self.corner_uvs is None else self.corner_uvs[keep],
            corner_normals=None if self.corner_normals is None else self.corner_normals[keep],
        )

    def without_texture(self) -> Mesh:
        """Return the mesh without corner attributes and textures, which fit its faces only."""
        plain = None if self.material is None else self.material.without_textures()
        return self.with_(corner_uvs=None, corner_normals=None, material=plain)

    def to_trimesh(self) -> trimesh.Trimesh:
        """Return the same mesh for trimesh, unprocessed: no vertex is merged or dropped."""
        import trimesh

        colours = None
        if self.colors is not None:
            colours = np.full((len(self.vertices), 4), 255, np.uint8)
            colours[:, :3] = np.rint(self.colors * 255)
        return trimesh.Trimesh(
            vertices=self.vertices,
            faces=self.faces,
            vertex_normals=self.normals,
            vertex_colors=colours,
            metadata=dict(self.metadata),
            process=False,
        )

    @classmethod
    def from_trimesh(cls, mesh: trimesh.Trimesh) -> Mesh:
        """Take a mesh from trimesh.

        Face colours become the mean over each vertex's faces and textures are sampled at the
        vertices, so that vertices stay shared. Normals are not taken: trimesh computes missing
        ones silently, which would pass for the author's.
        """
        colours = None
        visual: Any = mesh.visual
        if visual.defined and visual.kind == "face":
            colours = _face_to_vertex(
                np.asarray(visual.face_colors), mesh.faces, len(mesh.vertices)
            )
        elif visual.defined:
            coloured = visual if visual.kind == "vertex" else visual.to_color()
            colours = np.asarray(coloured.vertex_colors)
        if colours is not None:
            colours = colours[:, :3] / 255.0
        return cls(
            np.asarray(mesh.vertices),
            np.asarray(mesh.faces),
            colors=colours,
            metadata=dict(mesh.metadata),
        )


def float_rows(name: str, values: ArrayLike, *, count: int | None = None) -> np.ndarray:
    """Return finite float32 rows of three, or say what is wrong with them.

    Raises:
        InputError: Not of shape (``count``, 3), or not finite.
    """
    # Casting a huge double overflows to infinity, which the check below reports.
    with np.errstate(over="ignore", invalid="ignore"):
        rows = np.ascontiguousarray(values, dtype=np.float32)
    if rows.size == 0:
        rows = rows.reshape(0, 3)
    if rows.ndim != 2 or rows.shape[1] != 3 or count not in (None, len(rows)):
        expected = "(N, 3)" if count is None else f"({count}, 3)"
        raise InputError(f"{name} must have shape {expected}, got {rows.shape}")
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise InputError(f"{name} must be finite, row {int(np.argmin(finite))} is not")
    return rows


def colour_rows(values: ArrayLike, *, count: int) -> np.ndarray:
    """Return float32 sRGB rows in [0, 1]; rounding errors outside are clipped.

    Raises:
        InputError: Not of shape (``count``, 3), not finite, or outside [0, 1].
    """
    rows = float_rows("colors", values, count=count)
    if not len(rows):
        return rows
    low, high = float(rows.min()), float(rows.max())
    if low < -COLOUR_SLACK or high > 1 + COLOUR_SLACK:
        raise InputError(
            f"colors must be sRGB in [0, 1], got {low:.4g}..{high:.4g}", hint="divide bytes by 255"
        )
    return rows if low >= 0 and high <= 1 else rows.clip(0, 1)


def _corner_rows(name: str, values: ArrayLike, faces: int, width: int) -> np.ndarray:
    rows = np.ascontiguousarray(values, dtype=np.float32)
    if rows.shape != (faces, 3, width):
        raise InputError(f"{name} must have shape ({faces}, 3, {width}), got {rows.shape}")
    if not np.isfinite(rows).all():
        raise InputError(f"{name} must be finite")
    return rows


def _face_to_vertex(values: np.ndarray, faces: np.ndarray, count: int) -> np.ndarray:
    total = np.zeros((count, values.shape[1]))
    np.add.at(total, faces.ravel(), np.repeat(values, 3, axis=0).astype(float))
    uses = np.bincount(faces.ravel(), minlength=count)
    return total / np.maximum(uses, 1)[:, None]
