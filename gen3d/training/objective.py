"""What a model must offer to be trained: four members and nothing else.

An objective owns its network, its data and its mathematics; the trainer owns time, optimisers,
averages and files. The contract that makes resuming exact:

- ``loss(step, generator)`` draws its own batch, as a pure function of ``step`` and ``generator``
  (a CPU generator that the trainer seeds from the run's seed and the step). So no data loader has
  a state to save. It must not advance any hidden state of its own from step to step.
- Several processes, or several passes of one, share a batch: ``loss`` draws the random numbers of
  all of it, then takes its part by :func:`~gen3d.training.batch_part.current_part`. The mean of the
  parts' losses must be the loss of the whole. An objective that takes no part computes all of the
  batch everywhere, which is as right, and wasteful.
- It runs under the trainer's autocast, with the network on the training device: find it with
  ``next(module.parameters()).device``. Loss terms should be computed in float32.
- ``validate(module)`` gets a copy of the network that holds the averaged (EMA) weights, in eval
  mode, without gradients and under the same autocast; it must use that copy, not ``self.module``.

Example:
    class Line:
        def __init__(self) -> None:
            self.module = nn.Linear(1, 1)

        def muon_splits(self) -> dict[str, int]:
            return {}

        def loss(self, step: int, generator: torch.Generator) -> LossResult:
            x = torch.randn(32, 1, generator=generator)
            return LossResult(F.mse_loss(self.module(x).float(), 3 * x), {"examples": 32})

        def validate(self, module: nn.Module) -> dict[str, float]:
            return {"weight_error": abs(module.weight.item() - 3)}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

EXAMPLES = "examples"
"""Reserved figure: the number of examples in the batch; logged as a rate, not as a mean."""


@dataclass(frozen=True)
class LossResult:
    """One step's loss and what is worth logging about it.

    Attributes:
        loss: Scalar to minimise, with its graph.
        figures: Named scalars for the log, averaged between log rows. Tensors are detached by the
            trainer and read only when a row is written, so they cost no synchronisation.
    """

    loss: Float[Tensor, ""]
    figures: Mapping[str, float | Tensor] = field(default_factory=dict)


def joint_result(parts: Sequence[LossResult]) -> LossResult:
    """Return what equal parts of one batch say together: means, and the sum of the examples."""
    if len(parts) == 1:
        return parts[0]
    figures: dict[str, float | Tensor] = {}
    for name in parts[0].figures:
        total = torch.stack([torch.as_tensor(part.figures[name]).detach() for part in parts]).sum()
        figures[name] = total if name == EXAMPLES else total / len(parts)
    loss = torch.stack([part.loss.detach() for part in parts]).mean()
    return LossResult(loss, figures)


class Objective(Protocol):
    """A network together with the loss that trains it."""

    @property
    def module(self) -> nn.Module:
        """The network. All its parameters with ``requires_grad`` are trained."""
        ...

    def muon_splits(self) -> dict[str, int]:
        """Name the matrices that Muon trains; AdamW trains every parameter not named.

        Returns:
            Name (as in ``module.named_parameters()``) of each matrix -> number of equal row chunks
            that are orthogonalised separately: 1 for a plain matrix, 3 for a packed qkv weight.
        """
        ...

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw the batch of ``step`` (0, 1, ...) and compute its loss."""
        ...

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Measure ``module``, a copy of the network with averaged weights."""
        ...
