"""Does `mien data frames` need more memory for a long video, and how quick is it?

Run:  python benchmarks/frames.py

Makes videos of 1, 10 and 60 minutes (640 x 480, 25 frames a second, a photograph that ships with mien, moving), cuts a
face out every five seconds, each in a process of its own, and notes time and peak memory. Writes
benchmarks/results/frames.md.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.resources import files
from pathlib import Path

import av
import cv2
import numpy as np

from mien.images import read

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "frames.md"
MINUTES = (1, 10, 60)
RATE = 25
OPTIONS = ("--every", "5s", "--workers", "1")


def second_of_video(path: Path) -> None:
    """A second in which the picture moves and comes back, so that copies of it can follow each other."""
    photo = cv2.resize(read(files("mien") / "assets" / "eileen_collins.jpg"), (640, 640))
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options={"g": str(RATE), "bf": "0", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for number in range(RATE):
            shift = round(20 + 20 * np.sin(2 * np.pi * number / RATE))
            picture = np.ascontiguousarray(photo[shift : shift + 480])
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        output.mux(stream.encode(None))


def repeat(second: Path, path: Path, times: int) -> None:
    """Write the second so many times after itself, without decoding it."""
    with av.open(str(second)) as source, av.open(str(path), "w") as output:
        packets = [packet for packet in source.demux(video=0) if packet.size]
        stream = output.add_stream_from_template(source.streams.video[0])
        step = packets[1].pts - packets[0].pts
        length, shift = step * len(packets), 0
        starts = [packet.pts for packet in packets]
        for _ in range(times):
            for packet, start in zip(packets, starts, strict=True):
                packet.pts = packet.dts = start + shift
                packet.stream = stream
                output.mux(packet)
            shift += length


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        second = Path(folder, "second.mp4")
        second_of_video(second)
        for minutes in MINUTES:
            video = Path(folder, f"{minutes}.mp4")
            repeat(second, video, minutes * 60)
            command = [sys.executable, "-m", "mien", "data", "frames", str(video), "--out", f"{folder}/{minutes}"]
            began = time.perf_counter()
            process = subprocess.Popen([*command, *OPTIONS, "--json"], stdout=subprocess.PIPE, text=True)
            text = process.stdout.read() if process.stdout else ""
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise SystemExit(f"{video}: mien data frames failed")
            took, faces = time.perf_counter() - began, json.loads(text)["faces"]
            rows.append((minutes, faces, took, usage.ru_maxrss / 1024))
            print(rows[-1])
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    lines = "\n".join(
        f"| {minutes} | {faces:,} | {took:.0f} s | {minutes * 60 * RATE / took:,.0f} | {memory:,.0f} MB |"
        for minutes, faces, took, memory in rows
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    RESULT.write_text(
        f"""# Faces from long videos

Made by `python benchmarks/frames.py`: 640 x 480, 25 frames a second, a face every five seconds, one process.

* {date.today()}, commit {commit.strip()}, {platform.machine()}, {cores} core(s),
  Python {platform.python_version()}, PyAV {av.__version__}

| Minutes | Faces | Time | Frames/s | Peak memory |
| --- | --- | --- | --- | --- |
{lines}
""",
        encoding="utf-8",
    )
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
