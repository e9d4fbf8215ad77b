"""Every error that mien raises on purpose.

    MienError
    ├── InputError            the user's input is wrong: the command prints one line and exits with 2
    │   ├── ImageError        a picture that cannot be read, or is too large
    │   ├── VideoError        a video or a camera that cannot be read, or a video that cannot be written
    │   ├── LabelError        a class name that the label set does not know
    │   ├── ManifestError     a manifest (or a data source) with a wrong column, row or file
    │   ├── RecipeError       a recipe with mistakes: all of them, not only the first
    │   ├── ModelError        a model file that is not one of mien's, or does not fit
    │   ├── DownloadError     a file that cannot be fetched, or is not the one that was asked for
    │   ├── RunError          a run folder that is not what it is asked to be
    │   ├── CollectError      a video platform that refuses a search
    │   └── UnknownName       a name that is not in a table; carries the nearest ones
    ├── MissingExtra          a package is not installed; carries the line that installs it
    ├── ParityError           an exported model does not compute what the trained one does
    └── ClusterError          the machines of a cluster are lost, or cannot do what they are asked

A message names the thing, the value, what was expected and the way out.
"""

from __future__ import annotations

import importlib
from types import ModuleType


class MienError(Exception):
    """Base of all errors of this package."""


class InputError(MienError):
    """Something the user gave is wrong."""


class ImageError(InputError):
    """A picture cannot be read."""


class VideoError(InputError):
    """A video or a camera cannot be read, or a video cannot be written."""


class LabelError(InputError):
    """A class name is not known to a label set."""


class ManifestError(InputError):
    """A manifest or data source is wrong."""


class RecipeError(InputError):
    """A recipe has mistakes.

    Attributes:
        mistakes: one line each.
    """

    def __init__(self, where: str, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        plural = "mistake" if len(mistakes) == 1 else "mistakes"
        super().__init__("\n".join([f"{where}: {len(mistakes)} {plural}", *(f"  - {line}" for line in mistakes)]))


class ModelError(InputError):
    """A model file is not usable for what is asked of it."""


class DownloadError(InputError):
    """A file cannot be fetched, or is not the one that was asked for."""


class RunError(InputError):
    """A run folder is not usable for what is asked of it."""


class CollectError(InputError):
    """A video platform does not answer, or refuses."""


class UnknownName(InputError):
    """A name is not in a table."""


class MissingExtra(MienError):
    """An optional package is not installed."""


class ParityError(MienError):
    """An exported model and the trained one disagree."""


class ClusterError(MienError):
    """Workers of a cluster are lost, or cannot do what they are asked."""


def need(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional module, or say which line installs it.

    Args:
        module: name to import, e.g. ``"pandas"``.
        extra: the extra of mien that brings it, e.g. ``"lab"``.
        purpose: what it is needed for; becomes part of the message.

    Raises:
        MissingExtra: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtra(
            f"{purpose} needs {module.split('.')[0]}, which is not installed: pip install 'mien[{extra}]'"
        ) from None
