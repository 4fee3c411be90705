"""What becomes of a mesh after it was made: texture, size, base, compression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from gen3d.errors import InputError
from gen3d.geometry.lod import MAX_LEVELS
from gen3d.geometry.unwrap import MAX_FACES
from gen3d.io.glb import Compression

TEXTURE_SIZES = (256, 512, 1024, 2048, 4096)


@dataclass(frozen=True)
class AssetOptions:
    """Options of an asset, beyond those of its shape.

    Attributes:
        texture: Texels per side of a baked texture; None: colours at the vertices.
        normal_map: Whether the texture has a normal map.
        height_mm: Height of the object in files, in millimetres; None: as it comes.
        flat_base: Whether to cut the lowest bit off, so that the object stands by itself.
        compress: How GLB files are compressed; None: not at all.
        lod: Coarser versions to write beside the file, 0 to 6.

    Example:
        load("mini").text_to_3d("a mug", asset=AssetOptions(texture=1024)).save("mug.glb")
    """

    texture: int | None = None
    normal_map: bool = False
    height_mm: float | None = None
    flat_base: bool = False
    compress: Compression | None = None
    lod: int = 0

    def check(self, faces: int | None = None) -> None:
        """Refuse before any work what could not be done in the end.

        Args:
            faces: The face budget.

        Raises:
            InputError: A value is out of its range, or two do not go together.
        """
        if self.texture is None and self.normal_map:
            raise InputError("a normal map is part of a texture", hint="give a --texture size")
        if self.texture not in (None, *TEXTURE_SIZES):
            sizes = ", ".join(map(str, TEXTURE_SIZES))
            raise InputError(f"a texture has {sizes} texels per side, got {self.texture}")
        if self.texture is not None and faces is not None and faces > MAX_FACES:
            raise InputError(
                f"at most {MAX_FACES} faces can be textured, got {faces}",
                hint="ask for fewer, or for --texture none",
            )
        if self.height_mm is not None and not 0 < self.height_mm < float("inf"):
            raise InputError(f"height_mm must be positive, got {self.height_mm}")
        if not 0 <= self.lod <= MAX_LEVELS:
            raise InputError(f"levels of detail must lie in 0..{MAX_LEVELS}, got {self.lod}")
        if self.compress not in (None, *get_args(Compression)):
            known = ", ".join(get_args(Compression))
            raise InputError(f"compress must be one of {known}, got {self.compress!r}")
