"""Options that several commands share: the same word means the same thing everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Seed = Annotated[
    int | None,
    typer.Option(
        "--seed", help="Random seed; drawn and reported when not given.", show_default=False
    ),
]
Steps = Annotated[
    int | None, typer.Option("--steps", help="Sampling steps, 1..1000.", show_default="model's")
]
TextSteps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        help="Sampling steps, 1..1000; mini has a student for 1 and 2, a fitted solver for 5.",
        show_default="model's",
    ),
]
Guidance = Annotated[
    float | None,
    typer.Option("--guidance", help="Guidance strength, 0..100; 1 is off.", show_default="model's"),
]
Resolution = Annotated[
    int | None,
    typer.Option("--resolution", help="Grid cells per axis, 16..512.", show_default="model's"),
]
Faces = Annotated[
    int | None,
    typer.Option("--faces", help="Face budget of the mesh, at least 100.", show_default="no limit"),
]
Mesher = Annotated[
    Literal["marching-cubes", "dual-contouring"],
    typer.Option("--mesher", help="How the surface becomes a mesh; dual-contouring is sharper."),
]
Texture = Annotated[
    Literal["auto", "none", "256", "512", "1024", "2048", "4096"],
    typer.Option(
        "--texture",
        help="Texels per side of a baked texture; auto: 1024 for formats that hold textures; "
        "none: colours at the vertices.",
    ),
]
NormalMap = Annotated[
    bool, typer.Option("--normal-map", help="Bake the fine relief into a normal map, too.")
]
Height = Annotated[
    str | None,
    typer.Option(
        "--height",
        help="Height of the object with its unit: 100mm, 10cm, 0.1m, 4in; checks it for printing.",
        show_default="as it comes",
    ),
]
FlatBase = Annotated[
    bool, typer.Option("--flat-base", help="Cut the lowest 1 % off, so that it stands flat.")
]
Compress = Annotated[
    Literal["quantize"] | None,
    typer.Option(
        "--compress",
        help="GLB only; quantize: small integers (KHR_mesh_quantization), about half the size.",
        show_default="none",
    ),
]
Lod = Annotated[
    int,
    typer.Option(
        "--lod", help="Coarser versions besides, 0..6: NAME_lod1.EXT, ..., each half the faces."
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format", help="glb, obj, usdz, stl, 3mf, ply, ...", show_default="from the file name"
    ),
]
NewFile = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File to write.", show_default="out.glb, or out.FORMAT"),
]
Count = Annotated[int, typer.Option("-n", help="Variants, 1..64; written as NAME-1.EXT, ...")]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        help="Folder with a published model: the publisher's, a Hugging Face snapshot, ComfyUI's.",
        show_default="GEN3D_MODELS and the usual caches",
    ),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="File to write.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
Model = Annotated[str, typer.Option("--model", help="Name of a model, or a folder with one.")]
Json = Annotated[
    Path | None,
    typer.Option("--json", help="Write figures as JSON to this file; - is standard output."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print stage times and plans too.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def texture_argument(texture: str) -> int | Literal["auto"] | None:
    """Return the value of ``--texture`` as the API takes it."""
    if texture == "auto":
        return "auto"
    return None if texture == "none" else int(texture)
