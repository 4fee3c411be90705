"""Runs that tune a flow network for a reward: ``gen3d tune CONFIG``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor

from gen3d.conditioning.text import TextEncoder
from gen3d.data.procedural.recognise import Recogniser
from gen3d.errors import InputError
from gen3d.rewards.reward import load_rewards, parse_rewards
from gen3d.runtime.devices import resolve_device
from gen3d.runtime.progress import ProgressSink
from gen3d.training.config import TrainConfig
from gen3d.vecset.checkpoints import DIT_FILE, VAE_FILE, load_dit, load_vae, save_dit
from gen3d.vecset.config import Settings
from gen3d.vecset.policy_study import Appraiser, PolicyStudy, make_prompts
from gen3d.vecset.run_sources import ShapeSource
from gen3d.vecset.tune_objective import TuneConfig, TuneObjective


class StudyConfig(Settings):
    """What is measured on held-out prompts.

    Attributes:
        per_category: Prompts of each category, of the validation split.
        members: Samples per prompt; the best of them is what tuning aims for.
        steps: Sampling steps; None: the model's default.
        references: Shapes by which samples are given a category; None: their category is not
            looked at.
    """

    per_category: int = Field(default=1, ge=1)
    members: int = Field(default=16, ge=2)
    steps: int | None = Field(default=None, ge=1)
    references: ShapeSource | None = None


class TuneRun(Settings):
    """A run that tunes the flow network (``configs/vecset/tune.yaml``).

    Attributes:
        base: Folder of the trained model, with both networks.
        text: Weights of the frozen text encoder; the shipped ones by default.
        reward: What to tune for, as ``gen3d text --reward`` takes it: ``symmetric``, or
            ``printable,symmetric:2``.
        prompts_per_category: Captions of the training split to act on, per category.
    """

    kind: Literal["vecset-tune"]
    base: Path
    text: Path | None = None
    reward: str
    prompts_per_category: int = Field(default=40, ge=1)
    objective: TuneConfig = TuneConfig()
    study: StudyConfig = StudyConfig()
    trainer: TrainConfig

    @field_validator("reward")
    @classmethod
    def _is_known(cls, reward: str) -> str:
        try:
            parse_rewards(reward)
        except InputError as error:
            raise ValueError(error.message) from error
        return reward

    def export(self, weights: dict[str, Tensor], path: Path | str) -> None:
        """Write the tuned network's file from its state dict.

        Raises:
            RuntimeError: The weights are of another network.
            OutputError: The file cannot be written.
        """
        dit, sampling = load_dit(self.base / DIT_FILE)
        dit.load_state_dict(weights)
        save_dit(dit, path, sampling)

    def build(self, progress: ProgressSink | None = None) -> TuneObjective:
        """Load the model and encode the prompts.

        Raises:
            UserError: The model or a file of the reward cannot be read.
        """
        if self.trainer.threads is not None:
            torch.set_num_threads(self.trainer.threads)
        dit, sampling = load_dit(self.base / DIT_FILE)
        text = TextEncoder.load(self.text)
        reward = load_rewards(parse_rewards(self.reward))
        vae = load_vae(self.base / VAE_FILE, device=resolve_device(self.trainer.device))
        appraiser = Appraiser(vae, reward, self.objective.resolution)
        references = self.study.references
        study = PolicyStudy(
            appraiser,
            make_prompts(text, split="val", per_category=self.study.per_category),
            members=self.study.members,
            sampling=sampling.model_copy(update={"steps": self.study.steps or sampling.steps}),
            recogniser=references and Recogniser.from_shapes(references.open(progress)),
        )
        prompts = make_prompts(text, split="train", per_category=self.prompts_per_category)
        return TuneObjective(dit, self.objective, appraiser, prompts, study)
