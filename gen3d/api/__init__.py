"""The public API: named models, and the jobs that the command line runs.

Example:
    import gen3d

    gen3d.load("mini").text_to_3d("a mug", seed=1).save("mug.glb")
"""

from __future__ import annotations

from gen3d.api.completion import complete_to_files
from gen3d.api.editing import edit_to_files
from gen3d.api.examine import examine
from gen3d.api.image import image_to_files
from gen3d.api.listing import list_models
from gen3d.api.models import load
from gen3d.api.reproduce import reproduce
from gen3d.api.text import text_to_files
from gen3d.api.training import run_training
from gen3d.api.upsample import load_upsample_pipeline, upsample, upsample_to_file

__all__ = [
    "complete_to_files",
    "edit_to_files",
    "examine",
    "image_to_files",
    "list_models",
    "load",
    "load_upsample_pipeline",
    "reproduce",
    "run_training",
    "text_to_files",
    "upsample",
    "upsample_to_file",
]
