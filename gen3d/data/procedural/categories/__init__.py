"""The shape programs, one file per family; ``PROGRAMS`` lists them by category."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gen3d.data.procedural.categories import (
    animals,
    buildings,
    food,
    furnishing,
    furniture,
    music,
    plants,
    seating,
    tableware,
    tools,
    toys,
    vehicles,
)
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette

Program = Callable[[np.random.Generator, Palette], Draft]

PROGRAMS: dict[str, Program] = {
    "chair": seating.chair,
    "table": furniture.table,
    "sofa": furniture.sofa,
    "bed": furnishing.bed,
    "lamp": furnishing.lamp,
    "mug": tableware.mug,
    "bottle": tableware.bottle,
    "teapot": tableware.teapot,
    "house": buildings.house,
    "guitar": music.guitar,
    "hammer": tools.hammer,
    "car": vehicles.car,
    "airplane": vehicles.airplane,
    "sailboat": vehicles.sailboat,
    "tree": plants.tree,
    "cactus": plants.cactus,
    "dog": animals.dog,
    "fish": animals.fish,
    "teddy bear": toys.teddy_bear,
    "ice cream": food.ice_cream,
}
