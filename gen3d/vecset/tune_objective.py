"""What a flow network is tuned for: the reward of what it makes."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from gen3d.flow import DENSE, BoundField, DPMSolverMulti, Euler, FlowSDE, Solver, item_generators
from gen3d.flow.rl import (
    AllSteps,
    FrozenWindow,
    GroupRollout,
    Policy,
    RandomWindow,
    SlidingWindow,
    Window,
    group_advantages,
    kernel_of,
    node_advantages,
    policy_loss,
    rescored,
    sample_groups,
    sample_tree,
)
from gen3d.flow.sampler import guided_field
from gen3d.flow.stochastic import Transition
from gen3d.training.objective import EXAMPLES, LossResult
from gen3d.vecset.config import Settings
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.policy_study import Appraiser, PolicyMeasure, PolicyStudy, Prompts, policy_of


class WindowConfig(Settings):
    """Which steps are stochastic and trained.

    Attributes:
        kind: ``all``: Flow-GRPO; ``sliding``: MixGRPO; ``frozen``: MixGRPO-Flash*; ``random``: of
            size 1, pi_RL.
        size: Steps in the window.
        start: First step of ``frozen``.
        stay: Iterations at a position of ``sliding``.
    """

    kind: Literal["all", "sliding", "frozen", "random"] = "random"
    size: int = Field(default=2, ge=1)
    start: int = Field(default=0, ge=0)
    stay: int = Field(default=5, ge=1)

    def rule(self) -> Window:
        """Return the rule."""
        if self.kind == "all":
            return AllSteps()
        if self.kind == "sliding":
            return SlidingWindow(self.size, stay=self.stay)
        if self.kind == "frozen":
            return FrozenWindow(self.size, self.start)
        return RandomWindow(self.size)


class TuneConfig(Settings):
    """Rollouts and the objective.

    Attributes:
        prompts: Groups per iteration.
        members: Samples per group; in a tree 2 to the power of the window's size.
        tree: Branch in the window instead of sampling members on their own.
        steps: Steps of a rollout.
        guidance: Guidance strength in rollouts and in training; 1 is off.
        window: The stochastic steps.
        eta: Strength of their noise.
        fast_after: Share of the steps after the window that are made, by DPM-Solver++ 2M; 1: all
            of them, by Euler.
        clip: Range of the ratio around 1.
        kl_weight: Weight of the divergence from the base.
        resolution: Grid cells per axis at which rewards are taken.
    """

    prompts: int = Field(default=8, ge=1)
    members: int = Field(default=8, ge=2)
    tree: bool = False
    steps: int = Field(default=8, ge=2)
    guidance: float = Field(default=3.0, ge=0)
    window: WindowConfig = WindowConfig()
    eta: float = Field(default=0.7, gt=0)
    fast_after: float = Field(default=1.0, gt=0, le=1)
    clip: float = Field(default=1e-4, gt=0)
    kl_weight: float = Field(default=0.0, ge=0)
    resolution: int = Field(default=32, ge=8, le=512)


class TuneObjective:
    """Tunes a flow network by group-relative policy gradients (see :mod:`gen3d.flow.rl`).

    Every step acts with the current weights and learns from it once, so ratios are 1 where the
    gradient is taken, and a resumed run repeats exactly what an unbroken one does.

    Args:
        dit: The network to start from; it is copied.
        config: Rollouts.
        appraiser: Rewards samples.
        prompts: What to train on.
        study: Measures on held-out prompts.
    """

    def __init__(
        self,
        dit: ShapeDiT,
        config: TuneConfig,
        appraiser: Appraiser,
        prompts: Prompts,
        study: PolicyStudy,
    ) -> None:
        self.config, self.appraiser, self.prompts, self.study = config, appraiser, prompts, study
        self.base = dit.eval().requires_grad_(False)
        self.module: ShapeDiT = copy.deepcopy(dit).requires_grad_(True)
        self._step = FlowSDE(config.eta)
        self._window = config.window.rule()
        self._after: Solver = Euler() if config.fast_after == 1 else DPMSolverMulti(order=2)
        self._of_base: PolicyMeasure | None = None

    def muon_splits(self) -> dict[str, int]:
        """Return nothing: noisy gradients want AdamW's small steps."""
        return {}

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Act, take rewards, and compute the objective of the stochastic steps."""
        config, module = self.config, self.module
        device = module.latent_in.weight.device
        chosen = torch.randint(
            len(self.prompts.numbers), (config.prompts,), generator=generator
        ).tolist()
        condition = self.prompts.condition(chosen, device)
        policy = policy_of(module, condition, config.guidance)
        rollout = self._act(policy, step, generator)
        # Some versions of torch keep the weights that autocast cast while acting, without a graph,
        # so that no gradient would reach them.
        torch.clear_autocast_cache()
        latents = module.denormalise(rollout.x0)
        rewards = self.appraiser.appraise(latents).reshape(config.prompts, -1)
        advantages = self._advantages(rewards, len(rollout.moves))
        kernels = self._kernels(policy, rollout)
        references = []
        if config.kl_weight > 0:
            with torch.no_grad():
                of_base = policy_of(self.base.to(device), condition, config.guidance)
                references = self._kernels(of_base, rollout)
        result = policy_loss(
            rescored(rollout.moves, kernels),
            kernels,
            [advantage.to(device) for advantage in advantages],
            clip=config.clip,
            kl_weight=config.kl_weight,
            references=references,
        )
        figures = {
            EXAMPLES: rewards.numel(),
            "reward": rewards.mean(),
            "reward_spread": rewards.std(1, correction=0).mean(),
            "clipped": result.clipped,
            "kl": result.kl,
        }
        return LossResult(result.loss, figures)

    @torch.no_grad()
    def validate(self, module: nn.Module) -> dict[str, float]:
        """Compare with the base on held-out prompts."""
        assert isinstance(module, ShapeDiT)
        if self._of_base is None:
            self._of_base = self.study.measure(self.base.to(module.latent_in.weight.device))
        return self.study.measure(module).figures(self._of_base)

    def _act(self, policy: Policy, step: int, generator: torch.Generator) -> GroupRollout:
        config, device = self.config, self.module.latent_in.weight.device
        seed = int(torch.randint(2**31 - 1, (), generator=generator))
        tokens = self.module.config.num_latents or self.appraiser.vae.config.num_latents
        shape = (config.prompts, tokens, self.module.config.latent_dim)
        x_T = DENSE.randn(shape, item_generators(seed, config.prompts), device=device)
        window = self._window.at(step, config.steps, generator)
        common = {"steps": config.steps, "after": self._after, "after_ratio": config.fast_after}
        with torch.no_grad():
            if config.tree:
                rules = [self._step] * len(window)
                return sample_tree(
                    policy, x_T, rules=rules, start=window.start, generator=generator, **common
                )
            total = config.prompts * config.members
            return sample_groups(
                policy,
                x_T,
                members=config.members,
                step=self._step,
                window=window,
                generators=item_generators(seed, total, first=config.prompts),
                **common,
            )

    def _advantages(
        self, rewards: Float[Tensor, "prompts members"], moves: int
    ) -> list[Float[Tensor, " items"]]:
        if self.config.tree:
            return node_advantages(rewards, moves)
        return [group_advantages(rewards).flatten()] * moves

    def _kernels(self, policy: Policy, rollout: GroupRollout) -> list[Transition]:
        """Return the kernel of each move under a policy."""
        kernels = []
        for move in rollout.moves:
            many = policy.repeated(move.x_s.shape[0] // self.config.prompts)
            guided, _ = guided_field(many.field, many.guidance, many.uncond, DENSE)
            kernels.append(kernel_of(move, self._step, BoundField(guided, many.cond)))
        return kernels
