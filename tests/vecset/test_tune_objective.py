import copy

import pytest
import torch
from pydantic import ValidationError

from gen3d.training import ScheduleConfig, TrainConfig, Trainer
from gen3d.training.state import save_state
from gen3d.vecset.checkpoints import DIT_FILE, load_dit, save_dit
from gen3d.vecset.config import SamplingConfig
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.policy_study import Appraiser, PolicyStudy, Prompts, make_prompts
from gen3d.vecset.runs import export_run
from gen3d.vecset.tune_objective import TuneConfig, TuneObjective, WindowConfig
from gen3d.vecset.tune_runs import TuneRun
from gen3d.vecset.vae import ShapeVAE
from tests.vecset.test_policy_study import WordLengths

CONFIG = TuneConfig(
    prompts=3, members=4, steps=4, guidance=2.0, window=WindowConfig(kind="frozen", size=2)
)


class MeanLatent(Appraiser):
    """Rewards the mean of the latents, so that no decoder is needed."""

    def appraise(self, latents):
        return latents.mean((1, 2))


def make(tiny_vae, tiny_dit, **changes):
    torch.manual_seed(0)
    vae, dit = ShapeVAE(tiny_vae).eval(), ShapeDiT(tiny_dit).eval()
    torch.nn.init.normal_(dit.final_layer.linear.weight, std=0.05)
    appraiser = MeanLatent(vae, lambda mesh: 0.0, 8)
    prompts = make_prompts(WordLengths(), split="train", per_category=1)
    few = Prompts(prompts.table, prompts.numbers[:2], prompts.categories[:2])
    study = PolicyStudy(appraiser, few, members=2, sampling=SamplingConfig(steps=2))
    return TuneObjective(dit, CONFIG.model_copy(update=changes), appraiser, prompts, study)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tree": True},
        {"window": WindowConfig(kind="random", size=1)},
        {"window": WindowConfig(kind="all")},
        {"fast_after": 0.5, "window": WindowConfig(kind="sliding", size=1)},
        {"guidance": 1.0},
    ],
)
def test_every_sampler_acts_with_the_current_policy(tiny_vae, tiny_dit, changes):
    objective = make(tiny_vae, tiny_dit, **changes)
    result = objective.loss(0, torch.Generator().manual_seed(1))
    assert result.figures["clipped"] == 0
    assert abs(result.loss.item()) < 1e-5
    result.loss.backward()
    gradient = objective.module.final_layer.linear.weight.grad
    assert gradient is not None
    assert gradient.abs().max() > 0


def test_gradient_reaches_every_weight_in_mixed_precision(tiny_vae, tiny_dit):
    gradients = []
    for enabled in (False, True):
        objective = make(tiny_vae, tiny_dit)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            result = objective.loss(0, torch.Generator().manual_seed(1))
        assert result.figures["clipped"] == 0
        result.loss.backward()
        named = objective.module.named_parameters()
        gradients.append({name: p.grad for name, p in named if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    flat = [torch.cat([g.flatten() for g in grads.values()]) for grads in gradients]
    assert torch.nn.functional.cosine_similarity(*flat, dim=0) > 0.9


def test_tuning_raises_the_reward_and_leaves_the_base_alone(tiny_vae, tiny_dit):
    objective = make(tiny_vae, tiny_dit, prompts=4, members=8)
    before = copy.deepcopy(objective.base.state_dict())
    optimizer = torch.optim.Adam(objective.module.parameters(), lr=5e-3)
    rewards = []
    for step in range(20):
        result = objective.loss(step, torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        result.loss.backward()
        optimizer.step()
        rewards.append(float(result.figures["reward"]))
    assert sum(rewards[-5:]) / 5 > sum(rewards[:5]) / 5 + 0.1
    assert all(torch.equal(x, before[n]) for n, x in objective.base.state_dict().items())


def test_divergence_from_the_base_begins_at_zero_and_grows(tiny_vae, tiny_dit):
    objective = make(tiny_vae, tiny_dit, kl_weight=0.1)
    generator = torch.Generator()
    assert objective.loss(0, generator.manual_seed(1)).figures["kl"] < 1e-9
    with torch.no_grad():
        objective.module.final_layer.linear.bias.add_(0.1)
    assert objective.loss(0, generator.manual_seed(1)).figures["kl"] > 1e-5


def test_resumed_run_ends_as_an_unbroken_one(tiny_vae, tiny_dit, tmp_path):
    ends = []
    for name, stops in (("whole", (4,)), ("broken", (2, 4))):
        for steps in stops:
            objective = make(tiny_vae, tiny_dit)
            config = TrainConfig(
                output=tmp_path / name,
                steps=steps,
                precision="32-true",
                schedule=ScheduleConfig(floor=1.0),
            )
            result = Trainer(config, objective).fit()
        ends.append(objective.module.state_dict())
        assert set(result.figures) >= {"gap_closed", "reward_mean", "base_reward_best"}
    assert all(torch.equal(x, ends[1][name]) for name, x in ends[0].items())


def run_of(base, reward="symmetric"):
    trainer = {"output": "runs/x", "steps": 1}
    settings = {"kind": "vecset-tune", "base": base, "reward": reward, "trainer": trainer}
    return TuneRun.model_validate(settings)


def test_tuned_weights_are_exported_with_the_settings_of_the_base(tiny_dit, tmp_path):
    base, tuned = ShapeDiT(tiny_dit), ShapeDiT(tiny_dit)
    save_dit(base, tmp_path / DIT_FILE, SamplingConfig(steps=7))
    save_state({"ema": tuned.state_dict()}, tmp_path / "last.ckpt")
    export_run(run_of(tmp_path), tmp_path / "last.ckpt", tmp_path / "out")
    back, sampling = load_dit(tmp_path / "out")
    assert sampling.steps == 7
    assert torch.allclose(back.latent_in.weight, tuned.latent_in.weight, atol=1e-3)


def test_unknown_reward_is_refused_when_the_settings_are_read(tmp_path):
    with pytest.raises(ValidationError, match="unknown reward"):
        run_of(tmp_path, reward="beautiful")
