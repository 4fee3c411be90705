"""A tiny teacher with a folder of its trajectories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gen3d.vecset.config import DiTConfig
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.teacher_pairs import PairConfig, TeacherPairs, build_pairs

CAPTIONS = [["a ball", "one red ball"], ["a box"]]
PAIRS = PairConfig(count=10, knots=(1.0, 0.5, 0.0), steps=4, solver="heun", batch=4, precision="32")


@dataclass(frozen=True)
class Encoded:
    tokens: Tensor
    mask: Tensor
    pooled: Tensor


class LetterEncoder:
    """Token i of a text is the length of its word i in channel 0."""

    def encode(self, prompts: list[str]) -> Encoded:
        words = [text.split() for text in prompts]
        tokens = torch.zeros(len(prompts), max(map(len, words)), 8)
        mask = torch.zeros(tokens.shape[:2], dtype=torch.bool)
        for i, row in enumerate(words):
            for j, word in enumerate(row):
                tokens[i, j, 0], mask[i, j] = len(word), True
        return Encoded(tokens, mask, tokens.sum(1))


def make_teacher(config: DiTConfig, seed: int = 0) -> ShapeDiT:
    """A flow network whose zero layers are awake, so that it answers something."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        teacher = ShapeDiT(config)
        for weight in teacher.parameters():
            if not weight.any():
                torch.nn.init.normal_(weight, std=0.1)
    return teacher.eval().requires_grad_(False)


def make_pairs(teacher: ShapeDiT, folder: Path, config: PairConfig = PAIRS) -> TeacherPairs:
    return build_pairs(config, folder, teacher, LetterEncoder(), CAPTIONS, teacher_sha256="abc")
