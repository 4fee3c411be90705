"""Inside and outside of any mesh: closed, interpenetrating, open, or a bundle of sheets.

Winding numbers answer for closed parts, however they overlap. Open parts are judged from outside: a
voxel grid is flooded, so gaps narrower than a cell, and all that stands on the ground, are closed.
Faces with the outside on both sides are sheets and become walls of a stated thickness; parts that
are thinner than that grow to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gen3d.data.procedural.sketch import LONGEST_SIDE
from gen3d.data.soup import Soup, cross_products, sort_out, unit_normals
from gen3d.data.voxels import cell_of, cover_faces, flood_outside, grown, spacing_for, voxel_size
from gen3d.data.winding import winding_numbers
from gen3d.errors import EmptySurfaceError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.transforms import normalise_unit
from gen3d.geometry.triangle_distance import near_triangles
from gen3d.ops.isosurface import marching_cubes_dense

RESOLUTION = 128
"""Cells per axis of the flooded grid over [-1, 1]^3."""
THICKNESS = 0.04
"""What sheets get, in the network's frame: about 2 % of the longest side."""

# Beside a face, its side is judged this many cells away: beyond the cells that it fills itself.
_ASIDE = 1.8
# Depths, as shares of the thickness, where thin parts are felt for.
_FEEL = (0.25, 0.6)
_SHEET_SHARE = 0.5


@dataclass(frozen=True)
class BorderFaces:
    """Faces that meet the outside.

    Attributes:
        corners: Positions, counter-clockwise from outside.
        source: The face of the given mesh that each comes from.
        reach: How far the solid goes beyond the face.
        sheet: Whether both sides are outside.
    """

    corners: Float[np.ndarray, "f 3 3"]
    source: Int[np.ndarray, " f"]
    reach: Float[np.ndarray, " f"]
    sheet: Bool[np.ndarray, " f"]


class SolidField:
    """Tells inside from outside for a mesh in the network's frame.

    Args:
        mesh: In [-1, 1]^3, such as from :func:`to_network_frame`; Y up.
        resolution: Cells per axis of the flooded grid.
        thickness: Least thickness of parts and thickness of sheets.

    Raises:
        InputError: No face has an area.
    """

    def __init__(
        self, mesh: Mesh, *, resolution: int = RESOLUTION, thickness: float = THICKNESS
    ) -> None:
        soup = sort_out(mesh.vertices, mesh.faces)
        self.resolution = resolution
        self._flood(soup)
        ahead, behind = self._sides(soup)
        sheet = ~soup.closed & (np.minimum(ahead, behind) > _SHEET_SHARE)
        faces = self._turned(soup, ahead, behind)
        self._vertices = torch.from_numpy(soup.vertices)
        self._faces = torch.from_numpy(faces[~sheet])
        corners = soup.vertices[faces].astype(np.float32)
        reach = np.where(sheet, thickness / 2, 0).astype(np.float32)
        shown = np.maximum(ahead, behind) > 0
        felt = np.flatnonzero(shown & ~sheet)
        reach[felt] = self._thin(corners[felt], thickness)
        self.border = BorderFaces(corners[shown], soup.source[shown], reach[shown], sheet[shown])
        grows = reach > 0
        self._grown = torch.from_numpy(corners[grows]), torch.from_numpy(reach[grows])
        self._grown_cells = self._cells_near(corners[grows], thickness / 2)

    def inside(self, points: Float[Tensor, "n 3"]) -> Bool[Tensor, " n"]:
        """Tell which points of [-1, 1]^3 are inside."""
        cells = tuple(cell_of(points.numpy(), self.resolution).T)
        result = torch.from_numpy(self._filled[cells])
        unsure = torch.from_numpy(self._unsure[cells])
        result[unsure] = winding_numbers(self._vertices, self._faces, points[unsure]) > 0.5
        result &= points[:, 1] >= self._lowest
        near = torch.from_numpy(self._grown_cells[cells]) & ~result
        result[near] = near_triangles(*self._grown, points[near]) >= 0
        return result & (points.abs() <= 1).all(1)

    def _flood(self, soup: Soup) -> None:
        side = self.resolution
        points, _ = cover_faces(soup.corners, spacing_for(side))
        walls = np.zeros((side,) * 3, bool)
        walls[tuple(cell_of(points, side).T)] = True
        self._lowest = float(soup.vertices[soup.faces, 1].min())
        ground = int(cell_of(np.array([[0, self._lowest, 0]]), side)[0, 1])
        self._outside = flood_outside(walls, ground=ground)
        self._unsure = walls & grown(self._outside)
        self._filled = ~self._outside & ~self._unsure

    def _sides(self, soup: Soup) -> tuple[Float[np.ndarray, " f"], Float[np.ndarray, " f"]]:
        """Share of each face that has the outside ahead of it, and behind it."""
        points, face = cover_faces(soup.corners, 2 * voxel_size(self.resolution))
        normal = unit_normals(soup.corners)
        aside = _ASIDE * voxel_size(self.resolution) * normal[face]
        total = np.bincount(face, minlength=len(normal))
        shares = []
        for sign in (1, -1):
            cells = cell_of(points + sign * aside, self.resolution)
            reached = self._outside[tuple(cells.T)]
            shares.append(np.bincount(face, reached, minlength=len(normal)) / total)
        return shares[0], shares[1]

    def _turned(
        self, soup: Soup, ahead: Float[np.ndarray, " f"], behind: Float[np.ndarray, " f"]
    ) -> Int[np.ndarray, "f 3"]:
        """Turn open components whose faces mostly look inward."""
        area = np.linalg.norm(cross_products(soup.corners), axis=1)
        vote = np.bincount(soup.component, (ahead - behind) * area)
        flip = ~soup.closed & (vote < 0)[soup.component]
        return np.where(flip[:, None], soup.faces[:, ::-1], soup.faces)

    def _thin(self, corners: Float[np.ndarray, "f 3 3"], thickness: float) -> np.ndarray:
        """Return by how much to grow each face so that parts get the thickness."""
        reach = np.zeros(len(corners), np.float32)
        normal = unit_normals(corners)
        middle = corners.mean(axis=1)
        cells = cell_of(middle - thickness * normal, self.resolution)
        left = np.flatnonzero(grown(self._outside)[tuple(cells.T)])
        known = 0.0
        for share in _FEEL:
            depth = torch.from_numpy((middle - share * thickness * normal)[left])
            out = (winding_numbers(self._vertices, self._faces, depth) <= 0.5).numpy()
            reach[left[out]] = thickness * (1 - (known + share) / 2) / 2
            left, known = left[~out], share
        return reach

    def _cells_near(self, corners: Float[np.ndarray, "f 3 3"], reach: float) -> np.ndarray:
        cells = np.zeros((self.resolution,) * 3, bool)
        if len(corners):
            points, _ = cover_faces(corners, spacing_for(self.resolution))
            cells[tuple(cell_of(points, self.resolution).T)] = True
            for _ in range(int(np.ceil(reach / voxel_size(self.resolution)))):
                cells = grown(cells)
        return cells


def to_network_frame(mesh: Mesh) -> Mesh:
    """Centre a mesh and scale its longest side to what the networks see.

    Raises:
        InputError: It has no faces, or no extent.
    """
    return normalise_unit(mesh, longest=LONGEST_SIDE)


def field_mesh(field: SolidField, *, resolution: int, refinements: int = 3) -> Mesh:
    """Return the surface of a field by marching cubes, in the network's frame.

    Args:
        field: Inside or outside.
        resolution: Cells per axis of the grid over [-1, 1]^3.
        refinements: How often each cut edge of the grid is halved to find the surface on it.

    Raises:
        EmptySurfaceError: Nothing is inside at this resolution.
    """
    axis = torch.linspace(-1, 1, resolution + 1)
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    labels = field.inside(grid).reshape((resolution + 1,) * 3)
    vertices, faces = marching_cubes_dense(labels.float(), level=0.5)
    if not len(faces):
        raise EmptySurfaceError("the mesh encloses nothing", hint="raise the resolution")
    # Labels of 0 and 1 put each vertex in the middle of a grid edge.
    middles = (vertices + 1) * (resolution / 2)
    ends = (middles - 0.25).round().long(), (middles + 0.25).round().long()
    low, high = axis[ends[0]], axis[ends[1]]
    lower_inside = labels[tuple(ends[0].T)]
    for _ in range(refinements):
        middle = (low + high) / 2
        like_lower = (field.inside(middle) == lower_inside)[:, None]
        low, high = torch.where(like_lower, middle, low), torch.where(like_lower, high, middle)
        vertices = (low + high) / 2
    return Mesh(vertices.numpy(), faces.numpy())


def make_watertight(mesh: Mesh, resolution: int, *, thickness: float = THICKNESS) -> Mesh:
    """Return a closed mesh of what a mesh encloses, in the network's frame.

    Args:
        mesh: Anything with faces, of any size and place; Y up.
        resolution: Cells per axis of the grid over [-1, 1]^3.
        thickness: See :class:`SolidField`.

    Raises:
        InputError: The mesh has no faces, no extent, or no area.
        EmptySurfaceError: Nothing is inside at this resolution.
    """
    field = SolidField(to_network_frame(mesh), thickness=thickness)
    return field_mesh(field, resolution=resolution)
