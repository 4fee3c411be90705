"""Makes gallery.png beside this file: one picture for each thing that the embedded model knows."""

from pathlib import Path

import gen3d
from gen3d.bench.quality_samples import picture
from gen3d.io.images import save_png
from gen3d.splatting.mesh_render import contact_sheet

PROMPTS = (
    "a red wooden chair",
    "a round wooden table",
    "a blue sofa",
    "a green bed",
    "a yellow lamp",
    "a purple mug",
    "a green bottle",
    "a white teapot",
    "an orange house",
    "a black guitar",
    "a red hammer",
    "a blue car",
    "a grey airplane",
    "a pink sailboat",
    "a green tree",
    "a green cactus",
    "a brown dog",
    "an orange fish",
    "a brown teddy bear",
    "a pink ice cream cone",
)


def main() -> None:
    """Generate, draw, write."""
    model = gen3d.load("mini")
    tiles = [picture(model.text_to_3d(prompt, seed=1).mesh, 224) for prompt in PROMPTS]
    save_png(contact_sheet(tiles, PROMPTS, 5), Path(__file__).with_name("gallery.png"))


if __name__ == "__main__":
    main()
