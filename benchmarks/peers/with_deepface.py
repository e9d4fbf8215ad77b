"""deepface: `DeepFace.analyze` with the emotion alone and its default detector; cut faces with the detector "skip"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from deepface import DeepFace
from harness import Peer, run

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


class Deepface(Peer):
    classes = CLASSES
    packages = ("deepface", "onnxruntime", "opencv-contrib-python-headless", "numpy")

    def __init__(self, threads: int) -> None:
        self.settings = {"actions": ["emotion"], "enforce_detection": False, "silent": True}

    def one(self, face: np.ndarray) -> Sequence[float]:
        (found,) = DeepFace.analyze(face, detector_backend="skip", **self.settings)
        return [found["emotion"][name] for name in CLASSES]

    def pictures(self, paths: list[str]) -> list[int]:
        # where it finds nobody, it reads the whole picture and gives the confidence 0
        found = [DeepFace.analyze(path, **self.settings) for path in paths]
        return [sum(face["face_confidence"] > 0 for face in faces) for faces in found]


if __name__ == "__main__":
    run(Deepface)
