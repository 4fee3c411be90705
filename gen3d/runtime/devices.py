"""Choice of the compute device."""

from __future__ import annotations

import torch

from gen3d.errors import InputError


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """Turn a device name into a device that exists.

    Args:
        name: ``auto`` (CUDA where there is one, else CPU), ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        InputError: The name is unknown, or the device is not there.
    """
    if isinstance(name, torch.device):
        name = str(name)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()):
        raise InputError(f"unknown device {name!r}", hint="use auto, cpu, cuda or cuda:N")
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(index or 0) >= count:
            raise InputError(
                f"device {name!r} asked for, but torch sees {count} CUDA devices",
                hint="use --device cpu, or see gen3d doctor",
            )
    return torch.device(name)
