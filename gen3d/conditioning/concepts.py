"""How far a prompt is from what a model knows, so that users get a warning instead of a riddle."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.conditioning.text import TextEncoder
from gen3d.conditioning.words import OBJECTS
from gen3d.errors import ModelError

FAR_BELOW = 0.35
"""Measured with the 20 categories of the embedded model as concepts. Of 243 captions of their own
shapes 1 % are below (``settee``, which the vocabulary splits); of 44 kinds and synonyms that no
concept names (``automobile``, ``puppy``, ``lantern``) 14 %; of 60 prompts for other things (``a
volcano``, ``a shoe``, ``tax law``) 85 %. At 0.40 it would be 1, 16 and 95 %."""

# Any texts are somewhat alike; their mean is taken out of all similarities.
_BACKGROUND = OBJECTS[::10]
# What follows these words tells of parts, place or paint, not of the thing itself.
_AFTER_THE_THING = re.compile(
    r"(?<!^)\b(of|with|without|in|on|at|under|over|near|next|beside|made|having|wearing|holding|for|from|"
    r"that|which|who|and|standing|sitting|lying)\b|[,;:.!?()]"
)
_OPENING = re.compile(
    r"^\s*((an?|one|the|some)\s+)?(\w+\s+)?(models?|objects?|photos?|pictures?|images?|renders?|"
    r"renderings?|meshe?s?|assets?|pairs?|pieces?|kinds?|sets?)\s*(of\b|:)\s*",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^\s*(an?|one|the|some|my|your)\s+", re.IGNORECASE)


class Match(NamedTuple):
    """A known concept and its centred cosine with a prompt's thing, in [-1, 1]."""

    name: str
    similarity: float


def head_phrases(prompt: str) -> list[str]:
    """Return the phrases that may name the thing itself: ``tall ice cream``, ``ice cream``, ...

    English puts the thing at the end of the first noun phrase; its last one, two and three words
    are tried.
    """
    text = _ARTICLE.sub("", _OPENING.sub("", prompt.lower()))
    words = _AFTER_THE_THING.split(text, maxsplit=1)[0].split() or prompt.lower().split()
    return list(dict.fromkeys(" ".join(words[-n:]) for n in (1, 2, 3)))


class Concepts:
    """The names of what a model was trained on, compared with prompts in the encoder's space.

    Args:
        encoder: Text encoder.
        names: Known concepts, such as category names.
        far_below: Prompts whose best similarity is less are far.

    Raises:
        ModelError: There is no name.
    """

    def __init__(
        self, encoder: TextEncoder, names: Sequence[str], *, far_below: float = FAR_BELOW
    ) -> None:
        if not names:
            raise ModelError("the model names no concepts", hint="its card must list some")
        self.encoder = encoder
        self.names = tuple(names)
        self.far_below = far_below
        self._centre = torch.zeros(encoder.width)
        self._centre = self._embed(_BACKGROUND).mean(0)
        self._known = self._embed(names)

    def _embed(self, texts: Sequence[str]) -> Float[Tensor, "n width"]:
        """Unit embeddings of short phrases, relative to what everyday things have in common."""
        unit = torch.nn.functional.normalize(
            self.encoder.encode(texts, max_tokens=16).pooled.cpu(), dim=-1
        )
        return torch.nn.functional.normalize(unit - self._centre, dim=-1)

    def nearest(self, prompt: str, k: int = 3) -> list[Match]:
        """Return the ``k`` known concepts closest to the thing that a prompt names."""
        similarity = (self._embed(head_phrases(prompt)) @ self._known.T).amax(0)
        values, order = similarity.sort(descending=True, stable=True)
        return [Match(self.names[i], values[r].item()) for r, i in enumerate(order[:k].tolist())]

    def is_far(self, prompt: str) -> bool:
        """Say whether a prompt names something that the model does not know."""
        return self.nearest(prompt, 1)[0].similarity < self.far_below

    def warning(self, prompt: str, k: int = 3) -> str | None:
        """Return one honest line for a far prompt, None for others."""
        if not self.is_far(prompt):
            return None
        names = ", ".join(match.name for match in self.nearest(prompt, k))
        return f"this model was not trained on anything like {prompt!r}; nearest it knows: {names}"
