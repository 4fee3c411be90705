"""Birds and horses."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.details import accent
from gen3d.data.procedural.categories.natural import natural_finish
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Colour, Sketch


def bird(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bird that looks along +Z: a songbird, a long-legged wader or a duck."""
    finish = natural_finish(palette, "brown", "light blue", "grey", "yellow", "white", "red")
    colour = finish.tone.rgb
    kind = ("songbird", "wader", "duck")[int(rng.choice(3, p=(0.58, 0.2, 0.22)))]
    plump, long = rng.uniform(0.19, 0.26), rng.uniform(0.3, 0.37)
    legs = {"songbird": rng.uniform(0.14, 0.24), "wader": rng.uniform(0.4, 0.55), "duck": 0.0}[kind]
    centre = legs + plump if legs else 0.8 * plump
    sketch = Sketch()
    draft = Draft(sketch, "bird", finish, ["small bird", "little bird"])
    sketch.ball((0, centre, 0), (plump, plump, long), colour, turn=(-14, 0, 0))
    neck = {"songbird": 0.08, "wader": rng.uniform(0.22, 0.36), "duck": 0.16}[kind]
    head_size = rng.uniform(0.13, 0.17) if kind != "wader" else 0.11
    head = (0.0, centre + 0.6 * plump + neck + 0.04, 0.72 * long + 0.06)
    with sketch.named("head"):
        root, thick = (0, centre + 0.2 * plump, 0.6 * long), 0.75 * head_size
        sketch.limb(root, head, 1.15 * thick, colour, top=0.85 * thick, blend=0.06)
        sketch.ball(head, head_size, colour, blend=0.03)
    beak = accent(draft, palette, "beak", "orange", "yellow", "black", "red")
    with sketch.named("beak"):
        root, reach = (0, head[1] - 0.01, head[2] + 0.6 * head_size), rng.uniform(0.1, 0.2)
        tip = (0, head[1] - 0.03, head[2] + head_size + reach)
        if kind == "duck":
            flat = (0.085, 0.032, 0.6 * reach + 0.06)
            sketch.ball((0, head[1] - 0.03, head[2] + head_size + 0.03), flat, beak)
        else:
            tip = (0, tip[1], tip[2] + (0.1 if kind == "wader" else 0))
            sketch.limb(root, tip, 0.065, beak, top=0.018)
    dark = palette.paint("black" if finish.tone.name != "black" else "white")
    for side in (-1, 1):
        at = (side * 0.62 * head_size, head[1] + 0.04, head[2] + 0.66 * head_size)
        sketch.ball(at, 0.032, dark)
    _wings(draft, rng, palette, (centre, plump, long))
    if rng.uniform() < 0.4:
        belly = accent(draft, palette, "belly", "white", "light yellow", "red", "orange", "grey")
        at = (0, centre - 0.62 * plump, 0.5 * long)
        with sketch.named("belly"):
            sketch.ball(at, (0.75 * plump, 0.75 * plump, 0.75 * long), belly, op="paint")
    if legs:
        leg = accent(draft, palette, "legs", "orange", "yellow", "black", "brown")
        with sketch.named("legs"):
            for side in (-1, 1):
                x = side * 0.42 * plump
                sketch.limb((x, centre - 0.6 * plump, 0), (x, 0.02, 0), 0.03, leg)
                for toe in (-0.06, 0.0, 0.06):
                    sketch.limb((x, 0.02, 0), (x + toe, 0.02, 0.11), 0.028, leg)
                sketch.limb((x, 0.02, 0), (x, 0.02, -0.07), 0.028, leg)
    if rng.uniform() < 0.25:
        with sketch.named("crest"):
            crest = accent(draft, palette, "crest")
            for back in (-0.04, 0.03):
                foot = (0, head[1] + 0.6 * head_size, head[2] + back)
                tip = (0, head[1] + head_size + 0.1, head[2] + back - 0.1)
                sketch.limb(foot, tip, 0.05, crest, top=0.03)
    if kind == "duck":
        draft.synonyms = ["duck", "duckling"]
        draft.features += ["with a flat bill", "sitting down"]
    elif kind == "wader":
        draft.adjectives.append("long-legged")
        draft.synonyms = ["wading bird", "crane"]
    if plump > 0.245:
        draft.adjectives.append("plump")
    elif plump < 0.205 and kind == "songbird":
        draft.adjectives.append("slim")
    return draft


def _wings(
    draft: Draft, rng: np.random.Generator, palette: Palette, body: tuple[float, float, float]
) -> None:
    """Wings, folded or spread, and the tail."""
    sketch, (centre, plump, long) = draft.sketch, body
    colour: Colour = draft.finish.tone.rgb
    wing = accent(draft, palette, "wings") if rng.uniform() < 0.4 else colour
    with sketch.named("wings"):
        if rng.uniform() < 0.3:
            span = rng.uniform(0.3, 0.42)
            for side in (-1, 1):
                at = (side * (0.55 * plump + 0.8 * span), centre + 0.5 * plump + 0.07, -0.02)
                sketch.ball(at, (span, 0.04, 0.15), wing, turn=(0, side * 12, side * 14))
            draft.features.append("with spread wings")
        else:
            for side in (-1, 1):
                at = (side * 0.93 * plump, centre + 0.02, -0.06)
                sketch.ball(at, (0.05, 0.72 * plump, 0.78 * long), wing, turn=(-20, side * 8, 0))
            draft.features.append("with folded wings")
    rise, reach = rng.uniform(-12, 24), rng.uniform(0.14, 0.26)
    with sketch.named("tail"):
        at = (0, centre - 0.2 * plump + 0.006 * rise * reach, -0.85 * long - 0.55 * reach)
        sketch.ball(at, (0.09, 0.04, reach + 0.06), wing, turn=(rise, 0, 0))
    if reach > 0.23:
        draft.features.append("with a long tail")


def horse(rng: np.random.Generator, palette: Palette) -> Draft:
    """A horse that looks along +Z, standing, grazing or with a raised hoof."""
    finish = natural_finish(palette, "brown", "dark brown", "light brown", "white", "black", "grey")
    colour = finish.tone.rgb
    long, legs = rng.uniform(0.28, 0.38), rng.uniform(0.44, 0.6)
    chest, hip = rng.uniform(0.16, 0.19), rng.uniform(0.15, 0.18)
    back = legs + 0.6 * chest
    sketch = Sketch()
    draft = Draft(sketch, "horse", finish, ["pony", "stallion", "mare"])
    sketch.limb((0, back, -long), (0, back, long), hip, colour, top=chest)
    hooves = accent(draft, palette, "hooves", "black", "dark grey", "brown", "white")
    raised = int(rng.choice((0, 1), p=(0.7, 0.3)))
    for i, (x, z) in enumerate(((-1, 1), (1, 1), (-1, -1), (1, -1))):
        girth = chest if z > 0 else hip
        hipped = (x * 0.58 * girth, back - 0.04, z * 0.92 * long)
        knee = (x * 0.58 * girth, 0.52 * legs, z * 0.94 * long + (0.02 if z > 0 else -0.04))
        hoof = (x * 0.58 * girth, 0.05, z * 0.94 * long)
        if raised and i == 0:
            knee = (knee[0], 0.62 * legs, knee[2] + 0.14)
            hoof = (hoof[0], 0.3 * legs, knee[2] - 0.04)
        with sketch.named("legs"):
            sketch.limb(hipped, knee, 0.1, colour, top=0.06, blend=0.04)
            sketch.limb(knee, hoof, 0.058, colour, top=0.046)
        with sketch.named("hooves"):
            low, high = (hoof[0], hoof[1] - 0.05, hoof[2]), (hoof[0], hoof[1] + 0.05, hoof[2])
            sketch.cylinder(low, high, 0.07, hooves, top=0.052, rounding=0.01)
    grazing = rng.uniform() < 0.22
    up, ahead = rng.uniform(0.32, 0.42), rng.uniform(0.14, 0.2)
    poll = (0.0, back + up, long + ahead)
    muzzle = (0.0, poll[1] - 0.17, poll[2] + rng.uniform(0.2, 0.26))
    if grazing:
        poll = (0.0, back - 0.2, long + 0.36)
        muzzle = (0.0, poll[1] - 0.24, poll[2] + 0.1)
        draft.features.append("with its head lowered")
    elif raised:
        draft.features.append("with a raised hoof")
    root = (0.0, back + 0.04, long - 0.02)
    sketch.limb(root, poll, 0.145, colour, top=0.095, blend=0.08)
    sketch.limb(poll, muzzle, 0.105, colour, top=0.07, blend=0.03)
    dark = palette.paint("black" if finish.tone.name != "black" else "white")
    for x in (-1, 1):
        foot = (x * 0.05, poll[1] + 0.05, poll[2] - 0.02)
        tip = (x * 0.075, poll[1] + 0.19, poll[2] - 0.03)
        sketch.limb(foot, tip, 0.045, colour, top=0.022)
        eye = [0.72 * a + 0.28 * b for a, b in zip(poll, muzzle, strict=True)]
        sketch.ball((x * 0.085, eye[1] + 0.02, eye[2] + 0.02), 0.03, dark)
    _hair(draft, rng, palette, (root, poll), (back, hip, long))
    if rng.uniform() < 0.25:
        blaze = accent(draft, palette, "blaze", "white", "black", "light brown")
        middle = [(a + b) / 2 for a, b in zip(poll, muzzle, strict=True)]
        at = (0, middle[1] + 0.1, middle[2] + 0.09)
        with sketch.named("blaze"):
            sketch.ball(at, (0.05, 0.15, 0.16), blaze, op="paint")
    if rng.uniform() < 0.35:
        saddle = accent(draft, palette, "saddle")
        with sketch.named("saddle"):
            top = back + 0.5 * (chest + hip)
            sketch.ball((0, back + 0.03, 0), (hip + 0.045, hip + 0.03, 0.15), saddle)
            sketch.limb((-0.07, top + 0.04, -0.12), (0.07, top + 0.04, -0.12), 0.045, saddle)
            sketch.ball((0, top + 0.05, 0.1), (0.045, 0.06, 0.045), saddle)
    if rng.uniform() < 0.12:
        horn = accent(draft, palette, "horn", "yellow", "pink", "light blue", "white")
        with sketch.named("horn"):
            foot = (0, poll[1] + 0.03, poll[2] + 0.06)
            sketch.limb(foot, (0, poll[1] + 0.32, poll[2] + 0.2), 0.04, horn, top=0.018)
        draft.synonyms = ["unicorn"]
    if legs > 0.57:
        draft.adjectives.append("tall")
    elif legs < 0.47:
        draft.adjectives.append("short-legged")
    return draft


def _hair(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    neck: tuple[tuple[float, float, float], tuple[float, float, float]],
    body: tuple[float, float, float],
) -> None:
    """Mane along the neck and tail; both have one colour."""
    sketch, (root, poll), (back, hip, long) = draft.sketch, neck, body
    own = rng.uniform() < 0.75
    hair = accent(draft, palette, "mane") if own else draft.finish.tone.rgb
    if "mane" in draft.part_tones:
        draft.part_tones["tail"] = draft.part_tones["mane"]
    size = rng.uniform(0.06, 0.085)
    with sketch.named("mane"):
        along = np.subtract(poll, root)
        # Behind the neck: up and back, across its direction.
        across = np.array([0.0, along[2], -along[1]])
        across = across / np.linalg.norm(across) * (1 if across[1] > 0 else -1)
        for share, depth in ((0.3, 0.15), (0.5, 0.14), (0.7, 0.13), (0.9, 0.115), (1.05, 0.1)):
            at = np.asarray(root) + share * along + depth * across
            sketch.ball(at.tolist(), (0.04, size, size), hair, blend=0.02)
    with sketch.named("tail"):
        start, bend = (0, back + 0.08, -long - 0.7 * hip), rng.uniform(0.1, 0.2)
        joint = (0, back + 0.06, -long - hip - bend)
        tip = (0, back - rng.uniform(0.2, 0.34), -long - hip - bend - 0.06)
        sketch.limb(start, joint, 0.045, hair, top=0.06, blend=0.02)
        sketch.limb(joint, tip, 0.065, hair, top=0.035, blend=0.02)
