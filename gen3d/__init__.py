"""gen3d: generate, densify and reconstruct 3D.

The public surface is small on purpose: :func:`gen3d.load` gives a named model, and everything
else is imported from its own room (``gen3d.geometry``, ``gen3d.io``, ...). Importing this package
loads neither torch nor any model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "load"]

if TYPE_CHECKING:
    from gen3d.api import load


def __getattr__(name: str) -> object:
    if name == "load":
        from gen3d.api import load

        return load
    raise AttributeError(f"module 'gen3d' has no attribute {name!r}")
