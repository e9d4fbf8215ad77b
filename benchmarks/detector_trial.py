"""What can be gained over the shipped detector: int8, smaller views, quicker shrinking; where does its time go?

Run:  python benchmarks/detector_trial.py FOLDER [--calibrate FOLDER] [--before OLD.onnx] [--repeats 9]

Every picture is looked at by all variants in turn, several times, so that a busy machine slows all of them alike; the
time is that which the thread spends computing. Counted are the faces of the shipped detector that a variant finds again
(boxes that overlap by half) and those it finds besides. ``--calibrate`` holds the faces that set the ranges of int8:
others than FOLDER's. ``--before`` is an earlier network file, e.g. that of commit bb0b2f1, whose heads were apart.

Expected: benchmarks/results/detector_trial.md
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
from detectors import header, shrunk

from mien import images
from mien.face import Face
from mien.faces import yunet
from mien.faces.track import overlap
from mien.faces.yunet import SHIPPED, YuNet
from mien.images import Pixels
from mien.train.precision.int8 import quantise

Find = Callable[[Pixels], list[Face]]
#: Sizes of faces in the picture shrunk to 640 px.
SIZES = ((0.0, 32.0), (32.0, 64.0), (64.0, float("inf")))


def milliseconds(work: Callable[..., object], *given: object) -> float:
    """Of computing, not of waiting for a core."""
    start = time.thread_time()
    work(*given)
    return (time.thread_time() - start) * 1000


def eight_bits(folder: Path, target: Path, count: int = 80) -> None:
    """The shipped network in int8, its ranges from pictures of the folder at random sizes on 320 px of grey."""
    random, views = np.random.default_rng(0), []
    paths = list(images.find(folder))
    for path in paths[:: max(1, len(paths) // count)]:
        picture, scale = images.read(path), random.uniform(0.3, 1.5)
        rows, columns = (min(320, max(16, int(side * scale))) for side in picture.shape[:2])
        views.append(yunet._on_grey(images.resize(picture, rows, columns), 320, 320, 0))
    onnx.save(quantise(onnx.load(SHIPPED), views), target)


def halved(image: Pixels) -> Pixels:
    """Shrunk to 640 px by halving as long as that is possible: OpenCV does that five times as quickly per pixel."""
    while max(image.shape[:2]) >= 2 * 640:
        rows, columns = image.shape[0] // 2, image.shape[1] // 2
        image = images.resize(image[: 2 * rows, : 2 * columns], rows, columns)
    return image


def seen(found: list[Face], other: list[Face], scale: float) -> tuple[dict[int, tuple[int, int]], int]:
    """By size, how many of ``found`` are in ``other``, and of how many; and how many are in ``other`` only."""
    one, two = (np.array([face.box for face in faces], np.float64).reshape(-1, 4) for faces in (found, other))
    shared = overlap(one, two) >= 0.5
    sizes = np.array([face.size_px * scale for face in found])
    counts = {}
    for group, (low, high) in enumerate(SIZES):
        inside = (sizes >= low) & (sizes < high)
        counts[group] = (int(shared.any(axis=1)[inside].sum()), int(inside.sum()))
    return counts, int((~shared.any(axis=0)).sum())


def compare(pictures: list[Pixels], variants: dict[str, Find], repeats: int) -> None:
    """Print the table of variants; the first is the measure of the others."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    found: dict[str, list[list[Face]]] = {name: [find(image) for image in pictures] for name, find in variants.items()}
    for image in pictures:
        rounds = [{name: milliseconds(find, image) for name, find in variants.items()} for _ in range(repeats)]
        for name in variants:
            times[name].append(statistics.median(row[name] for row in rounds))
    first = next(iter(variants))
    sizes = [f"{low:.0f} to {high:.0f} px" if high < 1e9 else f"from {low:.0f} px" for low, high in SIZES]
    print("| variant | ms, median | ratio to the first | faces | again: " + " | again: ".join(sizes) + " | besides |")
    print("| --- " * (5 + len(SIZES)) + "|")
    for name in variants:
        ratio = statistics.median(one / two for one, two in zip(times[name], times[first], strict=True))
        again = {group: [0, 0] for group in range(len(SIZES))}
        besides = 0
        for image, one, two in zip(pictures, found[first], found[name], strict=True):
            counts, extra = seen(one, two, min(1.0, 640 / max(image.shape[:2])))
            besides += extra
            for group, (hit, total) in counts.items():
                again[group][0] += hit
                again[group][1] += total
        cells = " | ".join(f"{hit} of {total}" for hit, total in again.values())
        number = sum(map(len, found[name]))
        print(f"| {name} | {statistics.median(times[name]):.2f} | {ratio:.2f} | {number} | {cells} | {besides} |")


def stages(pictures: list[Pixels], repeats: int) -> None:
    """Print where the time of one 640 x 480 picture goes."""
    finder, rows = YuNet(SHIPPED), []
    run = finder._session.run
    for picture in pictures:
        image = images.resize(picture, 480, 640)
        canvas = yunet._on_grey(image, 480, 640, 0)
        outputs = dict(zip(yunet.OUTPUTS, run(list(yunet.OUTPUTS), {"input": canvas}), strict=True))
        measured = [
            (
                milliseconds(finder._look, image, 1.0, 0),
                milliseconds(yunet._on_grey, image, 480, 640, 0),
                milliseconds(run, list(yunet.OUTPUTS), {"input": canvas}),
                milliseconds(yunet.decode, outputs, 640, 0.6),
            )
            for _ in range(repeats)
        ]
        rows.append([statistics.median(column) for column in zip(*measured, strict=True)])
    whole, *parts = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"\nOne picture of 640 x 480: {whole:.2f} ms (median over the pictures), of these")
    for name, part in zip(("onto the canvas", "network", "decoding"), parts, strict=True):
        print(f"* {name}: {part:.2f} ms, {part / whole:.0%}")
    large = [image for image in pictures if max(image.shape[:2]) > 640]
    if large:
        spent = statistics.median(milliseconds(shrunk, image) for image in large for _ in range(repeats))
        print(f"\nShrinking before that, in {len(large)} larger pictures: {spent:.2f} ms (median)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calibrate", type=Path)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    print(header())
    pictures = [images.read(path) for path in images.find(given.folder)]
    shipped = YuNet(SHIPPED)
    variants: dict[str, Find] = {"shipped, 640 px": shipped.detect}
    if given.before:
        variants["the earlier file"] = YuNet(given.before).detect
    with tempfile.TemporaryDirectory() as folder:
        if given.calibrate:
            eight_bits(given.calibrate, Path(folder) / "int8.onnx")
            variants["int8"] = YuNet(Path(folder) / "int8.onnx").detect
        for side in (480, 320, 224):
            variants[f"{side} px"] = YuNet(SHIPPED, longest_side_px=side).detect
        variants["shrunk by halving"] = lambda image: [
            Face(face.box * (max(image.shape[:2]) / max(small.shape[:2])), face.score)
            for small in [halved(image)]
            for face in shipped.detect(small)
        ]
        compare(pictures, variants, given.repeats)
    stages(pictures, given.repeats)


if __name__ == "__main__":
    main()
