"""Whether a shape has so many of a part, or a part of that colour, by true shapes.

Counts: the shape is compared, at points of space, with true held-out shapes that have the number
and with those that have not; the nearer group wins, see :mod:`gen3d.bench.attribute_judge`.

Colours: the true shapes most like the shape say which points of its surface belong to the part;
the colour that covers most of these must be the one asked for, and that of all others another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from gen3d.bench.attribute_judge import NEIGHBOURS, NearestShapes, telling_points
from gen3d.bench.part_labels import is_called, label_points
from gen3d.data.procedural import Shape, Solid, make_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.data.procedural.recognise import unit_clouds
from gen3d.data.procedural.sampling import sample_surface_points
from gen3d.geometry.color import COLOUR_NAMES, nearest_basic_colour
from gen3d.geometry.metrics import chamfer_distance
from gen3d.geometry.surface_metrics import nearest_points
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.seeds import make_generator

FEWEST = 6
"""True shapes that a judgement needs on either side."""

_CANDIDATES, _CHOSEN, _CLOUD, _COARSE = 2048, 128, 768, 256
_ALIKE = 3


def true_shapes(category: str, split: str, count: int) -> list[Shape]:
    """Return the first shapes of a category and split."""
    first = SPLIT_SEEDS[split]
    return [make_shape(category, seed) for seed in range(first, first + count)]


def counts_of(shape: Shape) -> dict[str, int]:
    """Return how many of its countable parts a true shape has, by plural word."""
    return json.loads(shape.attributes["counts"])


def part_colours_of(shape: Shape) -> dict[str, str]:
    """Return the basic colours of a true shape's parts, where they are not the dominant one."""
    return json.loads(shape.attributes["parts"])


def fit_count_judge(
    fitted: Sequence[Shape], held_out: Sequence[Shape], word: str, count: int
) -> NearestShapes | None:
    """Return a judge of one number of one part; None: too few shapes have it, or have it not.

    Args:
        fitted: True shapes that choose the points of comparison.
        held_out: Others of the category, which are compared with.
        word: Plural of the part.
        count: The number.
    """
    points = torch.rand(_CANDIDATES, 3, generator=make_generator(0)) * 2 - 1
    groups = [_parted(shapes, word, count, points) for shapes in (fitted, held_out)]
    if min(len(side) for pair in groups for side in pair) < max(FEWEST, NEIGHBOURS + 1):
        return None
    chosen, weights = telling_points(*groups[0], count=_CHOSEN)
    first, second = groups[1]
    return NearestShapes(points[chosen], weights, (first[:, chosen], second[:, chosen]))


def _parted(
    shapes: Sequence[Shape], word: str, count: int, points: Float[Tensor, "n 3"]
) -> tuple[Bool[Tensor, "a n"], Bool[Tensor, "b n"]]:
    has = torch.tensor([counts_of(shape).get(word) == count for shape in shapes])
    if min(int(has.sum()), int((~has).sum())) < FEWEST:
        # Nothing will come of these, so their fields are not worth the time.
        return torch.zeros(0, len(points)).bool(), torch.zeros(0, len(points)).bool()
    with torch.no_grad():
        inside = torch.stack([Solid(shape.parts).field(points) > 0 for shape in shapes])
    return inside[has], inside[~has]


@dataclass(frozen=True)
class ColourJudge:
    """Tells the colour of a part from the rest's.

    Attributes:
        clouds: Surfaces of true shapes that have the part in a colour of its own, unit size.
        of_part: Which of their points belong to it.
        names: Basic colour of each point.
        told: Basic colour of the part, of each shape.
    """

    clouds: Float[Tensor, "s n 3"]
    of_part: Bool[Tensor, "s n"]
    names: UInt8[np.ndarray, "s n"]
    told: Int[np.ndarray, " s"]

    def right(
        self,
        cloud: Float[Tensor, "n 3"],
        names: UInt8[np.ndarray, " n"],
        colour: str,
        *,
        itself: int | None = None,
    ) -> bool:
        """Tell whether a shape's part has a colour, and the rest another.

        Args:
            cloud: Its surface, unit size.
            names: Basic colour of each point.
            colour: Asked for.
            itself: It is this one of the true shapes, and not to be compared with itself.
        """
        here = self.locate(cloud, itself=itself)
        asked = COLOUR_NAMES.index(colour)
        if not here.any() or here.all():
            return False
        part, rest = (np.bincount(names[side]).argmax() for side in (here, ~here))
        return bool(part == asked and rest != asked)

    def locate(
        self, cloud: Float[Tensor, "n 3"], *, itself: int | None = None
    ) -> Bool[np.ndarray, " n"]:
        """Tell which points of a shape belong to the part: most of the like shapes must say so."""
        distance = chamfer_distance(cloud[:_COARSE], self.clouds[:, :_COARSE])
        if itself is not None:
            distance[itself] = torch.inf
        votes = torch.zeros(len(cloud))
        for index in distance.topk(_ALIKE, largest=False).indices.tolist():
            votes += self.of_part[index][nearest_points(cloud, self.clouds[index])[1]]
        return (votes > _ALIKE / 2).numpy()

    def ceiling(self) -> float:
        """Return the accuracy on the true shapes themselves, each left out in its turn."""
        flags = [
            self.right(cloud, names, COLOUR_NAMES[told], itself=i)
            for i, (cloud, names, told) in enumerate(
                zip(self.clouds, self.names, self.told.tolist(), strict=True)
            )
        ]
        return sum(flags) / len(flags)


def fit_colour_judge(shapes: Sequence[Shape], word: str, cache: Path) -> ColourJudge | None:
    """Return a judge of one part's colour; None: too few shapes have it, or none shows where.

    Args:
        shapes: True held-out shapes of one category.
        word: The part, as captions say it.
        cache: Keeps what was sampled.
    """
    own = [shape for shape in shapes if word in part_colours_of(shape)]
    own = [shape for shape in own if any(is_called(part, word) for part in shape.parts)]
    if len(own) < FEWEST:
        return None
    about = repr([[(s.category, s.seed, s.attributes, len(s.parts)) for s in own], word, _CLOUD])
    path = cache / f"part-{hashlib.sha256(about.encode()).hexdigest()[:16]}.npz"
    if not path.exists():
        rows = [_labelled(shape, word) for shape in own]
        points, names, labels = (np.stack(column) for column in zip(*rows, strict=True))
        with atomic_write(path) as file:
            np.savez(file, points=points, names=names, labels=labels)
    with np.load(path) as data:
        clouds, labels = torch.from_numpy(data["points"]), torch.from_numpy(data["labels"])
        told = np.array([COLOUR_NAMES.index(part_colours_of(shape)[word]) for shape in own])
        return ColourJudge(unit_clouds(clouds), labels, data["names"], told)


def _labelled(shape: Shape, word: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    solid = Solid(shape.parts)
    points, _ = sample_surface_points(shape, solid, _CLOUD, np.random.default_rng(shape.seed))
    with torch.no_grad():
        colours = solid.colour(points).double().numpy()
    labels = label_points(shape, points, lambda part: is_called(part, word))
    return points.numpy(), nearest_basic_colour(colours).astype(np.uint8), labels.numpy()
