"""Cars, airplanes and sailboats."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.details import FLAT, SIDE_ON
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch

_CARS = ("sedan", "hatchback", "sports car", "van", "pickup truck")
# Cabin along z in fractions of the length: foot and roof of the rear, roof and foot in front.
_CABINS = {
    "sedan": (-0.34, -0.22, 0.06, 0.21),
    "hatchback": (-0.48, -0.38, 0.08, 0.24),
    "sports car": (-0.36, -0.14, 0.0, 0.17),
    "van": (-0.49, -0.47, 0.22, 0.36),
    "pickup truck": (-0.12, -0.09, 0.10, 0.22),
}


def car(rng: np.random.Generator, palette: Palette) -> Draft:
    """A car that points along +Z: sedan, hatchback, sports car, van or pickup."""
    finish = palette.finish("metal", "plastic", plain=0.8, painted=0.7)
    colour, dark = finish.tone.rgb, finish.tone.name == "black"
    style = _CARS[int(rng.integers(5))]
    scale = {"sedan": 1.0, "hatchback": 0.85, "sports car": 0.96, "van": 1.05}.get(style, 1.1)
    length, width = 4.2 * scale * rng.uniform(0.93, 1.07), rng.uniform(1.65, 2.0)
    low = style == "sports car"
    wheel = rng.uniform(0.36, 0.48)
    floor, belt = 0.6 * wheel, rng.uniform(0.85, 0.95) - 0.12 * low
    roof = belt + rng.uniform(0.5, 0.66) - 0.12 * low + (0.25 if style == "van" else 0.0)
    a, b, c, d = (length * s + rng.uniform(-0.05, 0.05) for s in _CABINS[style])
    sketch = Sketch()
    draft = Draft(sketch, "car", finish, [style, "automobile"])
    middle, half = (floor + belt) / 2, length / 2
    sketch.box((0, middle, 0), (width, belt - floor, length), colour, rounding=0.14)
    cabin = [(a, belt - 0.15), (b, roof), (c, roof), (d, belt - 0.15)]
    sketch.prism(cabin, (0, 0, 0), 0.88 * width, colour, rounding=0.06, turn=SIDE_ON, blend=0.1)
    if style == "pickup truck":
        # Walls around the open bed behind the cabin.
        far = a + half
        for x in (-1, 1):
            at = (x * (width / 2 - 0.1), belt, -half + far / 2)
            sketch.box(at, (0.2, 0.36, far), colour, rounding=0.05)
        sketch.box((0, belt, -half + 0.1), (width, 0.36, 0.2), colour, rounding=0.05)
    glass = palette.any("black", "light blue", "dark blue", other_than=finish.tone.name)
    pane = draft.tint("windows", glass)
    rise, mid = roof - belt, (b + c) / 2
    with sketch.named("windows"):
        for lo, hi in ((b + 0.06, mid - 0.06), (mid + 0.06, c + 0.04)):
            if hi - lo > 0.2:
                at, size = (0, belt + 0.5 * rise, (lo + hi) / 2), (2.2, 0.62 * rise, hi - lo)
                sketch.box(at, size, pane, rounding=0.03, op="paint")
        for lo, hi in ((a - 0.4, b - 0.02), (c + 0.04, d + 0.4)):
            at, size = (0, belt + 0.5 * rise, (lo + hi) / 2), (0.72 * width, 0.66 * rise, hi - lo)
            sketch.box(at, size, pane, op="paint")
    tyre = draft.tint("wheels", palette.any("dark grey" if dark else "black"))
    hub = palette.any("light grey", "light grey", "white", "red", "yellow", "blue")
    axle = 0.3 * length
    for x, z in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        out, into = x * (width / 2 + 0.05), x * (width / 2 - 0.3)
        with sketch.named("wheels"):
            ends = ((into, wheel, z * axle), (out, wheel, z * axle))
            sketch.cylinder(*ends, wheel, tyre, rounding=0.05)
        with sketch.named("hubcaps"):
            cap = (out + x * 0.04, wheel, z * axle)
            sketch.cylinder(ends[0], cap, 0.52 * wheel, hub.rgb, rounding=0.03)
        lamp = palette.paint("yellow" if z > 0 else "dark red")
        with sketch.named("lights"):
            at = (x * 0.36 * width, belt - 0.24, z * (half - 0.03))
            sketch.ball(at, (0.19, 0.12, 0.11), lamp)
    if hub.name != "grey":
        draft.tint("hubcaps", hub)
    _car_extras(draft, rng, palette, (width, length, belt, roof), (b, c), style)
    if low or style == "van":
        draft.adjectives.append("low" if low else "tall")
    return draft


def _car_extras(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    sizes: tuple[float, float, float, float],
    roof_span: tuple[float, float],
    style: str,
) -> None:
    """Add at most one of a spoiler, a roof rack with luggage, stripes and a coloured roof."""
    width, length, belt, roof = sizes
    sketch, body, chance = draft.sketch, draft.finish.tone.name, rng.uniform()
    if style in ("sports car", "sedan") and chance < 0.35:
        spoiler = draft.tint("spoiler", palette.second(draft.finish, 0.5))
        with sketch.named("spoiler"):
            z = -length / 2 + 0.2
            for x in (-0.32, 0.32):
                post = (x * width, belt + 0.08, z)
                sketch.box(post, (0.14, 0.4, 0.16), spoiler)
            sketch.box((0, belt + 0.28, z), (0.95 * width, 0.15, 0.4), spoiler, rounding=0.04)
        draft.features.append("with a spoiler")
    elif style in ("hatchback", "van", "sedan") and chance < 0.3:
        tone = palette.any(other_than=body)
        load = draft.tint("suitcases", tone)
        count = int(rng.integers(1, 3))
        if count == 1:
            draft.part_tones["suitcase"] = draft.part_tones.pop("suitcases")
        middle, span = (roof_span[0] + roof_span[1]) / 2, roof_span[1] - roof_span[0]
        with sketch.named("suitcases" if count > 1 else "suitcase"):
            for i in range(count):
                z = middle + (i - (count - 1) / 2) * 0.5 * span
                size = (0.6 * width, 0.34, 0.6 * span if count == 1 else 0.5 * span - 0.18)
                sketch.box((0, roof + 0.16, z), size, load, rounding=0.05)
        draft.counts["suitcases"] = count
    elif chance < 0.55:
        count = int(rng.integers(1, 3))
        word = "stripes" if count > 1 else "stripe"
        paint = draft.tint(word, palette.any(other_than=body))
        with sketch.named(word):
            for i in range(count):
                x = (i - (count - 1) / 2) * 0.3 * width
                # Above the windows' band and the lights, along the middle.
                for y, z, deep in ((roof, 0.0, 0.16), (belt, 0.0, 0.1)):
                    sketch.box((x, y, z), (0.16 * width, deep, 2 * length), paint, op="paint")
        draft.counts["stripes"] = count
    elif chance < 0.7:
        top = draft.tint("roof", palette.any("white", "black", "red", other_than=body))
        with sketch.named("roof"):
            sketch.box((0, roof + 0.5, 0), (4, 1.1, 8), top, op="paint")


def airplane(rng: np.random.Generator, palette: Palette) -> Draft:
    """An airplane that points along +Z: airliner, propeller plane or biplane."""
    finish = palette.finish("metal", "plastic", "wooden", plain=0.7, painted=0.7)
    colour, accent = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    style = ("jet", "propeller", "biplane")[int(rng.choice(3, p=(0.5, 0.32, 0.18)))]
    jet, two = style == "jet", style == "biplane"
    girth, span = rng.uniform(0.062, 0.088) + 0.012 * (not jet), rng.uniform(0.44, 0.6)
    sweep = rng.uniform(0.12, 0.26) if jet else rng.uniform(-0.02, 0.03)
    root, tip = rng.uniform(0.22, 0.3), rng.uniform(0.1, 0.14) if jet else rng.uniform(0.16, 0.22)
    ahead = rng.uniform(0.05, 0.14)
    sketch = Sketch()
    draft = Draft(sketch, "airplane", finish, ["plane", "aeroplane", "aircraft"])
    sketch.limb((0, 0, -0.45), (0, 0, 0.4), 0.5 * girth, colour, top=girth)
    sketch.ball((0, 0, 0.1), (girth, girth, 0.42), colour, blend=0.05)
    wing = [(0, ahead), (span, ahead - sweep), (span, ahead - sweep - tip), (0, ahead - root)]
    wing += [(-x, y) for x, y in wing[2:0:-1]]
    level = rng.uniform(-0.6, 0.6) * girth if not two else -0.6 * girth
    with sketch.named("wings"):
        sketch.prism(wing, (0, level, 0), 0.046, colour, rounding=0.012, turn=FLAT, blend=0.02)
    if two:
        with sketch.named("wings"):
            above = (0, level + 0.24, 0)
            sketch.prism(wing, above, 0.046, colour, rounding=0.012, turn=FLAT)
        with sketch.named("struts"):
            strut = draft.tint("struts", accent)
            for x in (-0.68 * span, -0.05, 0.05, 0.68 * span):
                ends = (x, level, ahead - 0.5 * root), (x, level + 0.24, ahead - 0.5 * root)
                sketch.cylinder(*ends, 0.022, strut)
    tips = rng.uniform() < 0.5
    if tips:
        with sketch.named("wing tips"):
            paint = draft.tint("wing tips", accent)
            for x in (-1, 1):
                end = (x * (span - 0.07), 0, ahead - 0.5)
                sketch.box(end, (0.14, 1, 1.4), paint, op="paint")
    _tail(draft, rng, palette, (girth, span), jet=jet)
    pane = palette.paint("grey" if finish.tone.name == "black" else "black")
    with sketch.named("windows"):
        sketch.box((0, 0.55 * girth, 0.41), (0.3, 0.4 * girth, 0.12), pane, op="paint")
        if jet and rng.uniform() < 0.5:
            for i in range(5):
                at = (0, 0.35 * girth, 0.24 - 0.1 * i)
                sketch.box(at, (0.4, 0.4 * girth, 0.045), pane, op="paint")
            draft.features.append("with windows along the side")
    if jet:
        _jets(draft, rng, palette, (span, level, ahead, sweep))
    else:
        _propellers(draft, rng, palette, (span, level, ahead), single=two)
        if not two and rng.uniform() < 0.5:
            with sketch.named("cockpit"):
                sketch.ball((0, 0.9 * girth, 0.16), (0.7 * girth, 0.8 * girth, 0.13), pane)
    if two:
        draft.style = "vintage"
    if rng.uniform() < (0.75 if not jet else 0.3):
        rubber = palette.paint("black" if finish.tone.name != "black" else "grey")
        with sketch.named("wheels"):
            for x, z in ((-0.12, 0.02), (0.12, 0.02), (0.0, 0.3)):
                low = min(level, 0.0) - 0.13
                sketch.limb((x, low, z), (0.5 * x, level if x else 0, z), 0.019, colour)
                axle = (x - 0.02, low, z), (x + 0.02, low, z)
                sketch.cylinder(*axle, 0.045, rubber, rounding=0.01)
        draft.features.append("with wheels")
    if span > 0.565:
        draft.adjectives.append("wide")
    return draft


def _tail(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    sizes: tuple[float, float],
    *,
    jet: bool,
) -> None:
    girth, span = sizes
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    tail, fin = 0.44 * span, rng.uniform(0.17, 0.24)
    back = [(0, -0.32), (tail, -0.4), (tail, -0.49), (0, -0.48)]
    back += [(-x, y) for x, y in back[2:0:-1]]
    raised = jet and rng.uniform() < 0.25
    rise = fin if raised else 0.1 * girth
    sketch.prism(back, (0, rise, 0), 0.046, colour, rounding=0.012, turn=FLAT)
    upright = [(-0.3, 0), (-0.42, fin), (-0.5, fin), (-0.47, 0)]
    tone = palette.second(draft.finish, 0.6)
    with sketch.named("tail"):
        paint = draft.tint("tail", tone)
        sketch.prism(upright, (0, 0, 0), 0.046, paint, rounding=0.012, turn=SIDE_ON)
    if raised:
        draft.features.append("with a t-shaped tail")


def _jets(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    place: tuple[float, float, float, float],
) -> None:
    """Hang one or two engines under each wing."""
    span, level, ahead, sweep = place
    pairs = int(rng.integers(1, 3))
    metal = draft.tint(
        "engines", palette.second(draft.finish, 0.75, "grey", "white", "red", "blue")
    )
    with draft.sketch.named("engines"):
        for side in (-1, 1):
            for i in range(pairs):
                x = side * span * (0.36 if pairs == 1 else 0.3 + 0.32 * i)
                z = ahead - sweep * abs(x) / span
                back, front = (x, level - 0.04, z - 0.14), (x, level - 0.04, z + 0.06)
                draft.sketch.cylinder(back, front, 0.036, metal, top=0.05, rounding=0.01)
    draft.counts["engines"] = 2 * pairs
    draft.synonyms.append("jet")


def _propellers(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    place: tuple[float, float, float],
    *,
    single: bool,
) -> None:
    """Put a propeller on the nose, or one or two on each wing."""
    span, level, ahead = place
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    pairs = 0 if single or rng.uniform() < 0.6 else int(rng.integers(1, 3))
    shares = ((0.4,), (0.3, 0.66))[pairs - 1]
    places = [(side * share * span, level, ahead + 0.08) for side in (-1, 1) for share in shares]
    places = places if pairs else [(0.0, 0.0, 0.5)]
    word = "propellers" if pairs else "propeller"
    blade = rng.uniform(0.14, 0.2) if not pairs else 0.13 * span / 0.5
    tone = palette.any("black", "white", "red", "yellow", "grey", other_than=draft.finish.tone.name)
    paint, crossed = draft.tint(word, tone), rng.uniform() < 0.4
    for x, y, z in places:
        if pairs:
            ends = (x, y, z - 0.16), (x, y, z)
            sketch.cylinder(*ends, 0.045, colour, rounding=0.01)
        with sketch.named(word):
            sketch.limb((x, y, z - 0.08), (x, y, z + 0.02), 0.045, paint, top=0.03)
            sketch.box((x, y, z + 0.01), (0.06, 2 * blade, 0.045), paint, rounding=0.02)
            if crossed:
                sketch.box((x, y, z + 0.01), (2 * blade, 0.06, 0.045), paint, rounding=0.02)
    draft.counts["propellers"] = max(1, 2 * pairs)
    draft.synonyms.append("biplane" if single else "propeller plane")


def sailboat(rng: np.random.Generator, palette: Palette) -> Draft:
    """A sailboat with its bow along +X, so that the sails face +Z."""
    finish = palette.finish("wooden", "plastic", plain=0.75)
    colour = finish.tone.rgb
    white = rng.uniform() < 0.5 and finish.tone.name != "white"
    other = palette.any(*(["white"] if white else []), other_than=finish.tone.name)
    matched = rng.uniform() < 0.35
    long, deep, wide = rng.uniform(0.58, 0.72), rng.uniform(0.36, 0.46), rng.uniform(0.25, 0.33)
    masts = 2 if rng.uniform() < 0.2 else 1
    mast = rng.uniform(0.82, 1.05)
    at = rng.uniform(0.0, 0.14) if masts == 1 else rng.uniform(0.14, 0.2)
    sketch = Sketch()
    draft = Draft(sketch, "sailboat", finish, ["sailing boat", "boat", "yacht"])
    sketch.ball((0, 0, 0), (long, deep, wide), colour)
    sketch.box((0, 0.5, 0), (2, 1, 2), colour, op="cut")
    # A gunwale that rises towards the bow.
    sketch.box((0.35 * long, -0.02, 0), (0.5 * long, 0.1, 0.9 * wide), colour, rounding=0.04)
    wood = palette.any("brown", "black", "grey", other_than=finish.tone.name)
    stick = draft.tint("masts" if masts == 2 else "mast", wood)
    cloth = colour if matched else other.rgb
    foot = rng.uniform(0.1, 0.15)
    square = bool(rng.uniform() < 0.2)
    rear = at - 0.5 * long if masts == 2 else at
    sails = _rig(sketch, cloth, stick, (at, mast, foot, 0.74 * long + rear), square)
    if masts == 2:
        sails += _rig(
            sketch, cloth, stick, (rear - 0.03, 0.72 * mast, foot, 0.62 * long + rear), square
        )
    if rng.uniform() < (0.8 if matched else 0.45):
        head = rng.uniform(0.6, 0.9) * mast
        jib = [(-0.02, head), (-0.02, foot + 0.04), (0.72 * (long - at), foot + 0.01)]
        with sketch.named("sails"):
            sketch.prism(jib, (at, 0, 0), 0.055, cloth, rounding=0.02)
        # The stay's foot ties the jib to the deck.
        tack = (at + 0.62 * (long - at), foot + 0.02, 0)
        sketch.cylinder((tack[0], -0.05, 0), tack, 0.034, stick)
        sails += 1
    draft.counts["sails"] = sails
    if masts == 2:
        draft.counts["masts"] = 2
    if not matched:
        draft.part_tones["sails" if sails > 1 else "sail"] = other
    else:
        with sketch.named("keel"):
            low = (0, -0.62 * deep - 0.5, 0)
            sketch.box(low, (2, 1, 2), draft.tint("keel", other), op="paint")
    if rng.uniform() < 0.4:
        flag = draft.tint("flag", palette.any(other_than=finish.tone.name))
        pennant = [(0, mast - 0.02), (0, mast + 0.12), (0.2, mast + 0.05)]
        with sketch.named("flag"):
            sketch.prism(pennant, (at, 0, 0), 0.06, flag, rounding=0.015)
    if masts == 1 and rng.uniform() < 0.4:
        size = (0.34, 0.2, 1.0 * wide)
        hut = draft.tint("cabin", palette.second(finish, 0.5))
        with sketch.named("cabin"):
            sketch.box((at - 0.24, 0.0, 0), size, hut, rounding=0.03)
        draft.features.append("with a cabin")
    if mast > 1.0:
        draft.adjectives.append("tall")
    return draft


def _rig(
    sketch: Sketch,
    cloth: tuple[float, float, float],
    wood: tuple[float, float, float],
    place: tuple[float, float, float, float],
    square: bool,
) -> int:
    """Draw a mast at x = ``at`` with its boom and main sail; return the number of sails."""
    at, mast, foot, reach = place
    with sketch.named("mast"):
        sketch.cylinder((at, -0.15, 0), (at, mast, 0), 0.036, wood)
    top = mast - 0.05
    main = [(0, foot), (0, top), (-0.45 * reach, 0.5 * (top + foot)), (-0.92 * reach, foot)]
    if square:
        main = [(0.1, foot), (0.0, top), (-0.62 * reach, top + 0.05), (-0.85 * reach, foot)]
    with sketch.named("sails"):
        sketch.prism(main, (at, 0, 0), 0.055, cloth, rounding=0.02)
    boom = ((at, foot, 0), (at - 0.94 * reach, foot, 0))
    sketch.cylinder(*boom, 0.036, wood)
    # The ellipsoid's part above the deck is cut off but would still colour the rigging in it.
    low = (at - 0.47 * reach, foot + 0.25, 0)
    sketch.box(low, (0.94 * reach + 0.2, 0.42, 0.2), cloth, op="paint")
    sketch.cylinder(*boom, 0.042, wood, op="paint")
    sketch.cylinder((at, 0.01, 0), (at, mast, 0), 0.042, wood, op="paint")
    return 1
