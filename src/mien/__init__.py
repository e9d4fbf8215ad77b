"""mien reads the expression that people would see in a face, and builds, audits and ships the models that do.

    >>> import mien
    >>> from importlib.resources import files
    >>> (reading,) = mien.predict(files("mien") / "assets" / "eileen_collins.jpg")
    >>> reading.prediction.label
    'happy'

Names are resolved on first use, so that ``import mien`` is quick.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

# ONNX Runtime 1.31 keeps a number of the device and events about models in ~/.cache/Microsoft and sends them to its
# maker. It asks for this when it is loaded; whoever wants the events sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from mien.card import Card
    from mien.enhance.shortcut import EmotionImageEnhancer
    from mien.errors import MienError
    from mien.evaluate.shortcut import evaluate_model
    from mien.face import Face
    from mien.labels import Labels
    from mien.manifest import Manifest
    from mien.prediction import Prediction, Reading
    from mien.preprocess import Preprocess
    from mien.recipe import Recipe
    from mien.runtime.recognizer import Recognizer
    from mien.runtime.shortcuts import load_model, predict, predict_image, read_video
    from mien.scores import Scores
    from mien.synth.generator import Generator
    from mien.synth.shortcut import sample_faces
    from mien.train.shortcut import train_model

__version__ = "0.1.0"

_HOME = {
    "Card": "mien.card",
    "EmotionImageEnhancer": "mien.enhance.shortcut",
    "Face": "mien.face",
    "Generator": "mien.synth.generator",
    "Labels": "mien.labels",
    "Manifest": "mien.manifest",
    "MienError": "mien.errors",
    "Prediction": "mien.prediction",
    "Preprocess": "mien.preprocess",
    "Reading": "mien.prediction",
    "Recipe": "mien.recipe",
    "Recognizer": "mien.runtime.recognizer",
    "Scores": "mien.scores",
    "evaluate_model": "mien.evaluate.shortcut",
    "load_model": "mien.runtime.shortcuts",
    "predict": "mien.runtime.shortcuts",
    "predict_image": "mien.runtime.shortcuts",
    "read_video": "mien.runtime.shortcuts",
    "sample_faces": "mien.synth.shortcut",
    "train_model": "mien.train.shortcut",
}

__all__ = [
    "Card",
    "EmotionImageEnhancer",
    "Face",
    "Generator",
    "Labels",
    "Manifest",
    "MienError",
    "Prediction",
    "Preprocess",
    "Reading",
    "Recipe",
    "Recognizer",
    "Scores",
    "evaluate_model",
    "load_model",
    "predict",
    "predict_image",
    "read_video",
    "sample_faces",
    "train_model",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
