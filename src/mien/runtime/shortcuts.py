"""One-line use: the functions at the top of the package."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from mien.errors import LabelError
from mien.faces import DEFAULT as DEFAULT_DETECTOR
from mien.images import Source, read
from mien.labels import Labels
from mien.prediction import Reading
from mien.runtime.biases import Biases
from mien.runtime.models import DEFAULT, Model, locate_all
from mien.runtime.recognizer import Recognizer


@lru_cache(maxsize=4)
def _recognizer(files: tuple[tuple[Path, int], ...], detector: str, options: tuple[tuple[str, Any], ...]) -> Recognizer:
    return Recognizer([path for path, _ in files], detector=detector, **dict(options))


@overload
def predict(
    source: Source, model: Model | Sequence[Model] = ..., *, detector: str = ..., **options: Any
) -> list[Reading]: ...
@overload
def predict(
    source: list[Source], model: Model | Sequence[Model] = ..., *, detector: str = ..., **options: Any
) -> list[list[Reading]]: ...
def predict(
    source: Source | list[Source],
    model: Model | Sequence[Model] = DEFAULT,
    *,
    detector: str = DEFAULT_DETECTOR,
    **options: Any,
) -> list[Reading] | list[list[Reading]]:
    """Read the perceived expression of every face in a picture, or in each picture of a list.

    Args:
        source: path, encoded bytes, PIL image, RGB array, or a list of such.
        model: name or path; or several, whose probabilities are averaged.
        detector: an entry of ``mien.faces.DETECTORS``; ``"whole"`` when the picture already is a face.
        options: further arguments of ``Recognizer``. The last few recognizers are kept, so calling again is quick.

    Returns:
        Readings, the largest face first; for a list, one list per picture.

    Raises:
        ImageError: a picture cannot be read.
        ModelError: the model cannot be used.

    Example:
        >>> from importlib.resources import files
        >>> (reading,) = predict(files("mien") / "assets" / "grace_hopper.jpg")
        >>> round(float(reading.prediction.probabilities.sum()), 3)
        1.0
    """
    # a model file that was written again is another model
    files = tuple((path, path.stat().st_mtime_ns) for path in locate_all(model))
    if options.get("biases") is not None:
        options["biases"] = Biases.of(options["biases"])  # which a cache can keep, and which has read its file
    return _recognizer(files, detector, tuple(sorted(options.items()))).read(source)


def load_model(path: str | os.PathLike[str] = DEFAULT) -> tuple[Recognizer, list[str]]:
    """Load a model for :func:`predict_image`.

    Args:
        path: name or path of a model.

    Returns:
        The model and its class names, in the order of its probabilities.
    """
    model = Recognizer(path, detector="whole")
    return model, list(model.labels.names)


def predict_image(
    model: Recognizer, source: Source, class_names: Sequence[str] | None = None
) -> tuple[str, float, NDArray[np.float32]]:
    """Answer for a picture that is one face, such as those of a data set.

    Args:
        model: of :func:`load_model`.
        source: path, encoded bytes, PIL image or RGB array of a face that is cut out already; for whole photographs
            use :func:`predict`.
        class_names: of :func:`load_model`; names or an order other than the model's choose the classes of the answer.

    Returns:
        Expression, confidence in per cent, and probabilities (C,) float32 in the order of ``class_names``.

    Raises:
        LabelError: the model does not know one of the classes.

    Example:
        >>> from importlib.resources import files
        >>> model, class_names = load_model()
        >>> emotion, confidence, probabilities = predict_image(
        ...     model, files("mien") / "assets" / "eileen_collins.jpg", class_names)
        >>> len(probabilities) == len(class_names)
        True
    """
    (answer,) = model.classify([read(source)])
    if class_names is not None and tuple(class_names) != model.labels.names:
        wanted = Labels(tuple(class_names))
        for name in wanted:
            if model.labels.find(name) is None:
                raise LabelError(f"the model does not know the class {name!r}; it has {', '.join(model.labels)}")
        answer = answer.to_labels(wanted)
    return answer.label, 100 * answer.confidence, answer.probabilities
