import pytest
import torch

from gen3d.data.procedural import CATEGORIES
from gen3d.data.procedural.recognise import POINTS, Recogniser
from gen3d.geometry.normals import signed_volume
from gen3d.vecset.config import SamplingConfig
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.policy_study import Appraiser, PolicyMeasure, PolicyStudy, Prompts, make_prompts
from gen3d.vecset.vae import ShapeVAE


class WordLengths:
    """Encodes a text as the lengths of its words."""

    def encode(self, prompts):
        rows = [[float(len(word)) for word in prompt.split()] for prompt in prompts]
        width = max(map(len, rows))
        tokens = torch.tensor([row + [0.0] * (width - len(row)) for row in rows])
        mask = torch.tensor([[i < len(row) for i in range(width)] for row in rows])
        return Encoded(tokens[..., None].expand(-1, -1, 8) / 10, mask)


class Encoded:
    def __init__(self, tokens, mask):
        self.tokens, self.mask, self.pooled = tokens, mask, tokens.mean(1)


@pytest.fixture
def networks(tiny_vae, tiny_dit):
    torch.manual_seed(0)
    vae, dit = ShapeVAE(tiny_vae).eval(), ShapeDiT(tiny_dit).eval()
    # Fresh blocks add nothing: let the latents matter, and the velocities.
    for network in (vae, dit):
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return vae, dit


def study_of(vae, *, recogniser=None, seed=0):
    prompts = make_prompts(WordLengths(), split="val", per_category=1)
    return PolicyStudy(
        Appraiser(vae, signed_volume, 8),
        prompts,
        members=3,
        sampling=SamplingConfig(steps=2),
        recogniser=recogniser,
        seed=seed,
    )


def test_prompts_alternate_categories_and_never_leave_their_split():
    val = make_prompts(WordLengths(), split="val", per_category=2)
    assert val.categories == [*CATEGORIES, *CATEGORIES]
    assert len(val.numbers) == 2 * len(CATEGORIES)
    condition = val.condition([0, 3], torch.device("cpu"))
    assert condition.tokens.shape[0] == 2
    with pytest.raises(KeyError):
        make_prompts(WordLengths(), split="nowhere", per_category=1)


def test_figures_compare_mean_with_best():
    base = PolicyMeasure(torch.tensor([[0.0, 1.0], [0.2, 0.4]]), torch.tensor([[True, True]] * 2))
    tuned = PolicyMeasure(
        torch.tensor([[0.5, 0.5], [0.5, 0.5]]), torch.tensor([[True, False], [True, True]])
    )
    figures = tuned.figures(base)
    assert figures["base_reward_mean"] == pytest.approx(0.4)
    assert figures["base_reward_best"] == pytest.approx(0.7)
    assert figures["gap_closed"] == pytest.approx(1 / 3)
    assert figures["tune_accuracy_drop"] == pytest.approx(0.25)
    assert base.figures(base)["gap_closed"] == 0


def test_study_is_repeatable_and_its_prompts_independent(networks):
    vae, dit = networks
    study = study_of(vae)
    study.prompts = Prompts(study.prompts.table, study.prompts.numbers[:3], CATEGORIES[:3])
    whole = study.measure(dit)
    assert whole.rewards.shape == (3, 3)
    assert whole.right is None
    alone = study_of(vae).measure_prompt(dit, 2)
    assert torch.equal(alone.rewards[0], whole.rewards[2])
    assert not torch.equal(study_of(vae, seed=1).measure_prompt(dit, 2).rewards, alone.rewards)


def test_category_is_right_if_the_recogniser_says_what_was_asked_for(networks):
    vae, dit = networks
    clouds = torch.rand(5, POINTS, 3)
    recogniser = Recogniser(clouds, [CATEGORIES[2]] * 5)
    study = study_of(vae, recogniser=recogniser)
    there = [mesh is not None for mesh in study.appraiser.meshes(study._latents(dit, 2))]
    right = study.measure_prompt(dit, 2).right
    assert right is not None
    assert right[0].tolist() == there
    wrong = study.measure_prompt(dit, 1).right
    assert wrong is not None
    assert not wrong.any()


def test_sample_without_a_surface_gets_the_worst_reward(networks):
    vae, _ = networks
    for weight in vae.geometry.parameters():
        torch.nn.init.zeros_(weight)
    latents = torch.zeros(2, vae.config.num_latents, vae.config.latent_dim)
    assert Appraiser(vae, lambda mesh: 1.0, 8).appraise(latents).tolist() == [0.0, 0.0]
