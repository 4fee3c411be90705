"""What a flow network's samples are worth: rewards and categories on fixed prompts and noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gen3d.data.procedural import CATEGORIES, make_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.data.procedural.recognise import POINTS, Recogniser
from gen3d.errors import EmptySurfaceError
from gen3d.flow import DENSE, ClassifierFree, NetworkField, item_generators, sample
from gen3d.flow.rl import Policy
from gen3d.geometry.cleanup import remove_floaters
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.sample import sample_surface
from gen3d.geometry.transforms import normalise_unit
from gen3d.rewards.reward import MeshReward
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.caption_table import CaptionTable, TextEncoderLike
from gen3d.vecset.config import SamplingConfig
from gen3d.vecset.decode import decode_field
from gen3d.vecset.dit import Condition, ShapeDiT
from gen3d.vecset.extract import shape_field, surface_mesh
from gen3d.vecset.vae import DecodedShape, ShapeVAE

EMPTY_REWARD = 0.0
"""Of a sample without a surface: the worst that a reward gives."""


@dataclass(frozen=True)
class Prompts:
    """Encoded prompts and the categories that they ask for.

    Attributes:
        table: The prompts.
        numbers: Of each prompt in the table.
        categories: One per prompt.
    """

    table: CaptionTable
    numbers: Sequence[int]
    categories: Sequence[str]

    def condition(self, chosen: Sequence[int], device: torch.device) -> Condition:
        """Return the condition of some prompts."""
        condition = self.table.condition([self.numbers[i] for i in chosen])
        mask, pooled = condition.mask, condition.pooled
        assert mask is not None
        assert pooled is not None
        return Condition(condition.tokens.to(device), mask.to(device), pooled.to(device))


def make_prompts(
    text: TextEncoderLike,
    *,
    split: str,
    per_category: int,
    categories: Sequence[str] = CATEGORIES,
) -> Prompts:
    """Encode captions of procedural shapes, one each: of a category, all phrasings in turn.

    Categories alternate, so any prefix is balanced.

    Args:
        text: The encoder.
        split: ``train``, ``val`` or ``test``.
        per_category: Prompts per category.
        categories: Of the procedural library.
    """
    shapes = [
        make_shape(category, SPLIT_SEEDS[split] + i)
        for i in range(per_category)
        for category in categories
    ]
    captions = [
        [shape.captions[i // len(categories) % len(shape.captions)]]
        for i, shape in enumerate(shapes)
    ]
    table = CaptionTable.encode(text, captions)
    numbers = [options[0] for options in table.of_shape]
    return Prompts(table, numbers, [shape.category for shape in shapes])


def policy_of(dit: ShapeDiT, condition: Condition, guidance: float) -> Policy:
    """Return a flow network as a policy, guided all the way."""
    field = NetworkField(dit)
    return Policy(field, condition, ClassifierFree(guidance), condition.unconditional())


class Appraiser:
    """Decodes latents coarsely and rewards their meshes.

    Args:
        vae: The autoencoder, in eval mode.
        reward: Of a mesh, from 0 to 1.
        resolution: Grid cells per axis. Decoding starts at half of them, so specks smaller than
            two cells may go unseen.
    """

    def __init__(self, vae: ShapeVAE, reward: MeshReward, resolution: int) -> None:
        self.vae, self.reward, self.resolution = vae, reward, resolution

    @torch.no_grad()
    def meshes(self, latents: Float[Tensor, "items latents channels"]) -> list[Mesh | None]:
        """Decode each item; None has no surface."""
        found: list[Mesh | None] = []
        # Mixed precision, which a trainer may have switched on, is not for the field's values.
        with torch.autocast(latents.device.type, enabled=False):
            for item in latents.to(self.vae.from_latent.weight).split(1):
                shape = self.vae.decode(item / self.vae.config.scale_factor)
                try:
                    found.append(self._mesh(shape))
                except EmptySurfaceError:
                    found.append(None)
        return found

    def _mesh(self, shape: DecodedShape) -> Mesh:
        """Return the solid without what rewards do not look at: colours, normals."""
        field = shape_field(self.vae, shape)
        bound = self.vae.config.bounds
        decoded = decode_field(
            field,
            self.resolution,
            start=-(-self.resolution // 2),
            bounds=(-bound, bound),
            device=self.vae.from_latent.weight.device,
        )
        raw = surface_mesh(decoded, field, refine_steps=0)
        return normalise_unit(remove_floaters(raw).mesh)

    def appraise(self, latents: Float[Tensor, "items latents channels"]) -> Float[Tensor, " items"]:
        """Decode and reward each item."""
        return self.rewards(self.meshes(latents))

    def rewards(self, meshes: Sequence[Mesh | None]) -> Float[Tensor, " items"]:
        """Reward each mesh."""
        values = [EMPTY_REWARD if mesh is None else self.reward(mesh) for mesh in meshes]
        return torch.tensor(values, dtype=torch.float32)


@dataclass(frozen=True)
class PolicyMeasure:
    """How a policy did.

    Attributes:
        rewards: Of every sample.
        right: Whether its category is the one that was asked for; None: not looked at.
    """

    rewards: Float[Tensor, "prompts members"]
    right: Bool[Tensor, "prompts members"] | None

    @classmethod
    def joined(cls, parts: Sequence[PolicyMeasure]) -> PolicyMeasure:
        """Put measures of different prompts together."""
        rights = [part.right for part in parts if part.right is not None]
        whole = torch.cat(rights) if len(rights) == len(parts) else None
        return cls(torch.cat([part.rewards for part in parts]), whole)

    def figures(self, base: PolicyMeasure) -> dict[str, float]:
        """Compare with the policy that it was tuned from, on the same prompts and noise.

        ``gap_closed`` is the share of the way from the base's mean reward to that of its best
        sample per prompt which the mean of this policy has come.
        """
        mean, best = base.rewards.mean().item(), base.rewards.amax(1).mean().item()
        figures = {
            "reward_mean": self.rewards.mean().item(),
            "reward_best": self.rewards.amax(1).mean().item(),
            "base_reward_mean": mean,
            "base_reward_best": best,
            "gap_closed": (self.rewards.mean().item() - mean) / max(best - mean, 1e-9),
        }
        if self.right is not None and base.right is not None:
            accuracy, before = (m.float().mean().item() for m in (self.right, base.right))
            figures |= {
                "category_accuracy": accuracy,
                "base_category_accuracy": before,
                "tune_accuracy_drop": before - accuracy,
            }
        return figures


class PolicyStudy:
    """Measures policies on fixed prompts and noise, by the deterministic sampler.

    Args:
        appraiser: Rewards samples.
        prompts: What to ask for.
        members: Samples per prompt.
        sampling: Steps and guidance.
        recogniser: Tells categories; None: they are not looked at.
        seed: Of the noise.
    """

    def __init__(
        self,
        appraiser: Appraiser,
        prompts: Prompts,
        *,
        members: int,
        sampling: SamplingConfig,
        recogniser: Recogniser | None = None,
        seed: int = 0,
    ) -> None:
        self.appraiser, self.prompts, self.members = appraiser, prompts, members
        self.sampling, self.recogniser, self.seed = sampling, recogniser, seed

    @torch.no_grad()
    def measure(self, dit: ShapeDiT, progress: ProgressSink | None = None) -> PolicyMeasure:
        """Sample every prompt ``members`` times, and reward and name what comes out."""
        sink = progress or NullProgress()
        count = len(self.prompts.numbers)
        sink.stage_started("measuring rewards", count)
        parts = []
        for number in range(count):
            parts.append(self.measure_prompt(dit, number))
            sink.advance()
        sink.stage_finished()
        return PolicyMeasure.joined(parts)

    @torch.no_grad()
    def measure_prompt(self, dit: ShapeDiT, number: int) -> PolicyMeasure:
        """Do that for one of the prompts."""
        meshes = self.appraiser.meshes(self._latents(dit, number))
        right = None
        if self.recogniser is not None:
            wanted = self.prompts.categories[number]
            right = torch.tensor([[n == wanted for n in _names(self.recogniser, meshes)]])
        return PolicyMeasure(self.appraiser.rewards(meshes)[None], right)

    def _latents(self, dit: ShapeDiT, number: int) -> Tensor:
        device = dit.latent_in.weight.device
        one = policy_of(
            dit, self.prompts.condition([number], device), self.sampling.guidance
        ).repeated(self.members)
        tokens = dit.config.num_latents or self.appraiser.vae.config.num_latents
        shape = (self.members, tokens, dit.config.latent_dim)
        generators = item_generators(self.seed, self.members, first=number * self.members)
        x0 = sample(
            one.field,
            DENSE.randn(shape, generators, device=device),
            steps=self.sampling.steps,
            cond=one.cond,
            guidance=one.guidance,
            uncond=one.uncond,
        ).x0
        return dit.denormalise(x0)


def _names(recogniser: Recogniser, meshes: Sequence[Mesh | None]) -> list[str]:
    """Name the category of each mesh; that of none is empty."""
    names = [""] * len(meshes)
    there = [i for i, mesh in enumerate(meshes) if mesh is not None]
    clouds = [
        torch.from_numpy(sample_surface(mesh, POINTS, make_generator(0)).points)
        for mesh in meshes
        if mesh is not None
    ]
    if clouds:
        for i, name in zip(there, recogniser.name(torch.stack(clouds).float()), strict=True):
            names[i] = name
    return names
