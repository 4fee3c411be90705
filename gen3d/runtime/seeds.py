"""Seeds and noise: drawn on the CPU in float32, so that every device starts from equal numbers."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

import torch
from torch import Tensor

from gen3d.errors import InputError

MAX_SEED = 2**31 - 1


def check_seed(seed: int) -> int:
    """Return ``seed`` if it lies in [0, 2^31 - 1].

    Raises:
        InputError: The seed is negative or too large.
    """
    if not 0 <= seed <= MAX_SEED:
        raise InputError(
            f"seed must lie in 0..{MAX_SEED}, got {seed}", hint="leave --seed away to draw one"
        )
    return seed


def draw_seed() -> int:
    """Draw a fresh 31-bit seed from the operating system."""
    return secrets.randbits(31)


def item_seed(seed: int, index: int) -> int:
    """Derive the seed of item ``index`` of a batch; item 0 keeps ``seed`` itself.

    Neighbouring seeds must not share items (seed 1, item 1 is not seed 2, item 0), hence a hash.
    """
    if index == 0:
        return seed
    digest = hashlib.sha256(f"{seed}:{index}".encode()).digest()
    return int.from_bytes(digest[:4], "little") & MAX_SEED


def make_generator(seed: int) -> torch.Generator:
    """Return a CPU generator that starts at ``seed``."""
    return torch.Generator(device="cpu").manual_seed(check_seed(seed))


def randn(
    shape: Sequence[int],
    generator: torch.Generator,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Draw standard normal noise on the CPU in float32, then move it.

    Args:
        shape: Shape of the result.
        generator: A CPU generator.
        device: Where the result shall live.
        dtype: Its dtype.
    """
    noise = torch.randn(tuple(shape), generator=generator, dtype=torch.float32)
    return noise.to(device=device, dtype=dtype)
