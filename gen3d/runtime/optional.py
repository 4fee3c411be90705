"""Optional packages: asked for when used, and named when missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from gen3d.errors import MissingDependencyError


def require(module: str, *, extra: str, feature: str, system: str = "") -> ModuleType:
    """Import an optional package or say how to get it.

    Args:
        module: Dotted module name.
        extra: The extra of gen3d that installs it.
        feature: What needs it, in the user's words.
        system: Debian package that it needs besides, if any.

    Raises:
        MissingDependencyError: It is not installed, or does not load.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:
        remedy = f'pip install "gen3d[{extra}]"'
        if system:
            remedy += f" and apt-get install {system}"
        raise MissingDependencyError(
            f"{feature} needs the package {module!r}, which does not import: {error}", hint=remedy
        ) from error
