"""The adversarial term of progressive flow distillation's last stage, hinge form.

FlashVDM (arXiv 2503.16302, section 3.2) trains heads on features of the frozen teacher to tell
real latents from the student's; the student adds 0.1 of this term to its consistency loss.
"""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import relu

# (features of the frozen network) -> logits per sample and place, high for real.
Critic = Callable[[Tensor], Tensor]


def critic_loss(real: Float[Tensor, "*batch"], fake: Float[Tensor, "*batch"]) -> Float[Tensor, ""]:
    """Return ``E relu(1 - real) + E relu(1 + fake)`` of the critic's logits."""
    return relu(1 - real).mean() + relu(1 + fake).mean()


def student_loss(critic: nn.Module, features: Tensor) -> Float[Tensor, ""]:
    """Return ``-E critic(features)``, whose gradient does not reach the critic's weights."""
    frozen = {name: weight.detach() for name, weight in critic.named_parameters()}
    return -functional_call(critic, frozen, (features,)).mean()
