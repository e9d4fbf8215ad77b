"""One-line use: the functions at the top of the package."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from mien.errors import LabelError, VideoError
from mien.faces import DEFAULT as DEFAULT_DETECTOR
from mien.images import Source, read
from mien.labels import Labels
from mien.prediction import Reading
from mien.runtime.biases import Biases
from mien.runtime.clip import Clip
from mien.runtime.models import DEFAULT, Model, locate_all
from mien.runtime.recognizer import Recognizer
from mien.runtime.video import SMOOTH_S, Every, read_clip


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
    return _cached(model, detector, options).read(source)


def _cached(model: Model | Sequence[Model], detector: str, options: dict[str, Any]) -> Recognizer:
    # a model file that was written again is another model
    files = tuple((path, path.stat().st_mtime_ns) for path in locate_all(model))
    if options.get("biases") is not None:
        options["biases"] = Biases.of(options["biases"])  # which a cache can keep, and which has read its file
    return _recognizer(files, detector, tuple(sorted(options.items())))


def read_video(
    source: str | os.PathLike[str],
    model: Model | Sequence[Model] = DEFAULT,
    *,
    detector: str = DEFAULT_DETECTOR,
    every: int | str = 1,
    start_s: float = 0.0,
    end_s: float | None = None,
    smooth_s: float = SMOOTH_S,
    detect_every: int = 1,
    **options: Any,
) -> Iterator[Reading]:
    """Read the perceived expressions in a video, one frame after the other, in constant memory.

    Args:
        source: path or address of a video.
        model: name or path; or several, whose probabilities are averaged.
        detector: an entry of ``mien.faces.DETECTORS``.
        every: read each one of so many frames; or one in so many seconds, as ``"0.5s"``.
        start_s: begin here, in seconds.
        end_s: stop before this time; None reads to the end.
        smooth_s: time constant in seconds of the smoothing over time; 0 for none.
        detect_every: look for faces in each one of so many of the frames that are read, and follow them between.
        options: further arguments of ``Recognizer``.

    Yields:
        Readings with ``frame``, ``time_s`` and ``track``, frame by frame; a frame without a face has none. A video that
        is damaged gives what can be read, and a warning at its end.

    Raises:
        VideoError: the video cannot be opened, or none of its frames be read.
        ModelError: the model cannot be used.
    """
    recognizer = _cached(model, detector, options)
    with Clip(source) as clip:
        reading = read_clip(
            recognizer,
            clip,
            every=Every.parse(str(every)),
            start_s=start_s,
            end_s=end_s,
            smooth_s=smooth_s,
            detect_every=detect_every,
        )
        for _, answer in reading:
            if answer is not None:
                yield from answer.readings
        if clip.problem is not None:
            if clip.size_px is None:
                raise VideoError(clip.problem)
            warnings.warn(clip.problem, stacklevel=2)


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
