"""From file names such as ``wood chair stool`` to captions such as ``a wooden stool``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from gen3d.data.procedural.captions import write_captions
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import TONES, Finish, Tone
from gen3d.data.procedural.sketch import Sketch
from gen3d.geometry.color import COLOUR_NAMES, nearest_basic_colour


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COLOURS = _words("""red orange yellow green blue purple pink brown black white grey gray""")
_MATERIALS = {
    "wood": "wooden",
    "wooden": "wooden",
    "stone": "stone",
    "metal": "metal",
    "iron": "metal",
    "steel": "steel",
    "glass": "glass",
    "leather": "leather",
    "porcelain": "porcelain",
    "ceramic": "ceramic",
    "plastic": "plastic",
    "brick": "brick",
}
_STYLES = _words("""medieval modern futuristic vintage fancy sci-fi rustic""")
# Words that may stand before a noun.
_ADJECTIVES = _words(
    """small large big tall short long wide narrow thin low high round rounded square rectangular
    oval flat simple open closed broken empty full dead snowy half double triple decorated
    cooked raw uncooked chopped mashed lit melted damaged hanging mossy straight golden silver
    bronze brass decorative deep cushioned walled harvested heavy destroyed cut crushed electric
    potted styrofoam striped spiky pointy curved triangular armored cylindrical detailed
    bevelled labelled upper slim diagonal slanted patterned filled burnt japanese floating"""
)
_BEFORE = _COLOURS | _STYLES | _ADJECTIVES | frozenset(_MATERIALS)
# Words that file names add and nobody says of one object.
_NOISE = _words(
    """medium single resource decoration color formation pickup multi mid simple basic extra normal
    relax standing border base kit tile innercorner outercorner"""
)
# What follows its noun in file names: "carrot chopped", "gravestone roof".
_RESPELT = {
    "autumn": "autumnal",
    "rectangle": "rectangular",
    "bevel": "bevelled",
    "couch": "sofa",
    "fridge": "refrigerator",
    "tv": "television",
    "bike": "bicycle",
    "gray": "grey",
    "labeled": "labelled",
    "pattern": "patterned",
    "slant": "slanted",
    "sail": "sailing",
}
# Things whose name begins with what looks like a colour or an adjective.
_NAMES = re.compile(
    r"^(red|white) (panda|fox|snapper|wine)|^(blue|yellow) tang|^black lion|^hot |^orange( plant)?$"
    r"|^(glass|stone|rock|brick|flat|cut|short|brown)$|^(wine|soda) glass|^cutting|^moorish"
    r"|^long lounge|^french|^fire|^traffic|^(open|closed) sign|^golden?fish|^power|^foam|^paper"
    r"|^big wheel|^sail|^flower|^high speed|^first aid|^dead tree|^half$"
)
_WHOLE = {
    "wood chair stool": "wooden stool",
    "chair stool": "stool",
    "cake birthday": "birthday cake",
    "arrow up": "arrow",
    "grass": "patch of grass",
    "short grass": "patch of short grass",
    "bacon": "slice of bacon",
    "raw bacon": "slice of raw bacon",
    "bread": "loaf of bread",
    "cheese": "piece of cheese",
    "chopped cheese": "piece of cheese",
    "lettuce": "head of lettuce",
    "meat": "piece of meat",
    "raw meat": "piece of raw meat",
    "cooked meat": "piece of cooked meat",
    "chocolate": "piece of chocolate",
    "broccoli": "head of broccoli",
    "rice": "portion of rice",
    "honey": "pot of honey",
    "soy": "bottle of soy sauce",
    "corn": "corn cob",
    "wheat": "wheat plant",
    "trash": "piece of trash",
    "toilet paper": "roll of toilet paper",
    "paper towel": "roll of paper towel",
    "whipped cream": "swirl of whipped cream",
    "metal armor": "suit of metal armor",
    "leather armor": "suit of leather armor",
    "golden armor": "suit of golden armor",
    "black armor": "suit of black armor",
    "thunder": "lightning bolt",
    "sub": "submarine sandwich",
    "bush berries plant": "berry bush",
    "lantern glass": "glass lantern",
    "glass": "drinking glass",
    "console": "control console",
    "support": "support beam",
    "chair cushion": "chair with a cushion",
    "bench cushion": "bench with a cushion",
    "armchair pillows": "armchair with pillows",
    "sword shield": "sword with a shield",
}
_SYNONYMS = {
    "sofa": "couch",
    "refrigerator": "fridge",
    "television": "tv",
    "bicycle": "bike",
    "airplane": "plane",
    "bookcase": "bookshelf",
    "nightstand": "bedside table",
    "mug": "cup",
    "rug": "carpet",
    "trash can": "bin",
    "spaceship": "spacecraft",
}
# Categories that are a true and plain word for all that is in them.
_PLAIN = _words(
    """tree building house table chair lamp sofa bed bench barrel shield cactus window vegetable
    fruit spaceship car dinosaur bridge statue aircraft bird"""
)
_POSE = re.compile(r" (standing|sitting|walking|running|looking up|picking up)( .*)?$")
# Endings of file names that are parts of the thing before them.
_PARTS = (
    (re.compile(r" (tablecloth|balcony|sink|backsplash|gable roof|round roof|gun)$"), "with a"),
    (re.compile(r" (doors|wide doors|columns|stairs|windows|pillows|books|drawers)$"), "with"),
)
_GROUP = re.compile(r"^(?:resource |cut resource )?(.*)(tree|rock|spike) group$")
_SECOND = 0.25


@dataclass(frozen=True)
class Words:
    """What a file name says.

    Attributes:
        noun: The thing.
        colour: Basic colour word, or "".
        material: Word of the palette, or "".
        style: Manner, or "".
        adjectives: Others that stand before the noun.
        features: Phrases that follow it.
    """

    noun: str
    colour: str = ""
    material: str = ""
    style: str = ""
    adjectives: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=list)


def read_name(name: str) -> Words:
    """Take a name apart into a noun and the words that describe it.

    Args:
        name: Words of a file name, with spaces, hyphens or underscores between them.
    """
    text = re.sub(r"[_\s]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip().lower()
    text = _WHOLE.get(re.sub(r"[ .\-]*\d+$", "", text), re.sub(r"[ .\-]*\d+$", "", text))
    features: list[str] = []
    pose = _POSE.search(text)
    if pose is not None and pose.start() > 0:
        features.append(pose.group(0).strip())
        features = [features[0].replace("sitting cheering", "sitting and cheering")]
        text = text[: pose.start()]
    text = _GROUP.sub(r"group of \1\2s", text).replace("sci fi", "sci-fi")
    text = re.sub("low poly |sep[ae]rate", "", text).replace("pumpkin jack-o", "jack-o")
    for pattern, joint in _PARTS:
        found = pattern.search(text)
        if found is not None and " with " not in text:
            text = f"{text[: found.start()]} {joint} {found.group(1)}"
    head, joint, tail = text.partition(" with ")
    if joint:
        features.append(f"with {tail}")
    if _NAMES.search(head):
        return Words(head, features=features)
    words = [_RESPELT.get(word, word) for word in head.split(" ")]
    words = [word for word in words if word not in _NOISE] or words
    # Descriptions that follow the noun move before it: "carrot chopped", "fence stone".
    late = _ADJECTIVES | {"stone", "iron", "wood"}
    while len(words) > 1 and words[-1] in late and words[0] not in late:
        words.insert(0, words.pop())
    before: list[str] = []
    while len(words) > 1 and words[0] in _BEFORE:
        before.append(words.pop(0))
    noun = " ".join(words)
    return Words(
        noun,
        colour=next((w for w in before if w in _COLOURS), ""),
        material=next((_MATERIALS[w] for w in before if w in _MATERIALS), ""),
        style=next((w for w in before if w in _STYLES), ""),
        adjectives=[w for w in before if w in _ADJECTIVES][:2],
        features=features,
    )


def describe(
    name: str,
    *,
    category: str,
    colours: Float[np.ndarray, "n 3"] | None,
    rng: np.random.Generator,
    count: int = 8,
) -> tuple[str, ...]:
    """Write captions as procedural shapes have them: the plain noun, everything, and mixtures.

    Args:
        name: Words of the file name.
        category: A wider word, used where it is a plain one.
        colours: sRGB in [0, 1] of points on the surface, or None where they mean nothing.
        rng: For the choice of words.
        count: How many captions.
    """
    words = read_name(name)
    synonyms = [_SYNONYMS[words.noun]] if words.noun in _SYNONYMS else []
    last = words.noun.split(" ")[-1]
    synonyms += [word for word in (_SYNONYMS.get(last), category) if word and word in _PLAIN]
    tone = _tone(words.colour, colours)
    draft = Draft(
        Sketch(),
        words.noun,
        Finish(tone or TONES[0], words.material, tone is not None),
        synonyms=[word for word in dict.fromkeys(synonyms) if word != words.noun],
        adjectives=words.adjectives,
        features=words.features,
        style=words.style,
    )
    return write_captions(draft, rng, count)


def has_colours(colours: Float[np.ndarray, "n 3"]) -> bool:
    """Tell whether surface colours mean something: one grey or white all over is a placeholder."""
    varied = np.ptp(colours, axis=0).max() > 0.02
    return bool(varied or np.ptp(colours, axis=1).max() > 0.06)


def _tone(said: str, colours: Float[np.ndarray, "n 3"] | None) -> Tone | None:
    """Choose the colour to name: the name's own word, else the one or two that cover most."""
    if said:
        same = [tone for tone in TONES if tone.name == said]
        return same[0]
    if colours is None or not has_colours(colours):
        return None
    names = np.asarray(COLOUR_NAMES)[nearest_basic_colour(colours)]
    found, counts = np.unique(names, return_counts=True)
    order = np.argsort(-counts)
    first, share = str(found[order[0]]), counts[order] / len(names)
    middle = np.median(colours[names == first], axis=0)
    if len(order) > 1 and share[1] > max(0.5 * share[0], _SECOND):
        pair = f"{first} and {found[order[1]]}"
        return Tone(first, pair, (float(middle[0]), float(middle[1]), float(middle[2])))
    tones = [tone for tone in TONES if tone.name == first]
    return min(tones, key=lambda tone: float(np.square(np.array(tone.rgb) - middle).sum()))
