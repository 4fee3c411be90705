"""Which models are on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gen3d.api.models import EMBEDDED, WEIGHTS
from gen3d.api.names import PUBLISHED, TENCENT_LICENCE
from gen3d.api.published import FoundModel, find_models, search_folders
from gen3d.errors import InputError


@dataclass(frozen=True)
class ModelEntry:
    """One line of ``gen3d models``.

    Attributes:
        name: What ``--model`` takes.
        task: ``text`` or ``image``: the command that runs it.
        size_bytes: Of its files.
        licence: Of its weights.
        complete: Whether it can be used.
        problem: Why not, if not.
        path: Its folder or file.
        files: Its weights files.
    """

    name: str
    task: str
    size_bytes: int
    licence: str
    complete: bool
    problem: str
    path: str
    files: tuple[str, ...]

    def row(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**asdict(self), "files": list(self.files)}


def list_models(folder: Path | str | None = None) -> list[ModelEntry]:
    """List the embedded models, and the published ones that lie in a folder.

    Args:
        folder: Where to look; None: :func:`gen3d.api.published.search_folders`.

    Raises:
        InputError: There is no such folder.
    """
    if folder is not None and not Path(folder).exists():
        raise InputError(f"there is no folder {folder}", hint="check the path")
    folders: Sequence[Path | str] = search_folders() if folder is None else [folder]
    return [*map(_embedded, EMBEDDED), *map(_published, find_models(folders))]


def _embedded(name: str) -> ModelEntry:
    folder = EMBEDDED[name]
    files = sorted(folder.glob("*.safetensors"))
    problem = "" if files else "its weights are missing: reinstall gen3d"
    files += [WEIGHTS / "text.safetensors"]
    return _entry(name, "text", "Apache-2.0", problem, folder, files)


def _published(found: FoundModel) -> ModelEntry:
    files = list(found.model.files) if found.model else []
    licence = TENCENT_LICENCE if found.name in PUBLISHED else "unknown: ask its publisher"
    return _entry(found.name, "image", licence, found.problem, found.path, files)


def _entry(
    name: str, task: str, licence: str, problem: str, path: Path, files: Sequence[Path]
) -> ModelEntry:
    return ModelEntry(
        name=name,
        task=task,
        size_bytes=sum(file.stat().st_size for file in files if file.is_file()),
        licence=licence,
        complete=not problem,
        problem=problem,
        path=str(path),
        files=tuple(file.name for file in files),
    )
