"""Files that are whole or absent."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gen3d.errors import OutputError


@contextlib.contextmanager
def atomic_write(path: Path | str) -> Iterator[BinaryIO]:
    """Write a file through a temporary neighbour that replaces it on success.

    On any error or interrupt the temporary file is removed and the old file, if any, stays.

    Raises:
        OutputError: The folder does not exist or cannot be written, or the disk is full.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder", hint="give a file name")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise _output_error(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    # POSIX has no way to read the mask without setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _output_error(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    hint = "choose another place with --out"
    if isinstance(error, FileNotFoundError):
        reason, hint = f"there is no folder {path.parent}", "create it first, or choose another"
    return OutputError(f"cannot write {path}: {reason}", hint=hint)
