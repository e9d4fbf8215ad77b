"""How quick is a folder of pictures, against each of its steps alone, and do the steps overlap?

Run:  python benchmarks/pipeline.py [--pictures FOLDER] [--workers 1 2] [--model NAME]

Pictures are JPEG files of 640 x 480 px: photographs of FOLDER, each as large as it fits on grey, or, without one, the
portraits and the group that ship; few photographs come in several sizes. They are read again and again, so they come
from the memory of the system and not from a disk.

Each step is measured alone, on one core and on as many as there are workers: reading a file, finding its faces, cutting
them out at the network's size, and the network, in runs such as `Recognizer.stream` makes. If they overlapped perfectly
a folder would take the sum of the times on one core, divided by the number of cores. What it takes is measured from
paths to answers, and so is a loop over `Recognizer.read`; then what a face takes in runs of one to many. All are
measured in turn, in each of several rounds, and the best counts, because other work on the machine only ever adds time;
the load average is noted beside it. On Linux the process is held on as many cores as there are workers. Writes
benchmarks/results/pipeline.md.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from canvas import on_canvas
from predict import about

from mien.images import find, read, write
from mien.runtime import stream
from mien.runtime.recognizer import Recognizer
from mien.runtime.threads import Threads

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "src" / "mien" / "assets"
RESULT = ROOT / "benchmarks" / "results" / "pipeline.md"
#: Different files, at least.
FILES = 48
STEPS = {
    "read": "read: a JPEG file to pixels",
    "find": "find the faces",
    "cut": "cut them out, upright, at the network's size",
    "classify": f"classify, in runs of {stream.RUN} faces or a few more",
}
#: Faces of a run, to be compared.
SIZES = (1, 4, 8, 16, 32)
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def draw(folder: Path, source: Path | None) -> list[str]:
    """Write the pictures; a few photographs several times, down to half their size."""
    originals = [read(path) for path in sorted(find(source or ASSETS))]
    sizes = -(-FILES // len(originals))
    boards = [on_canvas(image, 1 - 0.5 * number / sizes) for number in range(sizes) for image in originals]
    paths = [folder / f"{number:03}.jpg" for number in range(len(boards))]
    for path, board in zip(paths, boards, strict=True):
        write(path, board)
    return [str(path) for path in paths]


def alone(work: Callable[[Any], object], items: Sequence[Any], workers: int) -> None:
    """One step, for all items; each thread has its share from the start."""
    parts = [items[number::workers] for number in range(workers)]
    with Threads(workers) as threads:
        list(threads.map(lambda part: [work(item) for item in part], parts, workers))


def sizes(model: str, paths: list[str], rounds: int) -> dict[int, float]:
    """The least ms of a face on one core, by the number of faces in a run."""
    single = Recognizer(model, threads=1)
    faces = [stream.find(single, path, path).framings for path in paths]
    joined = [
        [face for framings in faces for face in framings[at]][: 2 * max(SIZES)] for at in range(len(single.networks))
    ]
    found = dict.fromkeys(SIZES, float("inf"))
    for _ in range(rounds + 1):
        for size in SIZES:
            began = time.perf_counter()
            for start in range(0, len(joined[0]), size):
                single.combine([framed[start : start + size] for framed in joined])
            found[size] = min(found[size], 1000 * (time.perf_counter() - began) / len(joined[0]))
    return found


def works(model: str, paths: list[str], count: int, workers: Sequence[int]) -> dict[str, Callable[[int], object]]:
    """What is measured: from the number of workers to the work, for ``count`` pictures or a few less."""
    recognizer = Recognizer(model)
    single = recognizer.single_threaded()
    seen = [(image := read(path), recognizer.detector.detect(image)) for path in paths]
    runs = [
        [[face for one in run for face in one.framings[at]] for at in range(len(recognizer.networks))]
        for run in stream.batches((stream.find(recognizer, path, path) for path in paths), stream.RUN)
    ]
    times = max(1, count // len(paths))
    one_by_one = {number: Recognizer(model, threads=min(number, len(CORES))) for number in workers}
    return {
        "read": lambda workers: alone(read, paths * times, workers),
        "find": lambda workers: alone(lambda one: recognizer.detector.detect(one[0]), seen * times, workers),
        "cut": lambda workers: alone(lambda one: stream.framings(recognizer, *one), seen * times, workers),
        "classify": lambda workers: alone(single.combine, runs * times, workers),
        "folder": lambda workers: list(stream.stream(recognizer, paths * times, workers)),
        "loop": lambda workers: [one_by_one[workers].read(path) for path in paths * times],
    }


def measure(
    work: dict[str, Callable[[int], object]], workers: Sequence[int], rounds: int
) -> dict[tuple[str, int], float]:
    """The least seconds of each, by its name and the number of workers; the first round does not count."""
    least: dict[tuple[str, int], float] = {}
    for number in range(rounds + 1):
        for count in workers:
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(0, CORES[:count])
            for name, do in work.items():
                began = time.perf_counter()
                do(count)
                took = time.perf_counter() - began
                if number:
                    least[name, count] = min(took, least.get((name, count), took))
    return least


def page(least: dict[tuple[str, int], float], workers: Sequence[int], pictures: int) -> list[str]:
    """The tables."""
    rate = {key: pictures / seconds for key, seconds in least.items()}
    heads = [f"{count} {'core' if count == 1 else 'cores'}" for count in workers]
    lines = ["| A step alone, pictures/s | ms a picture, on one core | " + " | ".join(heads) + " |", "| --- | ---: |"]
    lines[1] += " ---: |" * len(heads)
    for name, what in STEPS.items():
        cells = [f"{1000 / rate[name, 1]:.2f}", *(f"{rate[name, count]:,.0f}" for count in workers)]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    total = sum(1 / rate[name, 1] for name in STEPS)
    lines += [
        f"| all, one after the other | {1000 * total:.2f} |" + " |" * len(heads),
        "",
        "| Cores | pictures/s if the steps overlapped perfectly | a folder, pictures/s | of that | a loop over "
        "`Recognizer.read`, pictures/s |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for count in workers:
        bound, found = min(count, len(CORES)) / total, rate["folder", count]
        lines.append(f"| {count} | {bound:.0f} | {found:.0f} | {found / bound:.0%} | {rate['loop', count]:.0f} |")
    return lines


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=Path, help="a folder of photographs; without it those that ship")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="the first is 1")
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=400, help="pictures of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    words = ["FOLDER" if word == str(given.pictures) else word for word in sys.argv[1:]]
    command = shlex.join(["python", "benchmarks/pipeline.py", *words])
    workers = sorted({1, *given.workers})
    where = about()
    with tempfile.TemporaryDirectory() as scratch:
        paths = draw(Path(scratch), given.pictures)
        answers = list(Recognizer(given.model).stream(paths))
        pictures = len(paths) * max(1, given.count // len(paths))
        by_size = sizes(given.model, paths, given.rounds)
        least = measure(works(given.model, paths, given.count, workers), workers, given.rounds)
    faces = sum(len(answer.readings) for answer in answers) / len(answers)
    source = "photographs of a folder" if given.pictures else "the photographs that ship, in several sizes"
    text = [
        "# A folder of pictures, and its steps",
        "",
        f"{where} Command: `{command}`",
        "",
        f"{pictures} pictures of 640 x 480 px (JPEG; {source}; {len(paths)} different ones) with {faces:.1f} faces "
        f"each, model {given.model}, the best of {given.rounds} rounds. How: the top of benchmarks/pipeline.py.",
        "",
        *page(least, workers, pictures),
        "",
        "| Faces in a run | " + " | ".join(map(str, by_size)) + " |",
        "| --- |" + " ---: |" * len(by_size),
        "| ms a face, on one core | " + " | ".join(f"{value:.2f}" for value in by_size.values()) + " |",
    ]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
