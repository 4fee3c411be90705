"""Where a flow network in training gets its conditions from: captions, pictures, or either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Int
from pydantic import Field, model_validator
from torch import Tensor

from gen3d.training.batch_part import BatchPart, current_part
from gen3d.vecset.caption_table import CaptionTable
from gen3d.vecset.config import Settings
from gen3d.vecset.dit import Condition
from gen3d.vecset.image_encoder import ImageTokens, unit_rms


@dataclass(frozen=True)
class ConditionPart:
    """Conditions of some items of a batch, which go through the network together.

    Items with many tokens and items with few go apart, as padding costs as much as tokens.

    Attributes:
        rows: Which items of the whole batch, one after the other.
        condition: Of those among them that are the current part's; None where none is.
        share: Which these are, see :class:`~gen3d.training.batch_part.BatchPart`.
    """

    rows: Int[Tensor, " rows"]
    condition: Condition | None
    share: BatchPart


class ConditionSource(Protocol):
    """Conditions of shapes, by number."""

    def pick(
        self, shapes: Int[Tensor, " batch"], generator: torch.Generator
    ) -> list[ConditionPart]:
        """Draw a condition for each shape of the whole batch, and make the current part's.

        The parts cover each row once; in all processes they have the same rows.
        """
        ...

    def fixed(self, shapes: Int[Tensor, " batch"]) -> dict[str, Condition]:
        """Return the conditions that validation measures with, by the name of their figure."""
        ...


class TextSource:
    """A caption for every shape.

    Args:
        captions: Of all shapes.
    """

    def __init__(self, captions: CaptionTable) -> None:
        self._captions = captions

    def pick(
        self, shapes: Int[Tensor, " batch"], generator: torch.Generator
    ) -> list[ConditionPart]:
        """Draw one of each shape's captions."""
        share = current_part()
        condition = self._captions.pick(shapes, generator, share)
        return [ConditionPart(torch.arange(len(shapes)), condition, share)]

    def fixed(self, shapes: Int[Tensor, " batch"]) -> dict[str, Condition]:
        """Return each shape's first caption."""
        captions = [self._captions.of_shape[i][0] for i in shapes.tolist()]
        return {"flow_velocity_mse": self._captions.condition(captions)}


class PictureSource(Protocol):
    """Encoded pictures of shapes; several of each."""

    @property
    def copies(self) -> int:
        """Pictures per shape."""
        ...

    def encoded(
        self,
        shapes: Int[Tensor, " batch"],
        copies: Int[Tensor, "batch views"],
        generator: torch.Generator,
    ) -> ImageTokens:
        """Return pictures of these shapes.

        Args:
            shapes: Their numbers.
            copies: Which pictures of each.
            generator: For sources that change pictures at random.
        """
        ...


class MixtureShares(Settings):
    """What items of a batch are conditioned on; the rest has text alone.

    Attributes:
        image: Share with pictures alone.
        both: Share with pictures and text.
        pair: Share of the batches whose pictures are two per shape.
    """

    image: float = Field(default=0.35, ge=0, le=1)
    both: float = Field(default=0.15, ge=0, le=1)
    pair: float = Field(default=0.25, ge=0, le=1)

    @model_validator(mode="after")
    def _fit(self) -> MixtureShares:
        if self.image + self.both > 1:
            raise ValueError(f"shares of image and both add up to {self.image + self.both} > 1")
        return self


class MixtureSource:
    """Text for some items, pictures for some, both for the others.

    Args:
        captions: Of all shapes.
        pictures: Of all shapes.
        shares: How many of each.
    """

    def __init__(
        self, captions: CaptionTable, pictures: PictureSource, shares: MixtureShares
    ) -> None:
        self._captions, self._pictures, self._shares = captions, pictures, shares
        self._text = TextSource(captions)

    def pick(
        self, shapes: Int[Tensor, " batch"], generator: torch.Generator
    ) -> list[ConditionPart]:
        """Split the batch, whose shapes are in random order, by the shares."""
        total = len(shapes)
        both = round(total * self._shares.both)
        image = min(round(total * self._shares.image), total - both)
        pair = float(torch.rand((), generator=generator)) < self._shares.pair
        views = min(2 if pair else 1, self._pictures.copies)
        parts = []
        first = 0
        for count, pictured, told in (
            (total - image - both, False, True),
            (image, True, False),
            (both, True, True),
        ):
            rows, share = torch.arange(first, first + count), current_part().after(first)
            first += count
            if count:
                pictures = self._draw(shapes[rows], views, generator, share) if pictured else None
                captions = self._captions.pick(shapes[rows], generator, share) if told else None
                parts.append(ConditionPart(rows, _joined(captions, pictures), share))
        return parts

    def fixed(self, shapes: Int[Tensor, " batch"]) -> dict[str, Condition]:
        """Return each shape's first caption, and its first picture."""
        generator = torch.Generator().manual_seed(0)
        first = torch.zeros(len(shapes), 1, dtype=torch.long)
        tokens = self._pictures.encoded(shapes, first, generator)
        return {**self._text.fixed(shapes), "image_velocity_mse": image_condition(tokens)}

    def _draw(
        self, shapes: Tensor, views: int, generator: torch.Generator, share: BatchPart
    ) -> Condition | None:
        """Draw different pictures of each shape, and read those of a share."""
        order = torch.rand(len(shapes), self._pictures.copies, generator=generator).argsort(1)
        mine = share.take(shapes)
        if not len(mine):
            return None
        own = share.own_generator(generator)
        return image_condition(self._pictures.encoded(mine, share.take(order)[:, :views], own))


def _joined(text: Condition | None, image: Condition | None) -> Condition | None:
    if text is None or image is None:
        return image if text is None else text
    return join_conditions(text, image)


def image_condition(image: ImageTokens) -> Condition:
    """Return encoded pictures as a condition."""
    return Condition(image.tokens, image.mask, image.pooled)


def join_conditions(text: Condition, image: Condition) -> Condition:
    """Ask for what a text says and a picture shows: the tokens of both, and their mean vector.

    The network reads context tokens as a set, so their order says nothing.
    """
    masks = [
        torch.ones(c.tokens.shape[:2], dtype=torch.bool, device=c.tokens.device)
        if c.mask is None
        else c.mask
        for c in (text, image)
    ]
    pooled = None
    if text.pooled is not None and image.pooled is not None:
        pooled = unit_rms(text.pooled + image.pooled)
    return Condition(torch.cat([text.tokens, image.tokens], 1), torch.cat(masks, 1), pooled)
