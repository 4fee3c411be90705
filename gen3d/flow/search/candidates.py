"""What a search compares: states with the data they point to, and the reward of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.flow.solvers import Evaluation, History

# Estimates of the data (k, ...) -> one number for each, (k,); higher is better.
Reward: TypeAlias = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Candidates:
    """States of one time that have been evaluated and scored.

    Attributes:
        t: Their time; at 0 the state is the data.
        x: States.
        x0: Estimates of the data, from one evaluation each.
        reward: Reward of each estimate, float64 on the CPU.
        history: What a multistep rule remembers, one row per candidate.
    """

    t: float
    x: Float[Tensor, "k ..."]
    x0: Float[Tensor, "k ..."]
    reward: Float[Tensor, " k"]
    history: History = ()

    def __len__(self) -> int:
        return len(self.reward)

    def select(self, index: Tensor | list[int]) -> Candidates:
        """Return some of them, in the order of ``index``; repeats are allowed."""
        chosen = torch.as_tensor(index)
        rows = chosen.to(self.x.device)
        return Candidates(
            self.t, self.x[rows], self.x0[rows], self.reward[chosen], pick(self.history, rows)
        )

    def best(self) -> Candidates:
        """Return the one with the highest reward; the first among equals."""
        return self.select([int(self.reward.argmax())])


def pick(history: History, rows: Tensor) -> History:
    """Return a history for some rows of the batch."""
    return tuple(Evaluation(entry.t, entry.value[rows]) for entry in history)


def better(first: Candidates | None, second: Candidates) -> Candidates:
    """Return the better of two single candidates; the first among equals."""
    if first is None or second.reward.item() > first.reward.item():
        return second
    return first
