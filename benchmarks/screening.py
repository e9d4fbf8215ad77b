"""Does `mien synth screen` find copies of training pictures, what do FID and KID say of known faces, how quick is it?

Run:  python benchmarks/screening.py FACES [NAME=DRAWN ...]

FACES is a manifest of real faces with the splits train and val. Copies of 300 pictures of train are made in several
ways and looked for in all of train: by the rule of `mien synth screen`; by the audit's rule (no turning or scaling;
each copy is shown the very picture it was made from); and by the nearest neighbour in the recognizer's features, with a
threshold that 1 % of the pictures of val pass, near duplicates set aside. Times are those of the processor.

Expected: benchmarks/results/screening.md
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from mien import images
from mien.data.copies import Copies
from mien.data.hashes import ALIKE, ALIKE_MIRRORED, compare, look_at, take_prints
from mien.manifest import Manifest
from mien.runtime.features import Features
from mien.synth.measure import features_of, line_of
from mien.synth.screen import screen

RESULT = Path(__file__).parent / "results" / "screening.md"
READING = "## Reading it\n"
COPIES, HELD_OUT, SPEED = 300, 1000, 500


def posed(image, generator, reach):
    height, width = image.shape[:2]
    turn, scale = generator.uniform(-5 * reach, 5 * reach), generator.uniform(1 - 0.08 * reach, 1 + 0.08 * reach)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, scale)
    matrix[:, 2] += generator.uniform(-0.04 * reach, 0.04 * reach, 2) * width
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def grainy(image, generator):
    return (image + generator.normal(0, 12, image.shape[:2])[..., None]).clip(0, 255).astype(np.uint8)


CHANGES = {
    "blurred (1 px)": lambda image, generator: cv2.GaussianBlur(image, (0, 0), 1),
    "grain (12 levels)": grainy,
    "darker": lambda image, generator: (image * 0.7 + 20).astype(np.uint8),
    "mirrored": lambda image, generator: image[:, ::-1].copy(),
    "turned, scaled, shifted: 5 degrees, 8 %, 4 %": lambda image, generator: posed(image, generator, 1),
    "the same, twice as far": lambda image, generator: posed(image, generator, 2),
    "mirrored, posed, blurred and darker": lambda image, generator: (
        cv2.GaussianBlur(posed(image, generator, 1)[:, ::-1], (0, 0), 1) * 0.7 + 20
    ).astype(np.uint8),
}


def nearest(queries, known):
    """(N,) distance to the nearest of the known features and its place."""
    own = np.square(known).sum(axis=1)
    best, place = [], []
    for start in range(0, len(queries), 256):
        part = queries[start : start + 256]
        squares = np.square(part).sum(axis=1)[:, None] + own - 2 * part @ known.T
        place.append(squares.argmin(axis=1))
        best.append(np.sqrt(np.maximum(squares.min(axis=1), 0)))
    return np.concatenate(best), np.concatenate(place)


def copies_table(train: Manifest, val: Manifest, features: Features, known: np.ndarray) -> list[str]:
    generator = np.random.default_rng(0)
    prints = take_prints(train, threads=1)
    readable = np.array([row for row in range(len(train)) if prints.digests[row]])
    index = Copies(prints.thumbnails, readable)
    held = val.take(np.sort(generator.permutation(len(val))[:HELD_OUT]))
    seen = index.find(take_prints(held, threads=1).thumbnails)
    fresh = np.array([not match.is_copy for match in seen])
    apart, _ = nearest(features_of(held, features, "val", [], threads=1)[0], known)
    threshold = np.percentile(apart[fresh], 1)
    chosen = generator.choice(readable, COPIES, replace=False)
    originals = [images.read(train.paths()[row]) for row in chosen]
    lines = ["| copies | `mien synth screen` | the audit's rule | features |", "| --- | --- | --- | --- |"]
    for name, change in CHANGES.items():
        made = [change(image, generator) for image in originals]
        small = np.stack([look_at(image).thumbnail for image in made])
        found = np.mean([match.is_copy for match in index.find(small)])
        plain = compare(small, prints.thumbnails[chosen]) >= ALIKE
        plain |= compare(small, prints.thumbnails[chosen], is_mirrored=True) >= ALIKE_MIRRORED
        near = nearest(features(made), known)[0] < threshold
        lines.append(f"| {name} | {found:.0%} | {plain.mean():.0%} | {near.mean():.0%} |")
    lines.append(
        f"| none: pictures of val | {1 - fresh.mean():.1%} | | 1 % of those that are no copies, by definition |"
    )
    return lines


def noise(folder: str, count: int, side: int) -> Manifest:
    drawn = np.random.default_rng(0).integers(0, 256, (count, side, side), np.uint8)
    np.save(Path(folder, "noise.npy"), drawn)
    return Manifest.of(root=folder, image=[f"noise.npy#{row}" for row in range(count)], origin=["synthetic"] * count)


def changed(folder: str, part: Manifest, name: str, change) -> Manifest:
    np.save(Path(folder, f"{name}.npy"), np.stack([images.grey(change(images.read(path))) for path in part.paths()]))
    return part.with_columns(image=[f"{folder}/{name}.npy#{row}" for row in range(len(part))])


def distance_table(known: np.ndarray, val: Manifest, drawn: dict[str, Manifest], features: Features) -> list[str]:
    lines = [
        "| train against | faces | FID | KID x 1000 | precision | recall |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        sets = {
            "val": val,
            "val, blurred (1 px)": changed(folder, val, "blurred", lambda image: cv2.GaussianBlur(image, (0, 0), 1)),
            "val, blurred (2 px)": changed(folder, val, "more", lambda image: cv2.GaussianBlur(image, (0, 0), 2)),
            "noise": noise(folder, 2000, 48),
            **drawn,
        }
        for place, (name, other) in enumerate(sets.items()):
            line = line_of(name, known, features_of(other, features, name, [], threads=1)[0])
            rows = [(name, line.drawn)] + ([("train: one part against the rest", line.reference)] if not place else [])
            for title, found in reversed(rows):
                kid = found.kernel
                lines.append(
                    f"| {title} | {found.other:,} | {found.frechet:.2f} | {1000 * kid.mean:.2f} ± "
                    f"{1000 * (kid.high - kid.mean):.2f} | {found.precision:.0%} | {found.recall:.0%} |"
                )
    return lines


def speed_lines(train: Manifest, val: Manifest) -> list[str]:
    steps: dict[str, list[float]] = {}

    def progress(step: str, done: int, total: int) -> None:
        steps.setdefault(step, []).append(time.process_time())

    drawn = val.take(np.arange(min(SPEED, len(val))))
    start = time.process_time()
    screen(drawn, train, threads=1, reference=SPEED, progress=progress)
    whole, before, lines = time.process_time() - start, start, []
    for step, times in steps.items():
        lines.append(f"* {step}: {times[-1] - before:.1f} s")
        before = times[-1]
    return [
        f"`mien synth screen` of {len(drawn):,} faces of 48 px, against {len(train):,} real ones, {SPEED:,} of which",
        f"are checked too; seconds of one core: {whole:.0f}",
        "",
        *lines,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("drawn", nargs="*", metavar="NAME=DRAWN")
    parser.add_argument("--real", type=int, help="Only so many pictures of train; by default all.")
    arguments = parser.parse_args()
    faces = Manifest.load(arguments.faces)
    train, val = faces.split("train"), faces.split("val")
    drawn = {name: Manifest.load(path) for name, _, path in (text.partition("=") for text in arguments.drawn)}
    if arguments.real is not None:
        train = train.take(np.sort(np.random.default_rng(0).permutation(len(train))[: arguments.real]))
    features = Features("default", threads=1)
    known, _ = features_of(train, features, "train", [], threads=1)
    parts = [
        ["## Copies of training pictures that are found", "", *copies_table(train, val, features, known)],
        ["## Distances", "", *distance_table(known, val, drawn, features)],
        ["## Time", "", *speed_lines(train, val)],
    ]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    told = ["--real", str(arguments.real)] if arguments.real is not None else []
    told += [
        arguments.faces.name,
        *(f"{name}={Path(path).name}" for name, _, path in map(lambda t: t.partition("="), arguments.drawn)),
    ]
    about = [
        "# Screening drawn faces",
        "",
        "Does `mien synth screen` find copies of training pictures, what do FID and KID say of known faces, and how",
        "quick is it? Made by `benchmarks/screening.py`.",
        "",
        f"* {datetime.date.today()}, commit {commit}, one of {os.cpu_count()} cores ({platform.machine()}, "
        f"{platform.system()}), which did other work beside",
        f"* `python benchmarks/screening.py {' '.join(map(shlex.quote, told))}`",
        "",
    ]
    kept = RESULT.read_text().partition(READING)[2] if RESULT.exists() else ""
    text = "\n".join([*about, *(line for part in parts for line in [*part, ""])])
    RESULT.write_text(text + (READING + kept if kept else ""))
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
