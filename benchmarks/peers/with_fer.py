"""fer: the quantised network that it uses by default; faces by OpenCV's Haar cascade.

A face that is cut out already goes in as a picture with its box; `offsets` of 0 keep the box as it is. It reads one
face after the other, also where a picture has several.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from fer.fer import FER
from harness import Peer, run

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


class Fer(Peer):
    classes = CLASSES
    packages = ("fer", "tensorflow", "opencv-contrib-python", "numpy")

    def __init__(self, threads: int) -> None:
        self.of_crops, self.of_pictures = FER(offsets=(0, 0)), FER()

    def one(self, face: np.ndarray) -> Sequence[float]:
        height, width = face.shape[:2]
        (found,) = self.of_crops.detect_emotions(face, face_rectangles=[(0, 0, width, height)])
        return [found["emotions"][name] for name in CLASSES]

    def pictures(self, paths: list[str]) -> list[int]:
        return [len(self.of_pictures.detect_emotions(cv2.imread(path))) for path in paths]


if __name__ == "__main__":
    run(Fer)
