"""Quality against evaluations, drawn as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

Point: TypeAlias = tuple[float, float]
_Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

_SIZE = (620, 440)
_LEFT, _TOP, _RIGHT, _BOTTOM = 70, 40, 20, 50
_PAPER, _INK, _GRID = (255, 255, 255), (45, 45, 48), (226, 226, 230)
_COLOURS = (
    (31, 119, 180),
    (255, 152, 40),
    (44, 160, 44),
    (148, 103, 189),
    (140, 86, 75),
    (227, 119, 194),
    (110, 110, 110),
    (188, 189, 34),
    (23, 190, 207),
    (0, 0, 110),
    (0, 90, 60),
)
_STUDENT = (204, 51, 17)
_RADIUS = 3
_LABELS = 6


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: Above it.
        lines: Points (evaluations, value) by solver, joined.
        marks: Labelled points of students.
        levels: Labelled values that belong to no number of evaluations shown, as broken lines.
    """

    title: str
    lines: Mapping[str, Sequence[Point]]
    marks: Mapping[str, Point]
    levels: Mapping[str, float] = field(default_factory=dict)


def draw_panels(panels: Sequence[Panel]) -> UInt8[np.ndarray, "h w 3"]:
    """Draw panels side by side with a common legend; evaluations on a logarithmic axis."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(names)}
    columns = 4
    legend = 22 * math.ceil(len(names) / columns) + 14
    image = Image.new("RGB", (_SIZE[0] * len(panels), _SIZE[1] + legend), _PAPER)
    draw = ImageDraw.Draw(image)
    for i, panel in enumerate(panels):
        _draw_panel(draw, panel, colours, i * _SIZE[0])
    font = ImageFont.load_default(size=14)
    for i, name in enumerate(names):
        x = _LEFT + (i % columns) * (image.width - _LEFT) / columns
        y = _SIZE[1] + 22 * (i // columns) + 8
        draw.line([x, y, x + 24, y], fill=colours[name], width=3)
        draw.text((x + 32, y), name, fill=_INK, font=font, anchor="lm")
    return np.asarray(image)


def _draw_panel(
    draw: ImageDraw.ImageDraw,
    panel: Panel,
    colours: Mapping[str, tuple[int, int, int]],
    offset: int,
) -> None:
    points = [p for line in panel.lines.values() for p in line] + list(panel.marks.values())
    axes = _Axes(points, list(panel.levels.values()), offset)
    font = ImageFont.load_default(size=14)
    _draw_frame(draw, axes, panel.title, font)
    for name, level in panel.levels.items():
        _draw_level(draw, axes, name, level, font)
    for name, line in panel.lines.items():
        dots = [axes.at(p) for p in sorted(line)]
        if len(dots) > 1:
            draw.line([c for dot in dots for c in dot], fill=colours[name], width=2)
        for x, y in dots:
            draw.ellipse([x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS], fill=colours[name])
    for name, point in panel.marks.items():
        x, y = axes.at(point)
        r = 2 * _RADIUS
        draw.polygon([(x, y - r), (x + r, y), (x, y + r), (x - r, y)], fill=_STUDENT)
        # Labels of marks near the right edge go to the left, so that they stay on the picture.
        right = x > offset + 0.8 * _SIZE[0]
        at, anchor = (x - 10, "rm") if right else (x + 10, "lm")
        draw.rectangle(draw.textbbox((at, y), name, font, anchor), fill=_PAPER)
        draw.text((at, y), name, fill=_STUDENT, font=font, anchor=anchor)


def _draw_level(
    draw: ImageDraw.ImageDraw, axes: _Axes, name: str, level: float, font: _Font
) -> None:
    left, right = axes.offset + _LEFT, axes.offset + _SIZE[0] - _RIGHT
    _, y = axes.at((1, level))
    for x in range(left, right, 10):
        draw.line([x, y, min(x + 5, right), y], fill=_STUDENT, width=2)
    draw.text((right - 8, y - 4), name, fill=_STUDENT, font=font, anchor="rb")


def _draw_frame(draw: ImageDraw.ImageDraw, axes: _Axes, title: str, font: _Font) -> None:
    left, right = axes.offset + _LEFT, axes.offset + _SIZE[0] - _RIGHT
    for evaluations in axes.ticks:
        x, _ = axes.at((evaluations, axes.low))
        draw.line([x, _TOP, x, _SIZE[1] - _BOTTOM], fill=_GRID)
        text = f"{evaluations:.0f}"
        draw.text((x, _SIZE[1] - _BOTTOM + 8), text, fill=_INK, font=font, anchor="mt")
    for value in axes.values:
        _, y = axes.at((1, value))
        draw.line([left, y, right, y], fill=_GRID)
        draw.text((left - 8, y), f"{value:.3g}", fill=_INK, font=font, anchor="rm")
    draw.rectangle([left, _TOP, right, _SIZE[1] - _BOTTOM], outline=_INK)
    middle = (left + right) / 2
    draw.text((middle, 12), title, fill=_INK, font=font, anchor="mt")
    draw.text((middle, _SIZE[1] - 6), "evaluations", fill=_INK, font=font, anchor="mb")


class _Axes:
    """Maps points to pixels: evaluations by their logarithm, values evenly."""

    def __init__(self, points: Sequence[Point], levels: Sequence[float], offset: int) -> None:
        self.offset = offset
        self.ticks = sorted({x for x, _ in points})
        values = [y for _, y in points] + list(levels)
        room = 0.06 * (max(values) - min(values)) or 0.5
        self.low, self.high = min(values) - room, max(values) + room
        self._last = max(math.log(max(self.ticks)), math.log(2))
        step = _round_step((self.high - self.low) / _LABELS)
        first = math.ceil(self.low / step)
        self.values = [n * step for n in range(first, math.floor(self.high / step) + 1)]

    def at(self, point: Point) -> tuple[float, float]:
        """Return the pixel of a point."""
        x, y = math.log(point[0]) / self._last, (point[1] - self.low) / (self.high - self.low)
        width = _SIZE[0] - _LEFT - _RIGHT
        # A little room keeps the first and the last point off the frame.
        across = 0.03 + 0.94 * x
        height = _SIZE[1] - _TOP - _BOTTOM
        return self.offset + _LEFT + across * width, _TOP + (1 - y) * height


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is no less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= least)
