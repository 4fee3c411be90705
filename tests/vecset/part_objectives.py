"""Objectives that share batches, on spheres; and a process that trains them with others."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gen3d.training import (
    Objective,
    TrainConfig,
    Trainer,
    launched_processes,
    one_after_another,
)
from gen3d.vecset.condition_source import MixtureShares
from gen3d.vecset.config import DiTConfig, EncoderConfig, QueryDecoderConfig, VAEConfig
from gen3d.vecset.decoder_objective import DecoderObjective, DecoderObjectiveConfig
from gen3d.vecset.flow_objective import FlowObjective, FlowObjectiveConfig, TrainingPictures
from gen3d.vecset.image_encoder import ImageTokens, join_views
from gen3d.vecset.lightning_objective import LightningObjective, LightningObjectiveConfig
from gen3d.vecset.objective import VAEObjective, VAEObjectiveConfig
from gen3d.vecset.vae import ShapeVAE
from tests.vecset.conftest import make_spheres
from tests.vecset.image_fixtures import WIDTH, ColourEncoder

_DECODER = QueryDecoderConfig(width=16, heads=2, mlp_ratio=1)
_VAE = VAEConfig(
    num_latents=6,
    latent_dim=4,
    width=16,
    heads=2,
    latent_layers=1,
    mlp_ratio=2,
    encoder=EncoderConfig(layers=1),
    geometry=_DECODER,
    colour=_DECODER,
)
_DIT = DiTConfig(
    latent_dim=4,
    num_latents=6,
    context_dim=WIDTH,
    pooled_dim=WIDTH,
    width=16,
    heads=2,
    double_blocks=1,
    single_blocks=1,
    mlp_ratio=2,
    time_dim=8,
)
_BATCH: dict[str, Any] = {"batch_size": 8}


@dataclass(frozen=True)
class Pictures:
    """Tokens that say which shape and which copy they are of."""

    copies: int = 2

    def encoded(
        self, shapes: torch.Tensor, copies: torch.Tensor, generator: torch.Generator
    ) -> ImageTokens:
        tokens = (0.1 * shapes[:, None] + copies)[..., None, None].expand(-1, -1, 3, WIDTH)
        return join_views(tokens.float(), torch.ones(*copies.shape, WIDTH))


def _frozen() -> ShapeVAE:
    torch.manual_seed(0)
    return ShapeVAE(_VAE)


def _vae() -> Objective:
    config = VAEObjectiveConfig(
        **_BATCH, points=64, queries=64, colour_points=16, token_counts=(3, 6), validation_points=64
    )
    return VAEObjective(_VAE, config, make_spheres(6), make_spheres(2))


def _flow() -> Objective:
    # 8 items become 3 texts, 3 pictures and 2 of both, so that no stretch divides evenly.
    shares = MixtureShares(image=0.375, both=0.25)
    pictures = TrainingPictures(Pictures(), Pictures(), shares)
    spheres = make_spheres(6)
    config = FlowObjectiveConfig(**_BATCH, encode_points=64)
    text = ColourEncoder()
    return FlowObjective(_DIT, config, _frozen(), text, spheres, spheres, images=pictures)


def _decoder() -> Objective:
    config = DecoderObjectiveConfig(
        **_BATCH, encode_points=64, queries=64, colour_points=16, latent_noise=0.5
    )
    return DecoderObjective(_frozen(), config, make_spheres(6), make_spheres(2))


def _lightning() -> Objective:
    config = LightningObjectiveConfig(**_BATCH, encode_points=64, queries=64, latent_noise=0.5)
    return LightningObjective(_frozen(), _DECODER, config, make_spheres(6), make_spheres(2))


OBJECTIVES: dict[str, Callable[[], Objective]] = {
    "vae": _vae,
    "flow": _flow,
    "decoder": _decoder,
    "lightning": _lightning,
}


def train(kind: str, folder: Path, **changes: Any) -> list[float]:
    """Train for three steps, or go on with a run; return the losses so far."""
    settings: dict[str, Any] = {
        "output": folder,
        "steps": 3,
        "device": "cpu",
        "precision": "32-true",
        "threads": 1,
        "log_every": 1,
        "schedule": {"warmup_steps": 0, "decay_start": 0.99},
        # Sums in another order differ in their last digits. Muon rounds to bf16, which makes 0.4 %
        # of its step of them; AdamW without its eps divides gradients that are zero by themselves.
        "muon": {"lr": 1e-4},
        "adamw": {"lr": 1e-3, "eps": 1e-5},
    }
    Trainer(TrainConfig(**{**settings, **changes}), OBJECTIVES[kind]()).fit()
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def train_with_others(rank: int, count: int, port: int, folder: Path) -> None:
    """Be one of several processes that train every kind in ``folder``."""
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    torch.set_num_threads(1)
    with launched_processes("cpu") as processes:
        with one_after_another(processes), (folder / "order").open("a") as order:
            order.write(str(rank))
        for kind in ("vae", "flow"):
            train(kind, folder / kind)
            train(kind, folder / kind, steps=4)

        used, unused, nowhere = (torch.nn.Parameter(torch.ones(2)) for _ in range(3))
        used.grad = torch.full((2,), 1.0 + rank)
        if rank == 1:
            unused.grad = torch.full((2,), 4.0)
        processes.average_gradients([used, unused, nowhere])
        found = {
            "gathered": processes.gathered(rank),
            "first": processes.from_first(f"from {rank}"),
            "largest": processes.largest(float(rank)),
            "gradients": [None if p.grad is None else p.grad[0].item() for p in (used, unused)],
            "nowhere": nowhere.grad is None,
        }
        (folder / f"found-{rank}.json").write_text(json.dumps(found))
