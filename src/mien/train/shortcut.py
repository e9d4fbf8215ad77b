"""A training in one line, as ``mien train`` does it: ``mien.train_model("toy", data="faces.csv")``.

Knows how a run is started and what it leaves; not how it is computed. Torch loads when a training begins.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import InputError, RecipeError, need
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.table import nearest
from mien.train.tables import load_recipe

if TYPE_CHECKING:
    from rich.console import Console

    from mien.runtime.recognizer import Recognizer

#: Keys that a mapping given to :func:`train_model` may have beside the parts of a recipe.
BESIDE = ("manifest", "out")
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Trained:
    """What a training has left, read from its run folder.

    Attributes:
        run: the folder.

    Example:
        ``Trained(RunDir("runs/toy")).metrics["accuracy"]``
    """

    run: RunDir

    @property
    def model(self) -> Path:
        """The exported model."""
        return self.run.model

    @property
    def curves(self) -> Path:
        """Picture of the curves."""
        return self.run.history

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """One record per epoch: loss, numbers on val, rate, time."""
        return self.run.epochs()

    @cached_property
    def best_epoch(self) -> int:
        """The epoch whose weights the model has, counted from 1."""
        return int(self.run.read_json(self.run.done)["chosen_epoch"])

    @property
    def metrics(self) -> dict[str, Any]:
        """Numbers of that epoch on the split that chose it: they flatter, so measure on another."""
        found: dict[str, Any] = next(record["val"] for record in self.history if record["epoch"] == self.best_epoch)
        return found

    def recognizer(self, **options: Any) -> Recognizer:
        """The model, ready to predict; ``options`` are those of :class:`mien.Recognizer`."""
        from mien.runtime.recognizer import Recognizer

        return Recognizer(self.model, **options)

    def __str__(self) -> str:
        numbers = self.metrics
        reached = f"accuracy {numbers['accuracy']:.1%}" if "accuracy" in numbers else f"PSNR {numbers['psnr']:.2f} dB"
        return f"epoch {self.best_epoch} of {len(self.history)}, {reached}: {self.model}"


def train_model(
    config: str | os.PathLike[str] | Mapping[str, Any] | Recipe,
    device: Any = "auto",
    *,
    data: str | os.PathLike[str] | Manifest | None = None,
    out: str | os.PathLike[str] | None = None,
    set: Sequence[str] = (),
    fresh: bool = False,
    progress: bool = True,
    **options: Any,
) -> Trained:
    """Train a model, or go on with a training that was interrupted; ``mien train`` from Python.

    Args:
        config: a recipe: the name of a shipped one, a file, or its parts as a mapping, such as
            ``{"extends": "toy", "schedule": {"epochs": 5}}``. A mapping may also hold ``manifest`` and ``out``, so that
            ``train_model(config, device)`` says everything.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``, or a ``torch.device`` of such a name.
        data: manifest, or its file.
        out: run folder; ``runs/`` and the recipe's name when None.
        set: ``part.key=value`` each, changes of the recipe.
        fresh: replace an earlier run in ``out`` instead of going on with it.
        progress: print a line per epoch.
        options: ``devices``, ``nodes``, ``compiled``, as in :func:`mien.train.run.train`.

    Returns:
        The model, its numbers and its curves.

    Raises:
        RecipeError: with every mistake in the recipe, before anything heavy is loaded.
        InputError: data, device or run folder cannot be used.
        MissingExtra: torch is not installed.

    Example:
        ``train_model("toy", data="toy/faces.csv").recognizer().read("face.jpg")``
    """
    given: dict[str, Any] = {"manifest": data, "out": out}
    if isinstance(config, Mapping):
        for key in BESIDE:
            if key in config and given[key] is not None:
                raise InputError(f"{key} is given twice: in the mapping and as an argument; leave one of them out")
            given[key] = config.get(key, given[key])
        for key in config:
            close = [] if key in Recipe.model_fields else nearest(str(key), [*Recipe.model_fields, *BESIDE], 1)
            if key not in BESIDE and close and close[0] in BESIDE:
                raise RecipeError("recipe", [f"{key}: unknown key; did you mean {close[0]}?"])
        config = {key: value for key, value in config.items() if key not in BESIDE}
    recipe = load_recipe(config, [set] if isinstance(set, str) else set)
    if given["manifest"] is None:
        raise InputError(
            "no data to train on: name a manifest, train_model(..., data='faces.csv') or {'manifest': ...}"
        )
    from rich.console import Console

    # in a notebook plain lines: rich's widgets need another package there and warn without it, and Jupyter sets
    # FORCE_COLOR, which rich takes for a terminal
    console = Console(force_jupyter=False, force_terminal=sys.stdout.isatty(), soft_wrap=True, quiet=not progress)
    return start(recipe, given["manifest"], given["out"], console, device=device, fresh=fresh, **options)


def start(
    recipe: Recipe,
    data: str | os.PathLike[str] | Manifest,
    out: str | os.PathLike[str] | None,
    console: Console,
    *,
    device: Any = "auto",
    as_json: bool = False,
    **options: Any,
) -> Trained:
    """Train with everything that looks on; what ``mien train`` and :func:`train_model` share.

    Args:
        recipe: the intent.
        data: manifest, or its file.
        out: run folder; ``runs/`` and the recipe's name when None.
        console: where lines go.
        device: see :func:`train_model`.
        as_json: print epochs as lines of JSON on the standard output.
        options: further arguments of :func:`mien.train.run.train`.

    Raises:
        InputError: data, device or run folder cannot be used.
        MissingExtra: torch is not installed.
    """
    torch = need("torch", "lab", "training")
    _check_device(str(device), torch)
    manifest = data if isinstance(data, Manifest) else Manifest.load(data)
    from mien.report.history import plot_history
    from mien.train.run import train
    from mien.train.watch import Decoding, watchers

    run = train(
        recipe,
        manifest,
        out or Path("runs") / recipe.name,
        device=str(device),
        watch=watchers(console, as_json=as_json),
        progress=Decoding(console),
        say=partial(say, console),
        **options,
    )
    if run.log.exists() and (not run.history.exists() or run.history.stat().st_mtime < run.log.stat().st_mtime):
        plot_history(run.epochs(), run.history)  # the last epochs may have been too quick to be drawn
    return Trained(run)


def say(console: Console, line: str) -> None:
    """Print a line as it is: paths may hold brackets, which are no markup here, and must not be broken."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _check_device(device: str, torch: Any) -> None:
    if device not in DEVICES:
        more = "; CUDA_VISIBLE_DEVICES chooses among several" if device.startswith("cuda:") else ""
        raise InputError(f"device {device!r}: expected {', '.join(DEVICES[:-1])} or {DEVICES[-1]}{more}")
    present = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if device in present and not present[device]():
        raise InputError(f"device {device!r}: there is none that torch can use here; auto takes the best there is")
