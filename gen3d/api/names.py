"""Names of models that do not ship with gen3d."""

from __future__ import annotations

from dataclasses import dataclass

TENCENT_LICENCE = "Tencent Hunyuan 3D community licence (restricted: read it before use)"


@dataclass(frozen=True)
class PublishedName:
    """What a name stands for.

    Attributes:
        family: Of :class:`gen3d.vecset.published.PublishedModel`.
        variant: Likewise.
        repository: Where its publisher keeps it, on Hugging Face.
        folder: Subfolder there.
    """

    family: str
    variant: str
    repository: str
    folder: str


PUBLISHED: dict[str, PublishedName] = {
    "-".join(filter(None, (name, variant))): PublishedName(
        family, variant, repository, "-".join(filter(None, (folder, variant)))
    )
    for name, family, repository, folder, variants in (
        ("hunyuan3d-2", "2.0", "tencent/Hunyuan3D-2", "hunyuan3d-dit-v2-0", True),
        ("hunyuan3d-2-mini", "mini", "tencent/Hunyuan3D-2mini", "hunyuan3d-dit-v2-mini", True),
        ("hunyuan3d-2-mv", "mv", "tencent/Hunyuan3D-2mv", "hunyuan3d-dit-v2-mv", True),
        ("hunyuan3d-2.1", "2.1", "tencent/Hunyuan3D-2.1", "hunyuan3d-dit-v2-1", False),
    )
    for variant in (("", "fast", "turbo") if variants else ("",))
}
"""Models that users bring themselves, by the names that ``--model`` takes."""
