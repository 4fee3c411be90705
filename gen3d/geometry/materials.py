"""How a surface shines: metallic-roughness materials, and the words for them.

The two numbers are those of glTF 2.0 (appendix B) and of every engine that reads it: ``metallic``
is 0 or 1 for pure materials, ``roughness`` the perceptual one, whose square is the width of the
GGX lobe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8

from gen3d.errors import InputError

DEFAULT_ROUGHNESS = 0.8
"""Between cloth and matte plastic: shows a shape's form and no hard highlight."""


@dataclass(frozen=True, eq=False)
class Material:
    """One metallic-roughness material.

    Args:
        base_color: (h, w, 3) sRGB bytes, the first row is v = 0, or None.
        roughness: Perceptual roughness, 0 (mirror) to 1.
        metallic: 0 (dielectric) to 1 (metal).
        normal_map: (h, w, 3) bytes: tangent-space normals, +Y up as OpenGL and glTF have it.

    Raises:
        InputError: A number is out of [0, 1], or a texture is no RGB image of bytes.
    """

    base_color: UInt8[np.ndarray, "h w 3"] | None = None
    roughness: float = DEFAULT_ROUGHNESS
    metallic: float = 0.0
    normal_map: UInt8[np.ndarray, "h w 3"] | None = None

    def __post_init__(self) -> None:
        for name in ("roughness", "metallic"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise InputError(f"{name} must lie in [0, 1], got {value}")
        for name in ("base_color", "normal_map"):
            image = getattr(self, name)
            if image is None:
                continue
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
                raise InputError(
                    f"{name} must be uint8 of shape (height, width, 3), "
                    f"got {image.dtype} {image.shape}"
                )

    @property
    def textured(self) -> bool:
        """Whether there is a texture, which a mesh needs texture coordinates for."""
        return self.base_color is not None or self.normal_map is not None

    def without_textures(self) -> Material:
        """Return the numbers alone."""
        return replace(self, base_color=None, normal_map=None)


MATERIAL_WORDS: dict[str, tuple[float, float]] = {
    # Metals. Polished 0.2-0.3, worn to 0.4: Roblox' "Material References"; mirrors: chrome 0.05.
    "aluminium": (0.3, 1.0),
    "aluminum": (0.3, 1.0),
    "brass": (0.25, 1.0),
    "bronze": (0.3, 1.0),
    "chrome": (0.05, 1.0),
    "chromed": (0.05, 1.0),
    "copper": (0.25, 1.0),
    "gold": (0.2, 1.0),
    "golden": (0.2, 1.0),
    "iron": (0.4, 1.0),
    "metal": (0.3, 1.0),
    "metallic": (0.3, 1.0),
    "platinum": (0.2, 1.0),
    "silver": (0.2, 1.0),
    "steel": (0.3, 1.0),
    "titanium": (0.35, 1.0),
    # Oxides are no conductors (Filament, "Material properties": "Rust is not a conductor").
    "rusted": (0.9, 0.0),
    "rusty": (0.9, 0.0),
    # Dielectrics, the middles of the ranges in the same reference.
    "bone": (0.5, 0.0),
    "brick": (0.9, 0.0),
    "cardboard": (0.9, 0.0),
    "ceramic": (0.2, 0.0),
    "clay": (0.85, 0.0),
    "concrete": (0.9, 0.0),
    "cotton": (0.85, 0.0),
    "denim": (0.85, 0.0),
    "fabric": (0.85, 0.0),
    "felt": (0.9, 0.0),
    "fur": (0.7, 0.0),
    "furry": (0.7, 0.0),
    "glass": (0.05, 0.0),
    "granite": (0.6, 0.0),
    "ivory": (0.5, 0.0),
    "jade": (0.15, 0.0),
    "lacquered": (0.1, 0.0),
    "leather": (0.5, 0.0),
    "marble": (0.375, 0.0),
    "paper": (0.9, 0.0),
    "plastic": (0.4, 0.0),
    "porcelain": (0.15, 0.0),
    "rubber": (0.55, 0.0),
    "rustic": (0.8, 0.0),
    "silk": (0.5, 0.0),
    "stone": (0.85, 0.0),
    "terracotta": (0.85, 0.0),
    "velvet": (0.7, 0.0),
    "wax": (0.38, 0.0),
    "wicker": (0.8, 0.0),
    "wood": (0.7, 0.0),
    "wooden": (0.7, 0.0),
    "wool": (0.93, 0.0),
    "woolen": (0.93, 0.0),
    "woollen": (0.93, 0.0),
}
"""Roughness and metallic by word.

Figures: https://create.roblox.com/docs/art/modeling/material-reference for leather, cloth, wood,
plastic, rubber, bone, wax, marble, jade, fur and metals; Filament's page of material properties for
which are conductors. Those in neither (glazed ceramic and porcelain, glass, fired clay, stone) are
our own, set between their neighbours there.
"""

FINISH_WORDS: dict[str, float] = {
    "brushed": 0.4,
    "dull": 0.8,
    "glazed": 0.1,
    "gleaming": 0.15,
    "glossy": 0.1,
    "matt": 0.9,
    "matte": 0.9,
    "polished": 0.15,
    "rough": 0.9,
    "satin": 0.45,
    "shiny": 0.15,
    "smooth": 0.3,
    "varnished": 0.2,
    "weathered": 0.85,
    "worn": 0.7,
}
"""Roughness of finishes, which overrule that of the substance: glossy plastic 0.1, matte 0.9."""

_WORD = re.compile(r"[a-z]+")


def material_of_prompt(prompt: str) -> Material:
    """Return roughness and metallic from the material words of a sentence; no textures.

    Of several substances the first counts: it stands next to the noun that names the object ("a
    wooden chair with metal legs"), and the network's colours do not tell parts apart by
    substance. An oxide outranks its metal ("a rusty iron gate" does not shine). A finish sets the
    roughness of any substance. Whole words only, and no grammar: "not shiny" is shiny.

    Example:
        >>> material_of_prompt("a shiny gold ring").metallic
        1.0
    """
    words = _WORD.findall(prompt.lower())
    substances = [MATERIAL_WORDS[word] for word in words if word in MATERIAL_WORDS]
    rust = [word for word in words if word in ("rusty", "rusted")]
    roughness, metallic = DEFAULT_ROUGHNESS, 0.0
    if rust:
        roughness, metallic = MATERIAL_WORDS[rust[0]]
    elif substances:
        roughness, metallic = substances[0]
    finishes = [FINISH_WORDS[word] for word in words if word in FINISH_WORDS]
    return Material(roughness=finishes[0] if finishes else roughness, metallic=metallic)
