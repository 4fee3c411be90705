"""Curves on logarithmic axes as an SVG file."""

import math
from collections.abc import Mapping, Sequence

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 230, 20, 50
_COLOURS = ("#0b6e99", "#c2410c", "#15803d", "#7e22ce", "#b91c1c", "#475569")


def log_plot(curves: Mapping[str, Points], *, x_label: str, y_label: str) -> str:
    """Return an SVG document with one line per curve.

    Args:
        curves: Points of positive numbers, by the curve's name in the legend.
        x_label: Name of the horizontal axis.
        y_label: Name of the vertical axis.
    """
    xs, ys = zip(*(point for points in curves.values() for point in points), strict=True)
    x_range, y_range = _range(xs), _range(ys)

    def x_of(x: float) -> float:
        return _LEFT + _share(x, x_range) * (_WIDTH - _LEFT - _RIGHT)

    def y_of(y: float) -> float:
        return _HEIGHT - _BOTTOM - _share(y, y_range) * (_HEIGHT - _TOP - _BOTTOM)

    right, floor = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>']
    for tick in _ticks(x_range):
        x = x_of(tick)
        parts.append(_line([(x, _TOP), (x, floor)], "#e2e8f0", 1))
        parts.append(_text(x, floor + 18, _number(tick), "middle"))
    for tick in _ticks(y_range):
        y = y_of(tick)
        parts.append(_line([(_LEFT, y), (right, y)], "#e2e8f0", 1))
        parts.append(_text(_LEFT - 8, y + 4, _number(tick), "end"))
    for number, (name, points) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(_line([(x_of(x), y_of(y)) for x, y in points], colour, 2))
        level = _TOP + 12 + 20 * number
        parts.append(_line([(right + 14, level), (right + 34, level)], colour, 2))
        parts.append(_text(right + 40, level + 4, name, "start"))
    parts.append(_text((_LEFT + right) / 2, _HEIGHT - 10, x_label, "middle"))
    middle = (_TOP + floor) / 2
    parts.append(
        f'<g transform="rotate(-90 16 {middle:.1f})">{_text(16, middle, y_label, "middle")}</g>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' font-family="sans-serif" font-size="12">\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = math.log10(min(values)), math.log10(max(values))
    margin = 0.05 * (high - low) or 0.1
    return low - margin, high + margin


def _share(value: float, span: tuple[float, float]) -> float:
    return (math.log10(value) - span[0]) / (span[1] - span[0])


def _ticks(span: tuple[float, float]) -> list[float]:
    """1, 2 and 5 of each decade where they are few, else the decades alone."""
    decades = range(math.floor(span[0]), math.ceil(span[1]) + 1)
    steps = (1, 2, 5) if span[1] - span[0] < 3 else (1,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    return [tick for tick in ticks if span[0] <= math.log10(tick) <= span[1]]


def _number(value: float) -> str:
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def _line(points: Points, colour: str, width: float) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#1e293b">{escaped}</text>'
