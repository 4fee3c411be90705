"""Published checkpoints from local files: Hunyuan3D-2.0, mini, mv (fast and turbo too) and 2.1."""

from gen3d.vecset.published.find import find_published
from gen3d.vecset.published.model import PublishedModel, open_published

__all__ = ["PublishedModel", "find_published", "open_published"]
