"""Entry point of ``gen3d``."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer

from gen3d.cli import (
    bench,
    complete,
    convert,
    data,
    distill,
    doctor,
    edit,
    image,
    metrics,
    models,
    render,
    reproduce,
    text,
    train,
    tune,
    upsample,
)
from gen3d.errors import CancelledError, Gen3dError, UserError

# Newer Typer brings its own copy of click, older ones use the package: take whichever is in use.
_CommandLineError: type[Exception] = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)

_STOPPED = "stopped; nothing half-written was kept"

app = typer.Typer(
    name="gen3d",
    help="Generate, densify and reconstruct 3D.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("text")(text.text)
app.command("image")(image.image)
app.command("complete")(complete.complete)
app.command("edit")(edit.edit)
app.command("upsample")(upsample.upsample)
app.command("models")(models.models)
app.command("data")(data.data)
app.command("train")(train.train)
app.command("distill")(distill.distill)
app.command("tune")(tune.tune)
app.command("convert")(convert.convert)
app.command("metrics")(metrics.metrics)
app.command("render")(render.render)
app.command("reproduce")(reproduce.reproduce)
app.command("doctor")(doctor.doctor)
app.add_typer(bench.app, name="bench")


@app.callback(invoke_without_command=True)
def _version(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    if version:
        from gen3d import __version__

        print(__version__)
        raise typer.Exit


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; users' errors become one line and an exit code.

    Args:
        arguments: Instead of those of the process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    try:
        code = app(args=arguments, standalone_mode=False)
        if code == CancelledError.exit_code:  # how Typer reports Ctrl-C
            _complain(_STOPPED, "")
    except typer.Exit as stop:
        code = stop.exit_code
    except CancelledError as stop:
        _complain(stop.message, stop.hint)
        code = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _complain(_STOPPED, "")
        code = CancelledError.exit_code
    except _CommandLineError as error:
        code = _explain_usage(error)
    except Gen3dError as error:
        if debug:
            raise
        _complain(error.message, error.hint)
        code = error.exit_code
    except BrokenPipeError:
        # The reader of our output (head, less) went away; flushing at exit would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        if debug:
            raise
        _complain(
            f"gen3d failed: {type(error).__name__}: {error}", "run again with --debug and report it"
        )
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _explain_usage(error: Any) -> int:
    """Say in one line what was wrong with the arguments; a bare command shows its help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "gen3d"
        _complain(error.format_message(), f"see {command} --help")
    return UserError.exit_code


def _complain(message: str, hint: str) -> None:
    line = " ".join(message.split())
    print(f"error: {line}" + (f" (hint: {hint})" if hint else ""), file=sys.stderr)
