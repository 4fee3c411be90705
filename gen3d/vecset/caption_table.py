"""Captions of a set of shapes, encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.training.batch_part import WHOLE, BatchPart
from gen3d.vecset.dit import Condition


class EncodedText(Protocol):
    """What a text encoder answers."""

    @property
    def tokens(self) -> Tensor:
        """(batch, tokens, width)."""
        ...

    @property
    def mask(self) -> Tensor:
        """True for tokens that exist, (batch, tokens)."""
        ...

    @property
    def pooled(self) -> Tensor:
        """One vector per text, (batch, width)."""
        ...


class TextEncoderLike(Protocol):
    """A frozen text encoder."""

    def encode(self, prompts: list[str]) -> EncodedText:
        """Encode texts."""
        ...


@dataclass(frozen=True)
class CaptionTable:
    """Encoded captions of a set of shapes; equal captions are stored once, without padding.

    Attributes:
        tokens: Tokens of all captions, one after the other, float16.
        starts: First token of each caption, closed by the number of tokens.
        pooled: Vector per caption.
        of_shape: Numbers of each shape's captions.
    """

    tokens: Float[Tensor, "all_tokens width"]
    starts: Int[Tensor, " captions_plus_1"]
    pooled: Float[Tensor, "captions width"]
    of_shape: list[list[int]]

    @classmethod
    @torch.no_grad()
    def encode(
        cls, encoder: TextEncoderLike, captions: Sequence[Sequence[str]], *, batch: int = 256
    ) -> CaptionTable:
        """Encode all captions of all shapes.

        Raises:
            InputError: A shape has no caption.
        """
        if not all(captions):
            raise InputError("every shape needs a caption; at least one has none")
        unique = sorted({text for texts in captions for text in texts})
        number = {text: i for i, text in enumerate(unique)}
        tokens, lengths, pooled = [], [], []
        for first in range(0, len(unique), batch):
            encoded = encoder.encode(unique[first : first + batch])
            tokens.append(encoded.tokens[encoded.mask].to(torch.float16))
            lengths.append(encoded.mask.sum(1))
            pooled.append(encoded.pooled.float())
        ends = torch.cat(lengths).cumsum(0)
        return cls(
            tokens=torch.cat(tokens),
            starts=torch.cat([ends.new_zeros(1), ends]),
            pooled=torch.cat(pooled),
            of_shape=[[number[text] for text in texts] for texts in captions],
        )

    def condition(self, captions: Sequence[int]) -> Condition:
        """Return the padded condition of the captions of these numbers."""
        index = torch.tensor(captions)
        starts, ends = self.starts[index], self.starts[index + 1]
        lengths = ends - starts
        slot = torch.arange(int(lengths.max()))
        mask: Bool[Tensor, "batch tokens"] = slot < lengths[:, None]
        rows = (starts[:, None] + slot).clamp(max=len(self.tokens) - 1)
        tokens = self.tokens[rows].float() * mask[..., None]
        return Condition(tokens, mask, self.pooled[index])

    def pick(
        self, shapes: Tensor, generator: torch.Generator, part: BatchPart = WHOLE
    ) -> Condition | None:
        """Return one caption, drawn at random, for each shape of a part; None if it is empty."""
        draws = part.take(torch.rand(len(shapes), generator=generator)).tolist()
        options = [self.of_shape[i] for i in part.take(shapes).tolist()]
        if not options:
            return None
        return self.condition([o[int(u * len(o))] for o, u in zip(options, draws, strict=True)])
