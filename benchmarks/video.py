"""How quick is reading a video, and does its memory grow with its length?

    python benchmarks/video.py [MODEL] [--threads 2]

Reads clips of 640 x 480 px at 25 frames a second (H.264 with sound, ten seconds) in which a camera pans over the
pictures that ship: over the portrait with one face, and over the group picture with three to six. Speed is video
seconds per second, from the file to all readings, best of several rounds; above 1 is faster than real time. Memory is
the largest resident set of a process of its own that reads a clip, and one ten times as long. Writes
benchmarks/results/video.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from mien.atomic import write_text
from mien.images import Pixels, read
from mien.runtime.annotated import AnnotatedVideo
from mien.runtime.clip import Clip
from mien.runtime.recognizer import Recognizer
from mien.runtime.video import read_clip

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "src" / "mien" / "assets"
RESULT = ROOT / "benchmarks" / "results" / "video.md"
RATE, SECONDS, ROUNDS = 25, 10, 3
WIDTH, HEIGHT = 640, 480
SOUND_RATE = 16_000
#: A process that reads a video and says how large it grew.
MEASURE = """
import resource, sys
import mien
count = sum(1 for _ in mien.read_video(sys.argv[1], sys.argv[2], threads=int(sys.argv[3])))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def scene(name: str) -> Pixels:
    """A picture a little wider than the frame, as high as it."""
    image = read(ASSETS / name)
    scale = max(HEIGHT / image.shape[0], 1.15 * WIDTH / image.shape[1])
    if image.shape[1] > 1.5 * image.shape[0]:  # the group picture: all of its height, on grey
        scale = 1.3 * WIDTH / image.shape[1]
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:HEIGHT]
    board = np.full((HEIGHT, image.shape[1], 3), 128, np.uint8)
    board[: len(image)] = image
    return board


def write_clip(path: Path, board: Pixels, seconds: int) -> Path:
    """Pan to and fro in four seconds."""
    with av.open(str(path), "w") as output:
        video: Any = output.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound: Any = output.add_stream("aac", rate=SOUND_RATE)
        sound.layout = "mono"
        room, samples = board.shape[1] - WIDTH, SOUND_RATE // RATE
        for number in range(seconds * RATE):
            left = round(room * (0.5 - 0.5 * np.cos(2 * np.pi * number / (4 * RATE))))
            picture = np.ascontiguousarray(board[:, left : left + WIDTH])
            output.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            part = av.AudioFrame.from_ndarray(np.zeros((1, samples), np.int16), format="s16", layout="mono")
            part.sample_rate, part.pts = SOUND_RATE, number * samples
            output.mux(sound.encode(part))
        output.mux(video.encode(None))
        output.mux(sound.encode(None))
    return path


def quickest(work: Callable[[], int]) -> tuple[float, int]:
    """Seconds of the quickest round, and what it gave."""
    found, best = 0, float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found = work()
        best = min(best, time.perf_counter() - start)
    return best, found


def reading(recognizer: Recognizer, path: Path, threads: int, **options: Any) -> Callable[[], int]:
    """Read a clip; gives the number of readings."""

    def work() -> int:
        with Clip(path, threads) as clip:
            pairs = read_clip(recognizer, clip, workers=threads, **options)
            return sum(len(answer.readings) for _, answer in pairs if answer is not None)

    return work


def annotating(recognizer: Recognizer, path: Path, threads: int, target: Path) -> Callable[[], int]:
    """Read a clip and write it with the readings and its sound."""

    def work() -> int:
        count = 0
        with Clip(path, threads) as clip, AnnotatedVideo(target, clip, threads=threads) as video:
            for frame, answer in read_clip(recognizer, clip, workers=threads, also=video.copy_sound):
                readings = answer.readings if answer is not None else ()
                video.write(frame, readings)
                count += len(readings)
        return count

    return work


def memory_mb(path: Path, model: str, threads: int) -> tuple[int, float]:
    """Readings, and the largest resident set in MB, of a process of its own."""
    command = [sys.executable, "-c", MEASURE, str(path), model, str(threads)]
    count, size_kb = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(count), int(size_kb) / 1024


def about() -> str:
    """Where and when."""
    names = ("av", "onnxruntime", "opencv-python-headless", "numpy")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    lines = Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []
    names_of_processor = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names_of_processor[0] if names_of_processor else platform.processor()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{date.today()}, commit {commit.stdout.strip() or 'unknown'}; {platform.system()} {platform.machine()}, "
        f"{usable} of {os.cpu_count()} CPU cores used ({processor}), load average {load:.1f} at the start; "
        f"Python {platform.python_version()}, {packages}."
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="default")
    parser.add_argument("--threads", type=int, default=2, help="of decoder, detector and network")
    options = parser.parse_args()
    threads: int = options.threads
    place = about()
    recognizer = Recognizer(options.model, threads=threads)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, what in (("eileen_collins.jpg", "portrait"), ("group.jpg", "group")):
            path = write_clip(folder / f"{what}.mp4", scene(name), SECONDS)
            works = {
                "every frame": reading(recognizer, path, threads),
                "faces looked for in every fifth frame, followed between": reading(
                    recognizer, path, threads, detect_every=5
                ),
                "every frame, and written with boxes and sound": annotating(
                    recognizer, path, threads, folder / "drawn.mp4"
                ),
            }
            for how, work in works.items():
                seconds, count = quickest(work)
                faces = count / (SECONDS * RATE)
                row = f"| {what}, {faces:.1f} faces a frame | {how} | {SECONDS * RATE / seconds:.0f} "
                rows.append(f"{row}| {SECONDS / seconds:.1f} |")
                print(rows[-1], flush=True)
        short = memory_mb(folder / "portrait.mp4", options.model, threads)
        long_path = write_clip(folder / "long.mp4", scene("eileen_collins.jpg"), 10 * SECONDS)
        long = memory_mb(long_path, options.model, threads)
    command = f"python benchmarks/video.py {options.model} --threads {threads}".replace(" default ", " ")
    lines = [
        "# Video",
        "",
        f"{place} Command: `{command}`",
        "",
        f"Model: {recognizer.card.name}, {recognizer.card.preprocess.size_px} px, averaged over the mirror image: "
        f"{'yes' if recognizer.card.flip else 'no'}. {WIDTH} x {HEIGHT} px, {RATE} frames a second, H.264; decoder, "
        f"detector and network with {threads} {'thread' if threads == 1 else 'threads'}; best of {ROUNDS} rounds.",
        "",
        "| Clip | How | frames/s | times real time |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        "| Memory of a whole process (largest resident set) | readings | MB |",
        "| --- | --- | --- |",
        f"| {SECONDS} s of video | {short[0]} | {short[1]:.0f} |",
        f"| {10 * SECONDS} s of video | {long[0]} | {long[1]:.0f} |",
    ]
    RESULT.parent.mkdir(exist_ok=True)
    write_text(RESULT, "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
