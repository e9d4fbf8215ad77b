"""Options that several verbs share, word for word."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

#: Of ``mien predict`` and ``mien evaluate``.
Prior: TypeAlias = Annotated[
    str,
    typer.Option(
        help="Shares of the classes that the answers are for: training (as the card says), uniform, or auto: those "
        "in these very pictures, estimated. Instead of the biases in the model's card."
    ),
]
