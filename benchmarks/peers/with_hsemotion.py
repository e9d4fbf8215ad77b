"""hsemotion-onnx with its default network; it finds no faces itself."""

from __future__ import annotations

import urllib.request  # noqa: F401  (it downloads its weights with this, and imports but urllib)
from collections.abc import Sequence

import numpy as np
from harness import Peer, run
from hsemotion_onnx.facial_emotions import HSEmotionRecognizer


class HsEmotion(Peer):
    packages = ("hsemotion-onnx", "onnxruntime", "opencv-python", "numpy")
    has_batch = True
    has_detector = False

    def __init__(self, threads: int) -> None:
        self.recognizer = HSEmotionRecognizer(model_name="enet_b0_8_best_vgaf")
        names = self.recognizer.idx_to_class
        self.classes = [names[place] for place in range(len(names))]

    def one(self, face: np.ndarray) -> Sequence[float]:
        return self.recognizer.predict_emotions(face, logits=False)[1]

    def many(self, faces: list[np.ndarray]) -> Sequence[Sequence[float]]:
        return self.recognizer.predict_multi_emotions(faces, logits=False)[1]


if __name__ == "__main__":
    run(HsEmotion)
