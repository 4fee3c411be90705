"""Makes native ops refuse forward-mode derivatives.

PyTorch drops the tangent of a custom op without a word, so ``torch.func.jvp`` through a native
kernel would return zeros. Every op checks its inputs here first.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import forward_ad


def refuse_forward_ad(op: str, *inputs: Tensor) -> None:
    """Raises when any input carries a forward-mode tangent.

    Raises:
        RuntimeError: An input is a dual tensor.
    """
    if torch.compiler.is_compiling() or not torch._C._is_fwd_grad_enabled():
        return
    if getattr(forward_ad, "_current_level", -1) < 0:
        return
    if any(forward_ad.unpack_dual(x).tangent is not None for x in inputs):
        raise RuntimeError(
            f"gen3d::{op} has no forward-mode derivative; set GEN3D_BACKEND=reference, "
            "or use finite differences"
        )
