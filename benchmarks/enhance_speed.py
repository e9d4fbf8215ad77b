"""How quick is enhancement from 48 to 224 px, and does memory stay flat over many pictures?

Run:  taskset -c 0,1 python benchmarks/enhance_speed.py [--pictures 20000] [--scratch FOLDER]

Speed is measured twice: the enlarging alone, in memory, and the whole of ``mien enhance`` with reading, encoding and
writing PNG files. Time of the CPU counts when other work goes on beside; seconds of the clock are those of an idle
machine only. Drawn faces serve as pictures: their content does not change the time. Memory is the largest of the
process after every fifth of the pictures. The public net is SPAN x4, when it is installed (enhance_public.py).

Expected: benchmarks/results/enhance_speed.md
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from enhance_public import span, version

from mien.data.sources.toy import toy_faces
from mien.enhance.engines import Plan
from mien.enhance.enhancer import Enhancer
from mien.enhance.folder import enhance
from mien.images import grey
from mien.labels import Labels
from mien.manifest import Manifest

RESULT = Path(__file__).parent / "results" / "enhance_speed.md"
SMALL, LARGE = 48, 224
METHODS = ("bicubic", "lanczos", "subpixel", "srcnn", "enhanced_srcnn")
#: What stands below this heading is written by hand and kept.
READING = "## Reading it\n"


def rate(call: Callable[[], object], pictures: int, clock: Callable[[], float], seconds: float = 2.0) -> float:
    """Pictures per second of a clock: the best of as many calls as fit into the time."""
    call()
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < seconds:
        begin = clock()
        call()
        best = min(best, clock() - begin)
    return pictures / best


def in_memory(faces: list[np.ndarray]) -> list[str]:
    """Rows of pictures per second, on one thread and on all."""
    cores = len(os.sched_getaffinity(0))
    lines = [f"| Method | per CPU second, one thread | per second, {cores} threads |", "| --- | ---: | ---: |"]
    for name in METHODS:
        found = []
        for threads, clock in ((1, time.process_time), (cores, time.perf_counter)):
            cv2.setNumThreads(threads)
            enhancer = Enhancer(name, LARGE, threads=threads)
            found.append(rate(lambda enhancer=enhancer: enhancer(faces), len(faces), clock))
        lines.append(f"| {name} | {found[0]:,.0f} | {found[1]:,.0f} |")
        print(lines[-1], flush=True)
    if span(LARGE, LARGE) is not None:
        some = faces[:32]
        found = []
        for threads, clock in ((1, time.process_time), (cores, time.perf_counter)):
            public = span(LARGE, LARGE, threads)
            found.append(rate(lambda public=public: public(some), len(some), clock))
        lines.append(f"| SPAN x4 ({version()}) | {found[0]:,.0f} | {found[1]:,.0f} |")
        print(lines[-1], flush=True)
    return lines


def files(faces: list[np.ndarray], count: int, scratch: Path) -> tuple[list[str], list[str]]:
    """Rows of pictures per second with files, and of memory."""
    np.save(scratch / "faces.npy", np.stack([faces[number % len(faces)] for number in range(count)]))
    manifest = Manifest.of(root=scratch, image=[f"faces.npy#{row}" for row in range(count)])
    cores = len(os.sched_getaffinity(0))
    lines = ["| Method | workers | images/s |", "| --- | ---: | ---: |"]
    memory = ["| Pictures done (bicubic) | largest memory of the process, MB |", "| ---: | ---: |"]
    jobs = (("bicubic", cores, count), ("subpixel", 1, min(count, 500)), ("subpixel", cores, min(count, 500)))
    for name, workers, some in dict.fromkeys(jobs):
        marks = [some * fifth // 5 for fifth in range(1, 6)]

        def look(done: int, total: int, marks: list[int] = marks, is_seen: bool = name == "bicubic") -> None:
            if is_seen and marks and done >= marks[0]:
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                memory.append(f"| {done:,} | {peak:,.0f} |")
                print(memory[-1], flush=True)
                marks.pop(0)

        found = enhance(
            manifest.take(np.arange(some)),
            scratch / f"{name}-{workers}",
            Plan(name, LARGE),
            workers=workers,
            progress=look,
        )
        lines.append(f"| {name} | {workers} | {found.to_dict()['images_per_second']:,.0f} |")
        print(lines[-1], flush=True)
    return lines, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--scratch", type=Path)
    given = parser.parse_args()
    drawn = toy_faces(64, labels=Labels.named("basic4"), size_px=SMALL, seed=0).images
    faces = [face if face.ndim == 2 else grey(face) for face in drawn]
    speed = in_memory(faces)
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        whole, memory = files(faces, given.pictures, Path(scratch))
    root = Path(__file__).parents[1]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True).stdout
    before = RESULT.read_text(encoding="utf-8") if RESULT.exists() else ""
    kept = before.partition(READING)[2]
    shown = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    text = [
        "# How quick is enhancement?",
        "",
        f"{datetime.date.today()}, {platform.processor() or platform.machine()}, "
        f"{len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}, commit {commit.strip()}.",
        f"Run: `python benchmarks/enhance_speed.py {shlex.join(shown)}`".replace(" `", "`").replace("Run:`", "Run: `"),
        "",
        f"From {SMALL} to {LARGE} px, grey, images per second; in memory, in batches of {len(faces)}:",
        "",
        *speed,
        "",
        "With reading, encoding and writing PNG files (`mien enhance`):",
        "",
        *whole,
        "",
        *memory,
        "",
    ]
    RESULT.write_text("\n".join(text) + ("\n" + READING + kept if kept else ""), encoding="utf-8")
    print(f"written: {RESULT}")


if __name__ == "__main__":
    main()
