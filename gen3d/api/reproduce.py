"""Making a file again from the record inside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gen3d.api.models import EMBEDDED, load
from gen3d.errors import InputError
from gen3d.io import check_target, read_record
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.record import make_record


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
    progress: ProgressSink | None = None,
) -> ReproduceReport:
    """Make a file again from its record.

    Args:
        file: A file that gen3d made.
        out: File to write, of the same format.
        model: Folder of the model, where it is no embedded one.
        progress: Where to report.

    Raises:
        InputError: The file carries no record, or one of another task.
        ModelError: The model is not there.
        OutputError: ``out`` cannot be written.
    """
    file, out = Path(file), Path(out)
    record = read_record(file)
    if record is None or record.get("task") != "text_to_3d":
        raise InputError(
            f"{file} carries no record of a text-to-3D run", hint="STL files have no room for one"
        )
    check_target(out, format=file.suffix)
    name = model or record["model"]
    if model is None and name not in EMBEDDED:
        raise InputError(f"{file} was made by the model {name!r}, which does not ship with gen3d")
    pipeline = load(name, device=record["device"])
    result = pipeline.text_to_3d(
        record["prompt"],
        seed=record["seed"],
        steps=record["steps"],
        guidance=record["guidance"],
        resolution=record["resolution"],
        faces=record["faces"],
        progress=progress,
    )
    result.save(out, format=file.suffix)
    identical = file.read_bytes() == out.read_bytes()
    return ReproduceReport(identical, "" if identical else _difference(record, result.record))


def _difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    if old["files"] != new["files"]:
        return "the model's weights are others"
    mine = make_record("")
    for key in ("gen3d", "versions"):
        if old.get(key) != mine[key]:
            return f"made with {key} {old.get(key)}, now {mine[key]}"
    if old.get("threads") != new.get("threads"):
        return f"made with {old.get('threads')} threads, now {new.get('threads')}"
    return "another processor rounds differently"
