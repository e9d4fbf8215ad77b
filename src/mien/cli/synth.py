"""``mien synth``: faces of nobody, drawn by a generator."""

from __future__ import annotations

import typer

app = typer.Typer(help="Draw faces of nobody with a generator, and mix them into data.", no_args_is_help=True)
