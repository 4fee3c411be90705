import numpy as np
import pytest
import torch

from gen3d.conditioning.text import TextConfig, TextEncoder
from gen3d.conditioning.wordpiece import WordPiece
from gen3d.errors import CancelledError, InputError
from gen3d.rewards import RewardTerm
from gen3d.vecset.config import SamplingConfig
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.grid_field import PointField
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.search import (
    FINALISTS,
    STRATEGIES,
    SearchOptions,
    _Finalists,
    coarse_reward,
    search_latents,
    search_text,
)
from gen3d.vecset.vae import ShapeVAE

SYMMETRIC = (RewardTerm("symmetric"),)


class LeaningVAE(ShapeVAE):
    """Two balls side by side; the mean of the latents sets the size of the right one."""

    def decode(self, latents):
        self.lean = latents.mean().tanh().item()
        return super().decode(latents)

    def occupancy(self, queries, shape):
        left = 0.4 - (queries - queries.new_tensor([-0.4, 0, 0])).norm(dim=-1)
        right = 0.4 + 0.2 * self.lean - (queries - queries.new_tensor([0.4, 0, 0])).norm(dim=-1)
        return 10 * torch.maximum(left, right)


@pytest.fixture
def pipeline(tiny_vae, tiny_dit, monkeypatch):
    def field(vae, shape, chunk=None):
        return PointField(lambda points: vae.occupancy(points, shape))

    for module in ("extract", "policy_study"):
        monkeypatch.setattr(f"gen3d.vecset.{module}.shape_field", field)
    torch.manual_seed(0)
    text = TextEncoder(
        WordPiece(["[PAD]", "[UNK]", "a", "red", "ball"]),
        TextConfig(width=8, table_width=8, heads=2, layers=1),
    )
    return VecsetPipeline(
        LeaningVAE(tiny_vae).eval(),
        ShapeDiT(tiny_dit).eval(),
        text.eval(),
        sampling=SamplingConfig(steps=3, resolution=32, decode_start=8),
        name="tiny",
    )


@pytest.mark.parametrize("method", STRATEGIES)
def test_every_strategy_keeps_its_budget_and_repeats_itself(pipeline, method):
    def run():
        wanted = SearchOptions(method, 60, SYMMETRIC)
        return search_text(pipeline, "a ball", wanted=wanted, seed=1, steps=3)

    first, second = run(), run()
    assert first.record == second.record
    np.testing.assert_array_equal(first.mesh.vertices, second.mesh.vertices)
    assert first.record["task"] == "text_to_3d"
    assert first.record["search"]["method"] == method
    assert 30 < first.record["search"]["evaluations"] <= 60
    assert 0 < first.record["search"]["reward"] <= 1
    assert first.mesh.metadata["gen3d"] == first.record


def test_searching_raises_the_reward(pipeline):
    def mean(budget):
        rewards = []
        for seed in range(4):
            wanted = SearchOptions("best-of-n", budget, SYMMETRIC)
            found = search_text(pipeline, "a ball", wanted=wanted, seed=seed, steps=2)
            rewards.append(found.record["search"]["reward"])
        return sum(rewards) / 4

    assert mean(32) > mean(4)


def test_found_latents_have_the_reward_that_the_search_says(pipeline):
    reward = coarse_reward(pipeline, lambda mesh: float(mesh.vertices[:, 0].mean() + 1) / 2)
    found = search_latents(pipeline, "a ball", reward, method="rbf", budget=40, seed=2, steps=3)
    assert found.x0.shape[0] == 1
    assert reward(found.x0).item() == pytest.approx(found.reward, abs=1e-5)


def test_a_sample_without_surface_is_worth_nothing(pipeline, monkeypatch):
    monkeypatch.setattr(pipeline.vae, "occupancy", lambda points, shape: -points.norm(dim=-1) - 1)
    reward = coarse_reward(pipeline, lambda mesh: 1.0)
    tokens = (2, pipeline.vae.config.num_latents, pipeline.dit.config.latent_dim)
    assert reward(torch.zeros(tokens)).tolist() == [0.0, 0.0]


def test_steps_default_to_those_of_a_search(pipeline):
    wanted = SearchOptions("best-of-n", 20, SYMMETRIC)
    assert search_text(pipeline, "a ball", wanted=wanted, seed=1).record["steps"] == 10


def test_cancelling_stops_the_search(pipeline):
    with pytest.raises(CancelledError, match="evaluations"):
        search_text(
            pipeline,
            "a ball",
            wanted=SearchOptions("rbf", 60, SYMMETRIC),
            seed=1,
            cancelled=lambda: True,
        )


def test_options_of_the_command_line_are_checked_together():
    assert SearchOptions.parse(None, None, None) is None
    options = SearchOptions.parse("rbf", None, "symmetric:2,stable")
    assert options is not None
    assert (options.method, options.budget, len(options.rewards)) == ("rbf", 200, 2)
    for arguments, message in [
        ((None, 200, None), "--budget needs a search"),
        ((None, None, "symmetric"), "--reward needs a search"),
        (("rbf", 200, None), "what for"),
        (("luck", 200, "symmetric"), "unknown search 'luck'"),
        (("rbf", 0, "symmetric"), "budget must lie in"),
    ]:
        with pytest.raises(InputError, match=message):
            SearchOptions.parse(*arguments)


def test_record_names_files_by_their_hash(tmp_path):
    file = tmp_path / "mask.png"
    file.write_bytes(b"picture")
    record = SearchOptions("rbf", 10, (RewardTerm("silhouette", 2.0, file),)).record()
    entry = record["rewards"][0]
    assert entry["file"]["file"] == "mask.png"
    assert len(entry["file"]["sha256"]) == 64
    assert str(tmp_path) not in str(record)


def test_a_finer_reward_decides_among_the_best():
    latents = torch.arange(20.0).view(20, 1, 1)
    final = _Finalists(lambda x: x.flatten())
    for part in latents.split(6):
        final(part)
    best, value = final.best(lambda x: -x.flatten())
    assert best.item() == 20 - FINALISTS
    assert value == -best.item()
