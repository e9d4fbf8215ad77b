"""How much clearer are enlarged faces than interpolated ones, and is the perceived expression in them read the same?

Run:  python benchmarks/enhance_quality.py prepare NAME=MANIFEST [NAME=MANIFEST ...] --whole NAME --out large.csv
      python benchmarks/enhance_quality.py measure large.csv [--models NAME_OR_PATH ...]

``prepare`` makes the manifest of large faces that the recipes of enhancers learn from: the face of every picture as a
box (the whole picture for sources named with --whole), of generated portraits three framings for training, and splits
by person. ``measure`` takes the persons held out (split test): each face is brought to 192 px, made four times smaller
(by area averaging, and once more with blur, noise and JPEG), enlarged again by each method, and compared.

Expected: benchmarks/results/enhance.md
"""

from __future__ import annotations

import argparse
import datetime
import platform
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from enhance_public import span

from mien.data.split import split_whole
from mien.enhance.enhancer import Enhancer
from mien.enhance.quality import psnr, ssim
from mien.face import Face
from mien.faces import crop, detector
from mien.images import grey, read, resize
from mien.manifest import Manifest
from mien.parts import Degrade
from mien.runtime.recognizer import Recognizer
from mien.train.degrade import shrink

RESULT = Path(__file__).parent / "results" / "enhance.md"
LARGE, SMALL = 192, 48
METHODS = ("bicubic", "lanczos", "srcnn", "enhanced_srcnn", "subpixel")
DRAWS = 2000
#: What stands below this heading is written by hand and kept.
READING = "## Reading it\n"


def box_of(centre: np.ndarray, side: float) -> str:
    return " ".join(f"{value:.1f}" for value in (*(centre - side / 2), *(centre + side / 2)))


def prepare(sources: dict[str, Path], whole: list[str], out: Path) -> None:
    """One row per face of at least 150 px, framed a little wider than the detector's box."""
    find, draw, rows = detector(), np.random.default_rng(0), []
    for name, path in sources.items():
        manifest = Manifest.load(path)
        for number, (file, row) in enumerate(zip(manifest.paths(), manifest.frame.to_dict("records"), strict=True)):
            picture = read(file)
            if name in whole:
                height, width = picture.shape[:2]
                centre, side = np.array([width, height]) / 2, float(min(width, height))
            else:
                faces = find.detect(picture)
                if not faces or faces[0].size_px < 150:
                    continue
                box = faces[0].box.astype(float)
                centre, side = (box[:2] + box[2:]) / 2, float(faces[0].size_px)
            person = row["subject"] or f"{name}-{number}"
            rows.append({**row, "image": file, "domain": name, "subject": person, "split": "", "box": (centre, side)})
    bare = pd.DataFrame([{**row, "box": box_of(*row["box"])} for row in rows])
    dealt = split_whole(Manifest(bare), {"train": 0.85, "val": 0.05, "test": 0.10}, balance=("domain",))
    framed = []
    for row, split in zip(rows, dealt.frame["split"], strict=True):
        centre, side = row["box"]
        if row["domain"] in whole:
            framed.append({**row, "split": split, "box": box_of(centre, side)})
            continue
        for number in range(3 if split == "train" else 1):
            scale = 1.1 if number == 0 else draw.uniform(0.75, 1.35)
            moved = centre if number == 0 else centre + draw.uniform(-0.12, 0.12, 2) * side
            framed.append({**row, "split": split, "box": box_of(moved, max(side * scale, 150))})
    table = pd.DataFrame(framed)
    table.to_csv(out, index=False)
    print(table.groupby(["domain", "split"]).size())


def originals(manifest: Manifest) -> tuple[list[np.ndarray], list[int]]:
    """Grey faces of 192 px, and the rows of those that were as large before."""
    boxes, found, rows = manifest.boxes(), [], []
    for row, path in enumerate(manifest.paths()):
        face = crop(read(path), Face(boxes[row].astype(np.float32)), 0.0)
        if face.shape[0] >= LARGE:
            found.append(resize(grey(face), LARGE, LARGE))
            rows.append(row)
    return found, rows


def degraded(large: list[np.ndarray]) -> list[np.ndarray]:
    """The same for everybody: drawn once, every picture with something."""
    images = torch.from_numpy(np.stack(large)[:, None]).float() / 255
    small = shrink(images, LARGE // SMALL, Degrade(clean=0), torch.Generator().manual_seed(7))
    return list((small[:, 0] * 255).round().byte().numpy())


def interval(values: np.ndarray, persons: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % interval: persons are drawn as wholes."""
    _, person = np.unique(persons, return_inverse=True)
    sums, counts = np.bincount(person, values), np.bincount(person)
    draws = np.random.default_rng(0).integers(0, len(sums), (DRAWS, len(sums)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    return float(values.mean()), *np.percentile(means, [2.5, 97.5]).tolist()


def measure(manifest: Manifest, models: list[str]) -> list[str]:
    test, lines = manifest.split("test"), []
    recognizer = Recognizer(detector="whole", threads=1)
    enhancers: dict[str, Any] = {
        Path(name).stem if "/" in name else name: Enhancer(name, LARGE, threads=1) for name in models
    }
    if (public := span(LARGE, LARGE)) is not None:
        enhancers["SPAN x4"] = public
    lines += [
        "| Faces | Made small by | Method | PSNR dB | against bicubic (95 % interval) | SSIM | against bicubic | "
        "read as the original |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for domain in sorted(set(test.frame["domain"])):
        part = test.where(domain=domain)
        large, rows = originals(part)
        persons = part.frame["subject"].to_numpy(str)[rows]
        truth = recognizer.probabilities([np.dstack([face] * 3) for face in large]).argmax(axis=1)
        for how, small in (
            ("area averaging", [resize(face, SMALL, SMALL) for face in large]),
            ("blur, noise, JPEG", degraded(large)),
        ):
            base: tuple[np.ndarray, np.ndarray] | None = None
            for name, enhancer in enhancers.items():
                made = enhancer(small)
                peaks = np.array([psnr(after, face) for after, face in zip(made, large, strict=True)])
                likes = np.array([ssim(after, face) for after, face in zip(made, large, strict=True)])
                answers = recognizer.probabilities([np.dstack([face] * 3) for face in made]).argmax(axis=1)
                if base is None:
                    base, more = (peaks, likes), ("", "")
                else:
                    gain = interval(peaks - base[0], persons)
                    more = (
                        f"{gain[0]:+.2f} ({gain[1]:+.2f} to {gain[2]:+.2f})",
                        f"{(likes - base[1]).mean():+.4f}",
                    )
                lines.append(
                    f"| {domain}, {len(large)} of {len(set(persons))} persons | {how} | {name} | {peaks.mean():.2f} | "
                    f"{more[0]} | {likes.mean():.4f} | {more[1]} | {(answers == truth).mean():.1%} |"
                )
                print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("prepare")
    making.add_argument("sources", nargs="+")
    making.add_argument("--whole", nargs="*", default=[])
    making.add_argument("--out", type=Path, required=True)
    measuring = verbs.add_parser("measure")
    measuring.add_argument("manifest", type=Path)
    measuring.add_argument("--models", nargs="+", default=list(METHODS))
    measuring.add_argument("--dry", action="store_true", help="print only")
    given = parser.parse_args()
    if given.verb == "prepare":
        sources = {name: Path(path) for name, _, path in (text.partition("=") for text in given.sources)}
        prepare(sources, given.whole, given.out)
        return
    torch.set_num_threads(1)
    models = list(dict.fromkeys(["bicubic", *given.models]))
    lines = measure(Manifest.load(given.manifest), models)
    if given.dry:
        return
    root = Path(__file__).parents[1]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True).stdout
    shown = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    before = RESULT.read_text(encoding="utf-8") if RESULT.exists() else ""
    kept = before.partition(READING)[2]
    text = [
        "# How much clearer are enlarged faces?",
        "",
        f"{datetime.date.today()}, {platform.processor() or platform.machine()}, Python {platform.python_version()}, "
        f"commit {commit.strip()}.",
        f"Run: `python benchmarks/enhance_quality.py {shlex.join(shown)}`",
        "",
        f"Faces of {LARGE} px of persons that no enhancer learned from, made {SMALL} px and enlarged again. "
        "*Read as the original*: the default recognizer's first answer is the one it gives to the original.",
        "",
        *lines,
        "",
    ]
    RESULT.write_text("\n".join(text) + ("\n" + READING + kept if kept else ""), encoding="utf-8")
    print(f"written: {RESULT}")


if __name__ == "__main__":
    main()
