"""The command ``mien`` and its verbs.

Exit codes: 0 fine; 1 a check found something; 2 the user's input is wrong (one line, no traceback).
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from mien import __version__
from mien.cli import collect, data, models, recipes, synth
from mien.cli.arms import arms
from mien.cli.bias import bias
from mien.cli.calibrate import calibrate
from mien.cli.compare import compare
from mien.cli.cross import cross
from mien.cli.doctor import doctor
from mien.cli.enhance import enhance
from mien.cli.evaluate import evaluate
from mien.cli.export import export
from mien.cli.predict import predict
from mien.cli.report import report
from mien.cli.robustness import robustness
from mien.cli.serve import serve
from mien.cli.sweep import sweep
from mien.cli.train import train
from mien.cli.watch import watch
from mien.errors import MienError

#: Whether --debug was given: an error then shows its traceback.
_is_debugging = False

app = typer.Typer(
    name="mien",
    help="Read the expression that people would see in a face; build, audit and ship the models that do.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(predict)
app.command()(watch)
app.command()(serve)
app.add_typer(collect.app, name="collect")
app.add_typer(data.app, name="data")
app.command()(enhance)
app.add_typer(synth.app, name="synth")
app.command()(train)
app.command()(sweep)
app.command()(evaluate)
app.command()(compare)
app.command()(arms)
app.command()(cross)
app.command()(bias)
app.command()(calibrate)
app.command()(robustness)
app.command()(report)
app.command()(export)
app.add_typer(recipes.app, name="recipes")
app.add_typer(models.app, name="models")
app.command()(doctor)


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"mien {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options before the verb."""
    global _is_debugging
    _is_debugging = debug


def main() -> None:
    """Run the command; an error of ours becomes one message and exit code 2."""
    try:
        app()
    except MienError as error:
        if _is_debugging:
            raise
        print(f"mien: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output has gone, e.g. `mien predict … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # about a file, such as a result that cannot be written
        if _is_debugging or error.filename is None:
            raise
        print(f"mien: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
