"""What every peer written in Python is asked to do: this file and a peer's own run in that peer's environment.

A peer's file calls ``run(make)``. ``make(threads)`` imports the peer, loads its network and gives a :class:`Peer`.
The order is a JSON file: which part (``start``, ``crops`` or ``pictures``), the faces, the pictures, how often. The
answer is another. Nothing but NumPy and the standard library is needed here.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np


class Peer:
    """A tool that reads expressions.

    Attributes:
        classes: its own names, in the order of its scores.
        packages: whose versions are noted, the peer's own first.
        has_batch: whether ``many`` gives several faces to the network at once.
        has_detector: whether it finds faces itself.
    """

    classes: Sequence[str] = ()
    packages: Sequence[str] = ()
    has_batch = False
    has_detector = True

    def one(self, face: np.ndarray) -> Sequence[float]:
        """Scores of a face that is cut out already, (H, W, 3) uint8 with three equal channels."""
        raise NotImplementedError

    def many(self, faces: list[np.ndarray]) -> Sequence[Sequence[float]]:
        """Scores of several such faces."""
        return [self.one(face) for face in faces]

    def pictures(self, paths: list[str]) -> list[int]:
        """How many faces each file has; all are found and read."""
        raise NotImplementedError


def run(make: Callable[[int], Peer]) -> None:
    """Do what the order says."""
    with open(sys.argv[1], encoding="utf-8") as file:
        order = json.load(file)
    peer = make(order["threads"])
    faces = np.fromfile(order["faces"], np.uint8).reshape(-1, *order["size"])
    colour = [np.ascontiguousarray(np.repeat(face[..., None], 3, axis=2)) for face in faces]
    answer: dict[str, Any]
    if order["part"] == "start":
        peer.one(colour[0])
        answer = {"first_at": time.time()}
    elif order["part"] == "crops":
        answer = read_crops(peer, colour, order)
    else:
        answer = read_pictures(peer, order)
    answer["peak_mb"] = peak_mb()
    answer["versions"] = {"python": platform.python_version(), **{name: version(name) for name in peer.packages}}
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(answer, file)


def read_crops(peer: Peer, faces: list[np.ndarray], order: dict[str, Any]) -> dict[str, Any]:
    """Scores of all faces, and the seconds of each round over the first ones."""
    scores = [row for batch in batches(faces, order["batch"]) for row in peer.many(batch)]
    few = faces[: order["timed"]]
    answer = {
        "classes": list(peer.classes),
        "scores": [[round(float(value), 6) for value in row] for row in scores],
        "timed": len(few),
        "one_s": rounds(lambda: [peer.one(face) for face in few], order["rounds"]),
    }
    if peer.has_batch:
        answer["many_s"] = rounds(lambda: [peer.many(batch) for batch in batches(few, order["batch"])], order["rounds"])
    return answer


def read_pictures(peer: Peer, order: dict[str, Any]) -> dict[str, Any]:
    """Faces found in all pictures, and the seconds of each round."""
    if not peer.has_detector:
        return {}
    found = peer.pictures(order["pictures"])
    return {"found": found, "pictures_s": rounds(lambda: peer.pictures(order["pictures"]), order["rounds"])}


def peak_mb() -> float | None:
    """Most memory that this process held, 10^6 bytes; None where the system does not tell (Linux does)."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 / 1e6 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return None


def batches(faces: list[np.ndarray], size: int) -> list[list[np.ndarray]]:
    return [faces[start : start + size] for start in range(0, len(faces), size)]


def rounds(work: Callable[[], object], count: int) -> list[float]:
    """Seconds of each round; what went before has warmed up."""
    found = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return found
