"""Beginning to train a network with the weights of a smaller one."""

from __future__ import annotations

import torch
from torch import nn

from gen3d.errors import InputError


@torch.no_grad()
def warm_start(network: nn.Module, start: nn.Module) -> None:
    """Copy weights into a network that has all that another one has, and perhaps more.

    Tables with more rows (tokens, vectors per slot) take the first ones over and keep their own for
    the rest; parts that only the larger network has stay as they were made, which for blocks of
    zero-initialised outputs means that they do nothing at first.

    Args:
        network: Changed in place.
        start: Where from.

    Raises:
        InputError: ``start`` has something that the network lacks, or of another shape.
    """
    mine = network.state_dict()
    for name, theirs in start.state_dict().items():
        place = mine.get(name)
        if place is None:
            raise InputError(f"the network to start from has {name}, the new one lacks it")
        if place.shape[1:] != theirs.shape[1:] or place.shape < theirs.shape:
            raise InputError(
                f"{name} is {tuple(theirs.shape)} in the network to start from and "
                f"{tuple(place.shape)} in the new one, expected the same but for more rows",
                hint="only tokens and blocks may be added",
            )
        part = place[: len(theirs)] if theirs.ndim else place
        part.copy_(theirs)
