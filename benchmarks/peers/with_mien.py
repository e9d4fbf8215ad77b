"""mien itself: `mien.Recognizer`, as its card says (faces are averaged with their mirror image where that says so)."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from harness import Peer, run

from mien import Recognizer


class Ours(Peer):
    packages = ("mien", "onnxruntime", "opencv-python-headless", "numpy")
    has_batch = True

    def __init__(self, threads: int) -> None:
        self.recognizer = Recognizer(os.environ["PEER_MODEL"], threads=threads)
        self.classes = self.recognizer.labels.names

    def one(self, face: np.ndarray) -> Sequence[float]:
        return self.recognizer.classify([face])[0].probabilities

    def many(self, faces: list[np.ndarray]) -> Sequence[Sequence[float]]:
        return [answer.probabilities for answer in self.recognizer.classify(faces)]

    def pictures(self, paths: list[str]) -> list[int]:
        return [len(answer.readings) for answer in self.recognizer.stream(paths)]


if __name__ == "__main__":
    run(Ours)
