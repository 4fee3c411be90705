"""Reading whole files, with errors that users understand."""

from __future__ import annotations

from pathlib import Path

from gen3d.errors import InputError


def read_bytes(path: Path | str) -> bytes:
    """Return the content of a file.

    Raises:
        InputError: There is no such file, or it cannot be read.
    """
    path = Path(path)
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}", hint="check the path") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder", hint="give a file name") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
