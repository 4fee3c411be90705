"""Checks of this machine, for ``gen3d doctor``."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Literal

from gen3d.runtime.record import package_version

EXTRAS: dict[str, tuple[str, ...]] = {
    "train": ("lightning-fabric", "tensorboard", "webdataset", "h5py"),
    "points": ("open3d", "laspy", "pye57", "scipy"),
    "video": ("av",),
    "image": ("opencv-python-headless",),
    "server": ("fastapi", "uvicorn", "python-multipart"),
    "ray": ("ray",),
    "published": ("transformers", "diffusers"),
    "gpu": ("gsplat", "xformers"),
}
"""Packages of each extra, as in pyproject.toml (a test compares them)."""


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        name: What was looked at.
        state: ``ok``, ``off`` (optional and not there) or ``broken`` (needed and not there).
        details: Version or reason.
        remedy: What to do, when something is to be done.
    """

    name: str
    state: Literal["ok", "off", "broken"]
    details: str
    remedy: str = ""


def check_python() -> Check:
    """Version of Python and the system."""
    return Check("python", "ok", f"{platform.python_version()} on {platform.platform()}")


def check_torch() -> list[Check]:
    """Torch, its threads, and the GPU."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return [Check("torch", "broken", str(error), "pip install torch")]
    checks = [Check("torch", "ok", f"{torch.__version__}, {torch.get_num_threads()} threads")]
    if torch.cuda.is_available():
        checks.append(Check("cuda device", "ok", torch.cuda.get_device_name()))
    elif torch.version.cuda is None:
        checks.append(Check("cuda device", "off", "this torch is a build without CUDA"))
    else:
        checks.append(Check("cuda device", "off", "torch sees no CUDA device"))
    return checks


def check_extras() -> list[Check]:
    """Each extra: complete, or what is missing."""
    checks = []
    for extra, packages in EXTRAS.items():
        missing = [name for name in packages if package_version(name) is None]
        if missing:
            remedy = f'pip install "gen3d[{extra}]"'
            checks.append(Check(f"extra {extra}", "off", f"missing {', '.join(missing)}", remedy))
        else:
            checks.append(Check(f"extra {extra}", "ok", ", ".join(packages)))
    return checks
