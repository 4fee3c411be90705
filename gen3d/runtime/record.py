"""The record that an artifact carries: everything needed to make it again, and no times."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import gen3d

RECORD_SCHEMA = 1


def make_record(task: str, **parameters: Any) -> dict[str, Any]:
    """Return the record of one result.

    Args:
        task: What made it, e.g. ``text_to_3d``.
        **parameters: Its resolved parameters, JSON values only.
    """
    import torch  # here, so that asking for a version does not load it

    return {
        "schema": RECORD_SCHEMA,
        "gen3d": gen3d.__version__,
        "task": task,
        "threads": torch.get_num_threads(),
        "versions": {name: package_version(name) for name in ("torch", "numpy")},
        **parameters,
    }


def package_version(name: str) -> str | None:
    """Version of an installed package without importing it, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
