"""Making a file again from the record inside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from gen3d.api.completion import load_points
from gen3d.api.editing import box_of
from gen3d.api.models import EMBEDDED, load_text_model
from gen3d.api.published import load_image_model
from gen3d.conditioning.photos import load_photos
from gen3d.errors import InputError
from gen3d.io import check_target, load_mesh, read_record
from gen3d.io.files import read_bytes
from gen3d.rewards import RewardTerm
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.record import make_record
from gen3d.vecset.asset import AssetOptions
from gen3d.vecset.completion import complete
from gen3d.vecset.editing import edit
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.result import ShapeResult
from gen3d.vecset.search import SearchOptions, search_text

_STEERED = ("completion", "edit")
_TASKS = ("text_to_3d", "image_to_3d", *_STEERED)
_OPTIONS = ("seed", "steps", "guidance", "resolution", "faces")


@dataclass(frozen=True)
class ReproduceReport:
    """How a reproduction went.

    Attributes:
        identical: Whether both files have the same bytes.
        reason: Why not, as far as the record tells.
    """

    identical: bool
    reason: str


def reproduce(
    file: Path | str,
    out: Path | str,
    *,
    model: str | None = None,
    weights: Path | str | None = None,
    images: Sequence[Path | str] = (),
    progress: ProgressSink | None = None,
) -> ReproduceReport:
    """Make a file again from its record.

    Args:
        file: A file that gen3d made.
        out: File to write, of the same format.
        model: Folder of the model, where it is no embedded one.
        weights: Where a published model lies; None: the usual places.
        images: Pictures, scans or meshes that it was made from; each is known by its hash. By
            default they are looked for beside ``file`` and in the current folder, by their names.
        progress: Where to report.

    Raises:
        InputError: The file carries no record, or one of another task; or a picture is missing.
        ModelError: The model is not there.
        OutputError: ``out`` cannot be written.
    """
    file, out = Path(file), Path(out)
    record = read_record(file)
    if record is None or record.get("task") not in _TASKS:
        raise InputError(
            f"{file} carries no record of a text-to-3D, image-to-3D, completion or edit run",
            hint="STL files have no room for one",
        )
    check_target(out, format=file.suffix)
    if record["task"] == "text_to_3d":
        result = _text_again(record, file, model, images, progress)
    elif record["task"] in _STEERED:
        result = _steered_again(record, file, model, images, progress)
    else:
        result = _image_again(record, file, model, weights, images, progress)
    result.save(out, format=file.suffix)
    identical = file.read_bytes() == out.read_bytes()
    return ReproduceReport(identical, "" if identical else _difference(record, result.record))


def _text_again(
    record: Mapping[str, Any],
    file: Path,
    model: str | None,
    images: Sequence[Path | str],
    progress: ProgressSink | None,
) -> ShapeResult:
    pipeline = _text_model(record, file, model)
    make = pipeline.text_to_3d
    if "search" in record:
        make = partial(search_text, pipeline, wanted=_wanted(record["search"], file, images))
    # Records of the time before there were textures name no asset.
    asset = AssetOptions(**record.get("asset", {}))
    return make(record["prompt"], **_options(record), asset=asset, progress=progress)


def _steered_again(
    record: Mapping[str, Any],
    file: Path,
    model: str | None,
    images: Sequence[Path | str],
    progress: ProgressSink | None,
) -> ShapeResult:
    if record["source"] is None:
        raise InputError(f"{file} was made from a shape in memory, not from a file")
    source = _find(record["source"], file, [Path(image) for image in images])
    pipeline = _text_model(record, file, model)
    shared = {**_options(record), "progress": progress, "source": record["source"]}
    if record["task"] == "completion":
        given = {key: record[key] for key in ("prompt", "fit", "scale")}
        return complete(pipeline, load_points(source), **given, **shared)
    box = None if record["box"] is None else box_of(record["box"])
    given = {"box": box, "strength": record["strength"]}
    return edit(pipeline, load_mesh(source), record["prompt"], **given, **shared)


def _text_model(record: Mapping[str, Any], file: Path, model: str | None) -> VecsetPipeline:
    name = model or record["model"]
    if model is None and name not in EMBEDDED:
        raise InputError(f"{file} was made by the model {name!r}, which does not ship with gen3d")
    return load_text_model(name, device=record["device"])


def _wanted(recorded: Mapping[str, Any], file: Path, images: Sequence[Path | str]) -> SearchOptions:
    given = [Path(image) for image in images]
    terms = []
    for entry in recorded["rewards"]:
        term = RewardTerm(entry["name"], entry["weight"])
        if "file" in entry:
            found = _find(entry["file"], file, given)
            term = replace(term, file=found, title=entry["file"]["file"])
        terms.append(term)
    return SearchOptions(recorded["method"], recorded["budget"], tuple(terms))


def _image_again(
    record: Mapping[str, Any],
    file: Path,
    model: str | None,
    weights: Path | str | None,
    images: Sequence[Path | str],
    progress: ProgressSink | None,
) -> ShapeResult:
    given = [Path(image) for image in images]
    views = {entry["view"]: _find(entry, file, given) for entry in record["images"]}
    masks = [_find(entry["mask"], file, given) for entry in record["images"] if "mask" in entry]
    # Records of the time before backgrounds could be removed say nothing of them.
    background = record["images"][0].get("background", "auto")
    mask = masks[0] if masks else None
    if "iso_level" not in record:
        photos = load_photos(views, mask=mask, background=background)
        return _text_model(record, file, model).image_to_3d(
            photos,
            prompt=record["prompt"],
            **_options(record),
            asset=AssetOptions(**record["asset"]),
            progress=progress,
        )
    pipeline = load_image_model(
        record["model"], weights=weights, device=record["device"], dtype=record["dtype"]
    )
    return pipeline.image_to_3d(
        views.pop("front"),
        views=views,
        mask=mask,
        background=background,
        **_options(record),
        iso_level=record["iso_level"],
        progress=progress,
    )


def _options(record: Mapping[str, Any]) -> dict[str, Any]:
    # Records of the time before there was a choice name no mesher.
    mesher = record.get("mesher", "marching-cubes")
    return {"mesher": mesher, **{key: record[key] for key in _OPTIONS}}


def _find(entry: Mapping[str, Any], file: Path, given: Sequence[Path]) -> Path:
    """Return the picture with the recorded hash."""
    name = Path(str(entry["file"])).name
    candidates = [*given, file.with_name(name), Path(name)]
    there = [path for path in candidates if path in given or path.is_file()]
    for path in there:
        if hashlib.sha256(read_bytes(path)).hexdigest() == entry["sha256"]:
            return path
    what = "is another one by its hash" if there else "is not there"
    raise InputError(
        f"{file} was made from {name!r}, which {what}",
        hint="pass it with --image FILE",
    )


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if old["files"] != new["files"]:
        return "the model's weights are others"
    mine = make_record("")
    for key in ("gen3d", "versions"):
        if old.get(key) != mine[key]:
            return f"made with {key} {old.get(key)}, now {mine[key]}"
    if old.get("threads") != new.get("threads"):
        return f"made with {old.get('threads')} threads, now {new.get('threads')}"
    return "another processor rounds differently"
