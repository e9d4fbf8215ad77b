"""How quick is `mien predict --engine ray`, does its memory grow with the pictures, and what does a kill lose?

Run:  python benchmarks/scale.py [--pictures 2000] [--many 100000] [--workers 1 2 4] [--scratch FOLDER]

Pictures are JPEG files of 640 x 480 px with one to six faces, made of those that ship; many names (hard links) stand
for few files, so they come from the memory of the system and not from a disk. Every run is a process of its own, the
network has one thread, and Ray is started on this machine. The rate is that after the first tenth of the answers, so it
leaves out the start, which stands beside it. "Same rows" compares the SHA-256 of all JSON lines with those of the first
run. Memory is the proportional set size of the process and of all that it has started, looked at after every fifth of
the pictures. The run of many pictures also kills a worker (SIGKILL) after the first fifth; as it is about the engine,
it takes each picture as one face and the quickest model. Needs Linux and the extra ``cluster``.

Expected: benchmarks/results/scale.md
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import importlib
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.images import find, read, write
from mien.runtime.engines import ENGINES
from mien.runtime.recognizer import Recognizer

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "scale.md"
FILES = 48
#: What stands below this heading is written by hand and kept.
READING = "## Reading it\n"


def draw(folder: Path) -> list[Path]:
    """Different pictures of 640 x 480 px, one of them damaged."""
    paths = []
    images = [read(path) for path in sorted((ROOT / "src/mien/assets").glob("*.jpg"))]
    for number in range(FILES):
        image = images[number % len(images)]
        scale = min(640 / image.shape[1], 480 / image.shape[0]) * (0.7 + 0.3 * number / FILES)
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:480, :640]
        board = np.full((480, 640, 3), 128, np.uint8)
        board[: small.shape[0], : small.shape[1]] = small
        paths.append(folder / f"{number}.jpg")
        write(paths[-1], board)
    paths[-1].write_bytes(b"damaged")
    return paths


def link(originals: list[Path], folder: Path, count: int) -> Path:
    """A folder of many names, a thousand in each folder below it."""
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        os.link(originals[number % len(originals)], path)
    return folder


def children() -> dict[int, str]:
    """Processes below this one, and their command lines."""
    parents, names = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue
    found = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return {process: names[process] for process in found - {os.getpid()}}


def megabytes(process: int) -> float:
    """Proportional set size."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def memory() -> list[float]:
    """Of this process, of the workers, and of the rest of Ray, in MB."""
    below = children()
    workers = [process for process, name in below.items() if name.startswith("ray::") and "Agent" not in name]
    rest = set(below) - set(workers)
    return [megabytes(os.getpid()), sum(map(megabytes, workers)), sum(map(megabytes, rest))]


def one(engine: str, workers: int, folder: str, *, is_many: bool, is_killing: bool) -> dict[str, Any]:
    """One run, in this process."""
    recognizer = Recognizer("fast", detector="whole", threads=1) if is_many else Recognizer(threads=1)
    paths = [str(path) for path in find(folder)]
    marks = {len(paths) * fifth // 5 for fifth in range(1, 6)}
    digest, seen, killed, begin = hashlib.sha256(), [], 0, time.perf_counter()
    first = tenth = begin
    with ENGINES.load(engine)(recognizer, workers) as answers:
        for number, answer in enumerate(answers(paths), start=1):
            digest.update(json.dumps(answer.to_dict()).encode())
            now = time.perf_counter()
            first = now if number == 1 else first
            tenth = now if number == len(paths) // 10 else tenth
            if number in marks:
                seen.append([number, *memory()])
            if is_killing and not killed and number >= len(paths) // 5:
                killed = next((process for process, name in children().items() if name.startswith("ray::_call")), 0)
                if killed:
                    os.kill(killed, signal.SIGKILL)
        end = time.perf_counter()
    rate = (len(paths) - len(paths) // 10) / (end - tenth)
    return {"start": first - begin, "rate": rate, "rows": digest.hexdigest(), "memory": seen, "killed": bool(killed)}


def run(engine: str, workers: int, folder: Path, *, is_many: bool = False, is_killing: bool = False) -> dict[str, Any]:
    """One run, in a process of its own."""
    given = ["--one", engine, str(workers), str(folder), str(int(is_many)), str(int(is_killing))]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run([sys.executable, __file__, *given], stdout=subprocess.PIPE, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{engine} with {workers} workers: exit code {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(engine, workers, {name: value for name, value in found.items() if name != "rows"}, flush=True)
    return found


def throughput(folder: Path, workers: list[int]) -> list[str]:
    """Rows of both engines."""
    lines = [
        "| Engine | Workers | first answer after, s | pictures/s | same rows |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    wanted = ""
    for engine in ("threads", "ray"):
        for count in workers:
            found = run(engine, count, folder)
            wanted = wanted or found["rows"]
            same = "yes" if found["rows"] == wanted else "**no**"
            lines.append(f"| {engine} | {count} | {found['start']:.1f} | {found['rate']:.1f} | {same} |")
    return lines


def scale(folder: Path, workers: int) -> list[str]:
    """Rows of memory, and whether the kill lost anything."""
    found = run("ray", workers, folder, is_many=True, is_killing=True)
    wanted = run("threads", workers, folder, is_many=True)["rows"]
    same = "the same" if found["rows"] == wanted else "**not the same**"
    lines = ["| Pictures done | this process, MB | workers, MB | rest of Ray, MB |", "| ---: | ---: | ---: | ---: |"]
    lines += [f"| {done:,} | {own:,.0f} | {theirs:,.0f} | {rest:,.0f} |" for done, own, theirs, rest in found["memory"]]
    killed = "One worker was killed after the first fifth" if found["killed"] else "No worker was killed"
    return [*lines, "", f"{killed}; {found['rate']:.1f} pictures/s; the rows are {same} as those of threads."]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        engine, workers, folder, many, killing = given.one
        print(json.dumps(one(engine, int(workers), folder, is_many=many == "1", is_killing=killing == "1")))
        return
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=given.scratch) as temporary:
        scratch = Path(temporary)
        originals = draw(scratch / "originals")
        quick = throughput(link(originals, scratch / "some", given.pictures), given.workers)
        many = scale(link(originals, scratch / "many", given.many), max(given.workers))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    before = given.out.read_text(encoding="utf-8") if given.out.exists() else ""
    kept = before.partition(READING)[2]
    words = [f"--pictures {given.pictures}", f"--many {given.many}", f"--workers {shlex.join(map(str, given.workers))}"]
    text = [
        "# Over a cluster",
        "",
        f"{datetime.date.today()}, {platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} of "
        f"{os.cpu_count()} cores, load average {load:.1f} at the start, Python {platform.python_version()}, "
        f"Ray {importlib.import_module('ray').__version__}, onnxruntime {version('onnxruntime')}, "
        f"commit {commit.strip()}.",
        f"Run: `python benchmarks/scale.py {' '.join(words)}`",
        "",
        "Rates and starts are those of an idle machine only where the load average is far below the number of cores.",
        "",
        f"{given.pictures:,} pictures of 640 x 480 px, read, searched and classified:",
        "",
        *quick,
        "",
        f"{given.many:,} pictures, each taken as one face, `--engine ray --workers {max(given.workers)}`, model fast:",
        "",
        *many,
        "",
    ]
    given.out.write_text("\n".join(text) + ("\n" + READING + kept if kept else ""), encoding="utf-8")
    print(f"written: {given.out}")


if __name__ == "__main__":
    main()
