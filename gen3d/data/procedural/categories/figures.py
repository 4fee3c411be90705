"""Robots and snowmen."""

from __future__ import annotations

import itertools
import math

import numpy as np

from gen3d.data.procedural.categories.details import accent
from gen3d.data.procedural.categories.natural import natural_finish
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def robot(rng: np.random.Generator, palette: Palette) -> Draft:
    """A robot that looks along +Z: a boxy or round body on legs or wheels, arms with claws."""
    finish = palette.finish("metal", "metal", "steel", "plastic", "golden")
    colour = finish.tone.rgb
    boxy = rng.uniform() < 0.65
    wide, tall, deep = rng.uniform(0.36, 0.5), rng.uniform(0.4, 0.52), rng.uniform(0.26, 0.36)
    sketch = Sketch()
    draft = Draft(sketch, "robot", finish, ["android", "toy robot", "droid"])
    foot = rng.uniform(0.26, 0.36)
    middle, top = foot + tall / 2, foot + tall
    with sketch.named("body"):
        if boxy:
            sketch.box((0, middle, 0), (wide, tall, deep), colour, rounding=0.03)
        else:
            sketch.cylinder((0, foot, 0), (0, top, 0), wide / 2, colour, rounding=0.08)
            deep = wide
    front = deep / 2
    limbs = accent(draft, palette, "arms") if rng.uniform() < 0.4 else colour
    _stand(draft, rng, palette, foot, wide)
    shoulder, reach = top - 0.09, wide / 2 + 0.07
    raised = rng.uniform() < 0.25
    with sketch.named("arms"):
        for side in (-1, 1):
            joint = (side * reach, shoulder, 0.0)
            up = raised and side == 1
            elbow = (side * (reach + 0.07), shoulder + (0.12 if up else -0.2), 0.02)
            hand = (side * (reach + 0.06), shoulder + (0.32 if up else -0.34), 0.12)
            sketch.ball((side * (wide / 2 + 0.02), shoulder, 0), 0.085, limbs)
            sketch.limb(joint, elbow, 0.045, limbs)
            sketch.limb(elbow, hand, 0.045, limbs)
            sketch.ball(elbow, 0.06, limbs)
            _claw(sketch, hand, limbs, up=up)
    if raised:
        draft.features.append("with a raised arm")
    _robot_head(draft, rng, palette, top)
    kind = rng.uniform()
    if kind < 0.4:
        with sketch.named("screen"):
            screen = accent(draft, palette, "screen", "light blue", "green", "black", "white")
            size = (0.58 * wide, 0.36 * tall, 0.06 if boxy else 0.1)
            sketch.box((0, middle + 0.06, front - 0.01), size, screen, rounding=0.015)
    elif kind < 0.8:
        buttons = int(rng.integers(2, 5))
        paint = accent(draft, palette, "buttons", "red", "yellow", "green", "white")
        with sketch.named("buttons"):
            for i in range(buttons):
                y = middle + 0.13 - 0.11 * i
                sketch.ball((0, y, front), (0.042, 0.042, 0.04), paint)
        draft.counts["buttons"] = buttons
    if wide / tall > 1.05:
        draft.adjectives.append("wide")
    elif wide / tall < 0.8:
        draft.adjectives.append("slim")
    draft.adjectives.append("boxy" if boxy else "round")
    return draft


def _claw(
    sketch: Sketch,
    hand: tuple[float, float, float],
    colour: tuple[float, float, float],
    *,
    up: bool,
) -> None:
    x, y, z = hand
    lift = 0.1 if up else -0.05
    with sketch.named("claws"):
        sketch.ball(hand, 0.055, colour)
        for side in (-1, 1):
            knuckle = (x + side * 0.075, y + 0.5 * lift, z + 0.05)
            tip = (x + side * 0.05, y + lift, z + 0.13)
            sketch.limb(hand, knuckle, 0.034, colour)
            sketch.limb(knuckle, tip, 0.034, colour, top=0.024)


def _stand(
    draft: Draft, rng: np.random.Generator, palette: Palette, foot: float, wide: float
) -> None:
    """Two legs with feet, or wheels on an axle, or tracks."""
    sketch, kind = draft.sketch, int(rng.choice(3, p=(0.62, 0.2, 0.18)))
    colour = draft.finish.tone.rgb
    if kind == 0:
        paint = accent(draft, palette, "feet") if rng.uniform() < 0.4 else colour
        for side in (-1, 1):
            x = side * 0.27 * wide
            with sketch.named("legs"):
                sketch.cylinder((x, 0.05, 0), (x, foot + 0.05, 0), 0.06, colour)
                sketch.ball((x, 0.55 * foot, 0), 0.075, colour)
            with sketch.named("feet"):
                size = (0.3 * wide + 0.04, 0.1, 0.26)
                sketch.box((x, 0.05, 0.04), size, paint, rounding=0.025)
    elif kind == 1:
        paint = accent(draft, palette, "wheels", "black", "dark grey", "red", "blue")
        radius = rng.uniform(0.14, 0.18)
        with sketch.named("legs"):
            sketch.cylinder((0, radius, 0), (0, foot + 0.05, 0), 0.09, colour)
            sketch.cylinder((-0.5 * wide, radius, 0), (0.5 * wide, radius, 0), 0.045, colour)
        with sketch.named("wheels"):
            for side in (-1, 1):
                hub = side * 0.42 * wide
                ends = (hub - 0.045, radius, 0), (hub + 0.045, radius, 0)
                sketch.cylinder(*ends, radius, paint, rounding=0.02)
                sketch.ball((hub + side * 0.045, radius, 0), 0.06, colour)
        draft.features.append("on two wheels")
    else:
        paint = accent(draft, palette, "tracks", "black", "dark grey", "brown")
        with sketch.named("tracks"):
            for side in (-1, 1):
                x = side * 0.36 * wide
                sketch.box((x, 0.1, 0), (0.15, 0.2, 0.5), paint, rounding=0.095)
        sketch.box((0, 0.6 * foot, 0), (0.6 * wide, foot, 0.22), colour, rounding=0.02)


def _robot_head(draft: Draft, rng: np.random.Generator, palette: Palette, top: float) -> None:
    """Neck, head with eyes or a visor, mouth, ears and antennas."""
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    size, tall, form = rng.uniform(0.3, 0.4), rng.uniform(0.24, 0.32), int(rng.integers(3))
    head = accent(draft, palette, "head") if rng.uniform() < 0.3 else colour
    base, front = top + 0.05, 0.4 * size
    sketch.cylinder((0, top - 0.04, 0), (0, base + 0.06, 0), 0.075, colour)
    with sketch.named("head"):
        if form == 0:
            sketch.box((0, base + tall / 2, 0), (size, tall, 0.8 * size), head, rounding=0.03)
        elif form == 1:
            front = 0.45 * size
            sketch.cylinder((0, base, 0), (0, base + tall, 0), front, head, rounding=0.04)
        else:
            front = 0.5 * size
            sketch.ball((0, base + tall / 2, 0), (front, 0.55 * tall, front), head)
    look = base + 0.58 * tall
    eyes = int(rng.choice((1, 2), p=(0.25, 0.75)))
    if rng.uniform() < 0.2:
        with sketch.named("visor"):
            visor = accent(draft, palette, "visor", "black", "light blue", "red", "yellow")
            sketch.box((0, look, front - 0.06), (0.72 * size, 0.08, 0.17), visor, rounding=0.03)
    else:
        word = "eyes" if eyes == 2 else "eye"
        glow = accent(draft, palette, word, "yellow", "red", "light blue", "white", "black")
        with sketch.named("eyes"):
            radius = 0.06 if eyes == 2 else 0.085
            for x in (-0.23 * size, 0.23 * size) if eyes == 2 else (0.0,):
                at = (x, look, math.sqrt(max(front**2 - x**2, 0)) - 0.01 if form else front)
                sketch.ball(at, (radius, radius, 0.055), glow)
        draft.counts["eyes"] = eyes
    if form == 0:
        dark = palette.paint("dark grey" if draft.finish.tone.name != "grey" else "black")
        sketch.box((0, base + 0.2 * tall, front), (0.42 * size, 0.042, 0.06), dark)
    antennas = int(rng.choice(3, p=(0.3, 0.4, 0.3)))
    tip = accent(draft, palette, "antennas") if antennas else colour
    with sketch.named("antennas"):
        long = rng.uniform(0.12, 0.2)
        for x in ((), (0.0,), (-0.11, 0.11))[antennas]:
            end = (1.6 * x, base + tall + long, 0)
            sketch.limb((x, base + 0.8 * tall, 0), end, 0.028, tip)
            sketch.ball(end, 0.052, tip)
    draft.counts["antennas"] = antennas
    if rng.uniform() < 0.4:
        with sketch.named("ears"):
            for side in (-1, 1):
                ends = (side * 0.3 * size, look, 0), (side * (0.5 * size + 0.05), look, 0)
                sketch.cylinder(*ends, 0.07, colour, rounding=0.015)


def snowman(rng: np.random.Generator, palette: Palette) -> Draft:
    """A snowman of two or three balls with a carrot nose, buttons, arms, hat and scarf."""
    finish = natural_finish(palette, "white", natural=0.55)
    colour = finish.tone.rgb
    balls = int(rng.choice((2, 3), p=(0.4, 0.6)))
    sketch = Sketch()
    draft = Draft(sketch, "snowman", finish, ["snow man", "winter snowman"])
    draft.counts["balls"] = balls
    radii = [rng.uniform(0.36, 0.44)]
    for _ in range(balls - 1):
        radii.append(radii[-1] * rng.uniform(0.68, 0.78))
    heights = [0.86 * radii[0]]
    for low, high in itertools.pairwise(radii):
        heights.append(heights[-1] + 0.8 * (low + high))
    for radius, y in zip(radii, heights, strict=True):
        with sketch.named("balls"):
            sketch.ball((0, y, 0), (radius, 0.94 * radius, radius), colour)
    # Snow is flat where it stands.
    sketch.cylinder((0, 0, 0), (0, 0.2, 0), 0.75 * radii[0], colour, rounding=0.04)
    head, face = heights[-1], radii[-1]
    coal = palette.paint("black" if finish.tone.name != "black" else "white")
    with sketch.named("eyes"):
        for side in (-1, 1):
            x, y = 0.36 * face, 0.3 * face
            z = math.sqrt(face**2 - x**2 - y**2)
            sketch.ball((side * x, head + y, z), 0.04, coal)
    nose = accent(draft, palette, "nose", "orange", "bright orange", "red")
    with sketch.named("nose"):
        long = rng.uniform(0.14, 0.26)
        end = (0, head - 0.03, face + long)
        sketch.limb((0, head, 0.7 * face), end, 0.06, nose, top=0.018)
    draft.features.append("with a carrot nose" if "nose" in draft.part_tones else "with a nose")
    body, girth = heights[-2], radii[-2]
    buttons = int(rng.integers(2, 5)) if rng.uniform() < 0.85 else 0
    if buttons:
        knob = accent(draft, palette, "buttons", "black", "dark grey", "red", "blue", "green")
        with sketch.named("buttons"):
            for i in range(buttons):
                angle = math.radians(32 - 68 * i / (buttons - 1))
                at = (0, body + 0.94 * girth * math.sin(angle), girth * math.cos(angle))
                sketch.ball(at, 0.042, knob)
        draft.counts["buttons"] = buttons
    if rng.uniform() < 0.8:
        _sticks(draft, rng, palette, body, girth)
    _wrap_up(draft, rng, palette, head, face)
    return draft


def _sticks(
    draft: Draft, rng: np.random.Generator, palette: Palette, body: float, girth: float
) -> None:
    """Arms of sticks with twigs."""
    sketch, lift = draft.sketch, rng.uniform(-0.04, 0.24)
    bark = accent(draft, palette, "arms", "brown", "dark brown", "black")
    with sketch.named("arms"):
        for side in (-1, 1):
            reach = girth + 0.24
            elbow = (side * (girth + 0.1), body + 0.14 + 0.4 * lift, 0.0)
            hand = (side * (reach + 0.08), body + 0.16 + lift, 0.04)
            sketch.limb((side * 0.7 * girth, body + 0.08, 0), elbow, 0.032, bark)
            sketch.limb(elbow, hand, 0.032, bark, top=0.028)
            twig = (side * (reach + 0.04), body + 0.3 + lift, 0.0)
            sketch.limb(elbow, twig, 0.03, bark, top=0.026)


def _wrap_up(
    draft: Draft, rng: np.random.Generator, palette: Palette, head: float, face: float
) -> None:
    """Hat and scarf."""
    sketch = draft.sketch
    brow, hat_kind = head + 0.62 * face, int(rng.choice(4, p=(0.4, 0.22, 0.18, 0.2)))
    hats = ("black", "red", "blue", "dark grey", "brown", "purple", "green")
    hat = accent(draft, palette, "hat", *hats) if hat_kind < 3 else draft.finish.tone.rgb
    with sketch.named("hat"):
        if hat_kind == 0:
            high = rng.uniform(0.18, 0.3)
            sketch.cylinder((0, brow, 0), (0, brow + 0.055, 0), 1.05 * face, hat, rounding=0.015)
            sketch.cylinder((0, brow, 0), (0, brow + high, 0), 0.68 * face, hat, rounding=0.015)
            band = palette.any("red", "yellow", "white", other_than="black")
            low, top = (0, brow + 0.055, 0), (0, brow + 0.11, 0)
            sketch.cylinder(low, top, 0.7 * face, band.rgb, op="paint")
            draft.features.append("with a top hat")
        elif hat_kind == 1:
            sketch.cylinder(
                (0, brow - 0.04, 0), (0, brow + 0.06, 0), 0.86 * face, hat, rounding=0.03
            )
            sketch.ball((0, brow + 0.04, 0), (0.76 * face, 0.6 * face, 0.76 * face), hat)
            sketch.ball((0, brow + 0.04 + 0.62 * face, 0), 0.075, palette.paint("white"))
            draft.features.append("with a bobble hat")
        elif hat_kind == 2:
            sketch.cylinder((0, brow - 0.02, 0), (0, brow + 0.26, 0), 0.7 * face, hat, top=0.04)
            draft.features.append("with a pointed hat")
    if rng.uniform() < 0.6:
        scarf = accent(draft, palette, "scarf", "red", "blue", "green", "yellow", "purple")
        with sketch.named("scarf"):
            y = head - 0.78 * face
            sketch.ring((0, y, 0), 0.68 * face, 0.06, scarf, turn=(90, 0, 0))
            x, z = 0.3 * face, 0.78 * face
            sketch.limb((x, y, z - 0.04), (x + 0.04, y - 0.24, z + 0.1), 0.05, scarf)
