"""Containers (Mesh, PointCloud, Camera) and the algorithms on them."""

from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.transforms import Camera, look_at, orbit

__all__ = ["Camera", "Mesh", "PointCloud", "look_at", "orbit"]
