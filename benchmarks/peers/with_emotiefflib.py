"""EmotiEffLib with its default network on ONNX Runtime; it finds no faces itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from emotiefflib.facial_analysis import EmotiEffLibRecognizer
from harness import Peer, run


class EmotiEff(Peer):
    packages = ("emotiefflib", "onnxruntime", "opencv-python", "numpy")
    has_batch = True
    has_detector = False

    def __init__(self, threads: int) -> None:
        self.recognizer = EmotiEffLibRecognizer(engine="onnx", model_name="enet_b0_8_best_vgaf", device="cpu")
        names = self.recognizer.idx_to_emotion_class
        self.classes = [names[place] for place in range(len(names))]

    def one(self, face: np.ndarray) -> Sequence[float]:
        return self.recognizer.predict_emotions(face, logits=False)[1][0]

    def many(self, faces: list[np.ndarray]) -> Sequence[Sequence[float]]:
        return self.recognizer.predict_emotions(faces, logits=False)[1]


if __name__ == "__main__":
    run(EmotiEff)
