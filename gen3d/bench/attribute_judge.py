"""Which of two values an attribute has in a generated shape, by its nearest true shapes.

Shapes: the solid is compared, at points of space, with held-out shapes that have the one value and
with held-out shapes that have the other; the nearer group wins. Points count by how well they tell
the two groups of validation shapes apart. Else what the groups do not differ in drowns what they
do: at random points of equal weight the judge knows a slatted back from a solid one, or one base of
a lamp from another, in about 0.6 of true shapes; with weights in nearly all. Insideness in space
rather than latents, whose tokens mean nothing by themselves, and rather than Chamfer distance, to
which a thin part gives few points.

Colours: the value is right whose colour covers more of the surface.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gen3d.bench.hard_set import ATTRIBUTES, Ask, Attribute, painted, shows
from gen3d.bench.rows import Row, Rows
from gen3d.data.procedural import Shape, Solid, make_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.geometry.color import COLOUR_NAMES
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.seeds import make_generator

NEIGHBOURS = 3
_CANDIDATES = 2048
_POINTS = 128
_BOUND = 1.0
# Added to the variance within the groups, so that points where few shapes differ do not win.
_RIDGE = 0.05


@dataclass(frozen=True)
class NearestShapes:
    """Tells two values apart by the nearest of the true shapes that have them.

    Attributes:
        points: Where solids are compared.
        weights: What a disagreement at each point counts.
        groups: Insideness of the true shapes, of the first value and of the second.
    """

    points: Float[Tensor, "n 3"]
    weights: Float[Tensor, " n"]
    groups: tuple[Bool[Tensor, "a n"], Bool[Tensor, "b n"]]

    def lead(
        self, inside: Bool[Tensor, "s n"], *, itself: int | None = None
    ) -> Float[Tensor, " s"]:
        """Return by how much the first value's shapes are nearer; negative: the second's are.

        Args:
            inside: Insideness of the shapes in question.
            itself: They are this group's own, and not to be compared with themselves.
        """
        means = []
        for number, group in enumerate(self.groups):
            differs = (inside[:, None] != group).to(self.weights)
            distance = differs @ self.weights
            if number == itself:
                distance.fill_diagonal_(torch.inf)
            means.append(distance.topk(NEIGHBOURS, dim=1, largest=False).values.mean(1))
        return means[1] - means[0]

    def ceiling(self) -> float:
        """Return the accuracy on the true shapes themselves, each left out in its turn."""
        first, second = (self.lead(g, itself=i) for i, g in enumerate(self.groups))
        return (float((first > 0).double().mean()) + float((second < 0).double().mean())) / 2


def telling_points(
    first: Bool[Tensor, "a n"], second: Bool[Tensor, "b n"], count: int
) -> tuple[Tensor, Tensor]:
    """Return the indices of the points that tell two groups apart best, with their weights.

    The weight is Fisher's ratio: the squared difference of the means over the sum of variances.
    """
    p, q = first.double().mean(0), second.double().mean(0)
    ratio = (p - q).square() / (p * (1 - p) + q * (1 - q) + _RIDGE)
    weights, chosen = ratio.topk(min(count, len(ratio)))
    return chosen, weights.float()


class Judge:
    """Nearest shapes for every attribute of shape, and colours by share.

    Args:
        rows: Keeps the true shapes' insideness.
        sink: Where to report.
        shapes: True shapes of each category and split.
        attributes: What will be judged.
    """

    def __init__(
        self,
        rows: Rows,
        sink: ProgressSink,
        *,
        shapes: int = 120,
        attributes: Sequence[Attribute] = ATTRIBUTES,
    ) -> None:
        self.shapes, self.attributes = shapes, tuple(attributes)
        self.nearest: dict[Attribute, NearestShapes] = {}
        points = (torch.rand(_CANDIDATES, 3, generator=make_generator(0)) * 2 - 1) * _BOUND
        by_category: dict[str, list[Attribute]] = {}
        for attribute in attributes:
            if attribute.slot != "paint":
                by_category.setdefault(attribute.category, []).append(attribute)
        sink.stage_started("true shapes", len(by_category))
        for category, named in by_category.items():
            its_own = sorted(named, key=lambda attribute: attribute.label)
            known = [self._known(rows, category, s, its_own, points) for s in ("val", "test")]
            for i, attribute in enumerate(its_own):
                groups = [_groups(inside, has[i]) for inside, has in known]
                self.nearest[attribute] = _fit(points, *groups)
            sink.advance()
        sink.stage_finished()

    def true_shapes(self, category: str, split: str) -> list[Shape]:
        """Return the true shapes of a category."""
        first = SPLIT_SEEDS[split]
        return [make_shape(category, seed) for seed in range(first, first + self.shapes)]

    def _known(
        self,
        rows: Rows,
        category: str,
        split: str,
        attributes: Sequence[Attribute],
        points: Float[Tensor, "n 3"],
    ) -> tuple[Bool[Tensor, "s n"], Bool[Tensor, "attributes 2 s"]]:
        """Return the true shapes' insideness, and which of them have which value."""
        settings = repr([category, split, self.shapes, attributes, len(points)])
        digest = hashlib.sha256(settings.encode()).hexdigest()[:12]
        path = rows.folder / f"true-{category.replace(' ', '-')}-{split}-{digest}.npz"
        if not path.exists():
            shapes = self.true_shapes(category, split)
            has = [[[shows(s, a, v) for s in shapes] for v in a.values] for a in attributes]
            with torch.no_grad():
                fields = torch.stack([Solid(s.parts).field(points) for s in shapes])
            with atomic_write(path) as file:
                np.savez(file, inside=np.packbits((fields > 0).numpy(), axis=1), has=np.array(has))
        with np.load(path) as data:
            inside = np.unpackbits(data["inside"], axis=1, count=len(points)).astype(bool)
            return torch.from_numpy(inside), torch.from_numpy(data["has"])

    def points(self, ask: Ask) -> Float[Tensor, "n 3"] | None:
        """Return where an ask's judgement needs insideness; None: it needs colours."""
        near = self.nearest.get(ask.attribute)
        return None if near is None else near.points

    def right(
        self,
        ask: Ask,
        inside: Bool[Tensor, " n"] | None,
        shares: dict[str, float] | None,
    ) -> bool:
        """Tell whether a shape shows the value asked for rather than its rival.

        Args:
            ask: What was asked.
            inside: Insideness at :meth:`points`.
            shares: Share of the surface by basic colour, where those are None.
        """
        if inside is not None:
            lead = float(self.nearest[ask.attribute].lead(inside[None]))
            return lead > 0 if ask.value == ask.attribute.values[0] else lead < 0
        assert shares is not None, "colours are judged by their shares"
        return shares[ask.value] > shares[ask.rival]

    def ceilings(self, shares: dict[str, list[tuple[Shape, dict[str, float]]]]) -> dict[str, Row]:
        """Return the judge's accuracy on true shapes, by attribute.

        Args:
            shares: True shapes of the test split by category, with their colours.
        """
        found: dict[str, Row] = {}
        for attribute, near in self.nearest.items():
            a, b = (len(group) for group in near.groups)
            found[attribute.label] = {"ceiling": near.ceiling(), "shapes": a + b}
        for attribute in self.attributes:
            if attribute.slot == "paint" and attribute.category in shares:
                flags = _colour_flags(attribute, shares[attribute.category])
                if flags:
                    accuracy = sum(flags) / len(flags)
                    found[attribute.label] = {"ceiling": accuracy, "shapes": len(flags)}
        return found


def _groups(
    inside: Bool[Tensor, "s n"], has: Bool[Tensor, "2 s"]
) -> tuple[Bool[Tensor, "a n"], Bool[Tensor, "b n"]]:
    """Part shapes by value; one that has both says nothing."""
    return inside[has[0] & ~has[1]], inside[has[1] & ~has[0]]


def _fit(
    points: Float[Tensor, "n 3"], val: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]
) -> NearestShapes:
    """Choose points on validation shapes; compare with test shapes."""
    chosen, weights = telling_points(*val, count=_POINTS)
    return NearestShapes(points[chosen], weights, (test[0][:, chosen], test[1][:, chosen]))


def _colour_flags(
    attribute: Attribute, shapes: Sequence[tuple[Shape, dict[str, float]]]
) -> list[bool]:
    """Judge each true shape's colour against the next shape's, where the two differ."""
    named = [(painted(s, attribute), s.attributes["colour"], share) for s, share in shapes]
    named = [row for row in named if row[0] is not None]
    flags = []
    for (value, body, share), (rival, _, _) in pairwise(named):
        whole = attribute.values == ("{}",)
        if value is None or rival is None or value == rival or (not whole and rival == body):
            continue
        flags.append(share[value] > share[rival])
    return flags


def colour_shares(names: np.ndarray) -> dict[str, float]:
    """Return the share of each basic colour among indices into ``COLOUR_NAMES``."""
    counts = np.bincount(names, minlength=len(COLOUR_NAMES)) / max(len(names), 1)
    return dict(zip(COLOUR_NAMES, counts.tolist(), strict=True))
