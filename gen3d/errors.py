"""The exception tree: every error that gen3d raises on purpose.

A message is one line that says what was wrong, what was expected and what came; ``hint`` says what
to do. The command line prints both and exits with ``exit_code``; nothing else may be shown to users
without ``--debug``.
"""

from __future__ import annotations


class Gen3dError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: One line: what was wrong, what was expected, what came.
        hint: One line: what the user can do about it.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UserError(Gen3dError, ValueError):
    """Something that the user gave cannot be used; exit code 2."""

    exit_code = 2


class InputError(UserError):
    """A value is out of its range or of the wrong kind."""


class ModelError(UserError):
    """A model is unknown, or its weights are missing or damaged."""


class FormatError(UserError):
    """A file extension is unknown, or a file's content breaks its format."""


class OutputError(UserError):
    """A result cannot be written: no permission, no such folder, disk full."""


class MissingDependencyError(UserError):
    """An optional package is needed and not installed."""


class EmptySurfaceError(Gen3dError):
    """A decoded field has no zero crossing, so there is no mesh."""


class CancelledError(Gen3dError):
    """The user stopped the work; exit code 130, as shells expect after Ctrl-C."""

    exit_code = 130
