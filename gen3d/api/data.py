"""Training data from YAML files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from gen3d.api.training import read_settings
from gen3d.data.build import ShardsConfig, ShardsReport, build_shards
from gen3d.errors import InputError
from gen3d.runtime.progress import ProgressSink


def build_data(
    path: Path | str,
    folder: Path | str,
    assign: Sequence[str] = (),
    *,
    progress: ProgressSink | None = None,
) -> ShardsReport:
    """Sample the meshes that a YAML file names into a folder of shards; go on where it stopped.

    Args:
        path: File such as ``configs/data/objects.yaml``.
        folder: Where the shards shall lie.
        assign: Changes as ``key.sub=value``.
        progress: Where to report.

    Raises:
        InputError: The file or its source cannot be read, a setting is wrong, the folder holds
            other shards, or no mesh can be used.
        OutputError: The folder cannot be written.
    """
    settings = read_settings(path, assign)
    try:
        config = ShardsConfig.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = f"{path}: {where}: " if where else f"{path}: "
        raise InputError(f"{said}{first['msg']}", hint="see configs/data") from error
    return build_shards(config, folder, progress)
