"""Training samples of a mesh: what :mod:`gen3d.data.procedural.sampling` makes of a program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from gen3d.data.procedural.sampling import ShapeSamples
from gen3d.data.soup import cross_products, unit_normals
from gen3d.data.watertight import THICKNESS, SolidField, to_network_frame
from gen3d.errors import Gen3dError
from gen3d.geometry.mesh import Mesh

# Beside the surface, far enough for float16 and rounding, near enough for thin gaps.
_ASIDE = 2e-3
_ROUNDS = 10
_LEAST_SHARE = 0.1


@dataclass(frozen=True)
class PaintedMesh:
    """A mesh with one colour per corner of each face, flat or smooth, and maybe textures.

    Attributes:
        mesh: Faces; its own vertex colours are not used.
        colours: sRGB in [0, 1] of each face's corners; multiplied with the texture's.
        textures: Pictures, sRGB in [0, 1], (rows, columns, 3).
        texture: Which of them each face has, or -1; none at all if left away.
        uvs: Texture coordinates of the corners: right, and up from the lower edge; they repeat.
    """

    mesh: Mesh
    colours: Float[np.ndarray, "f 3 3"]
    textures: tuple[Float[np.ndarray, "h w 3"], ...] = ()
    texture: Int[np.ndarray, " f"] | None = None
    uvs: Float[np.ndarray, "f 3 2"] | None = None

    def colour_at(
        self, face: Int[np.ndarray, " n"], weight: Float[np.ndarray, "n 3"]
    ) -> Float[np.ndarray, "n 3"]:
        """Return the sRGB colour of points, by face and barycentric coordinates."""
        found = np.einsum("nk,nkc->nc", weight, self.colours[face])
        if self.texture is None or self.uvs is None:
            return found
        uv = np.einsum("nk,nkc->nc", weight, self.uvs[face]) % 1
        for number, picture in enumerate(self.textures):
            here = self.texture[face] == number
            height, width = picture.shape[:2]
            column = (uv[here, 0] * width).astype(np.int64).clip(0, width - 1)
            row = ((1 - uv[here, 1]) * height).astype(np.int64).clip(0, height - 1)
            found[here] *= picture[row, column]
        return found


@dataclass(frozen=True)
class MeshSamples:
    """Samples with what they tell of the mesh.

    Attributes:
        samples: As of a procedural shape.
        kept_share: Share of the points drawn on faces near the outside that are on the surface of
            the solid.
        volume: Share of [-1, 1]^3 that is inside, from the uniform queries.
        sheet_share: Share of the visible area that has no thickness of its own.
    """

    samples: ShapeSamples
    kept_share: float
    volume: float
    sheet_share: float


def paint(mesh: Mesh) -> PaintedMesh:
    """Take the colours of a mesh's vertices; grey where it has none."""
    if mesh.colors is None:
        return PaintedMesh(mesh, np.full((len(mesh.faces), 3, 3), 0.5, np.float32))
    return PaintedMesh(mesh, mesh.colors[mesh.faces])


def sample_mesh(
    painted: PaintedMesh,
    *,
    seed: int,
    surface: int = 2048,
    queries: int = 8192,
    near_sigmas: tuple[float, float] = (0.02, 0.08),
    thickness: float = THICKNESS,
) -> MeshSamples:
    """Sample a mesh of any size and place; deterministic for a given seed.

    Args:
        painted: The mesh, Y up, with colours.
        seed: Of the points.
        surface: Number of surface points, uniform by area.
        queries: Number of query points, half of them near the surface.
        near_sigmas: Standard deviations of the offsets of the two halves of near queries.
        thickness: Least thickness, see :class:`gen3d.data.watertight.SolidField`.

    Raises:
        InputError: The mesh has no faces, no extent, or no area.
        Gen3dError: It shows almost no surface.
    """
    rng = np.random.default_rng([seed, len(painted.mesh.faces), 11])
    field = SolidField(to_network_frame(painted.mesh), thickness=thickness)
    points, normals, colours, kept = _surface_points(field, painted, surface, rng)
    near = points[rng.integers(0, surface, queries // 2)]
    sigma = np.where(np.arange(len(near)) % 2 == 0, *near_sigmas)[:, None]
    near = near + (rng.normal(size=near.shape) * sigma).astype(np.float32)
    uniform = rng.uniform(-1, 1, (queries - len(near), 3)).astype(np.float32)
    # Stored as float16: round first, so that labels belong to the points as they are stored.
    where = torch.from_numpy(np.concatenate([near, uniform])).half().float()
    inside = field.inside(where)
    rows = torch.from_numpy(np.concatenate([points, normals, colours], axis=1))
    area = np.linalg.norm(cross_products(field.border.corners), axis=1)
    return MeshSamples(
        ShapeSamples(rows, where, inside),
        kept_share=kept,
        volume=float(inside[len(near) :].float().mean()),
        sheet_share=float(area[field.border.sheet].sum() / area.sum()),
    )


def _surface_points(
    field: SolidField,
    painted: PaintedMesh,
    count: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Points, outward normals, colours, and the share of candidates that were kept."""
    border = field.border
    area = np.linalg.norm(cross_products(border.corners), axis=1)
    if not area.sum() > 0:
        raise Gen3dError("the mesh shows almost no surface")
    normal = unit_normals(border.corners).astype(np.float32)
    rows: list[np.ndarray] = []
    drawn = have = 0
    for _ in range(_ROUNDS):
        face = rng.choice(len(area), size=count + count // 4, p=area / area.sum())
        weight = _barycentric(rng, len(face))
        side = np.where(border.sheet[face] & (rng.uniform(size=len(face)) < 0.5), -1, 1)
        outward = normal[face] * side[:, None].astype(np.float32)
        points = np.einsum("nk,nkc->nc", weight, border.corners[face])
        points += border.reach[face, None] * outward
        colour = painted.colour_at(border.source[face], weight)
        kept = _on_surface(field, points, outward)
        rows.append(np.concatenate([points, outward, colour], axis=1)[kept])
        drawn, have = drawn + len(face), have + int(kept.sum())
        if have >= count:
            found = np.concatenate(rows)[:count].astype(np.float32)
            return found[:, :3], found[:, 3:6], found[:, 6:], have / drawn
        if have < drawn * _LEAST_SHARE:
            break
    raise Gen3dError("the mesh shows almost no surface")


def _barycentric(rng: np.random.Generator, count: int) -> Float[np.ndarray, "n 3"]:
    # Osada et al. 2002, "Shape distributions", eq. 1.
    root, v = np.sqrt(rng.uniform(size=count)), rng.uniform(size=count)
    weight = np.stack([1 - root, root * (1 - v), root * v], axis=1)
    return weight.astype(np.float32)


def _on_surface(
    field: SolidField, points: Float[np.ndarray, "n 3"], outward: Float[np.ndarray, "n 3"]
) -> Bool[np.ndarray, " n"]:
    sides = np.concatenate([points + _ASIDE * outward, points - _ASIDE * outward])
    ahead, behind = field.inside(torch.from_numpy(sides)).chunk(2)
    return (~ahead & behind).numpy()
