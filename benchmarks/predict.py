"""How quick is prediction: the network, whole pictures, and the start of the command?

Run:  python benchmarks/predict.py [MODEL]

Faces and pictures come from the portraits that ship. Every figure is the best of several rounds, because other work on
the machine only ever adds time; the load average is noted beside it. Writes benchmarks/results/predict.md.
"""

from __future__ import annotations

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

import cv2
import numpy as np
from canvas import on_canvas

from mien.faces import crop, detector
from mien.images import Pixels, read, write
from mien.runtime.network import Network
from mien.runtime.recognizer import Recognizer

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "src" / "mien" / "assets"
RESULT = ROOT / "benchmarks" / "results" / "predict.md"
ROUNDS = 7
PICTURES = 96


def best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Seconds of the quickest round; one round before them does not count."""
    work()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def cut_faces(margin: float) -> list[Pixels]:
    """Sixty-four faces of about 60 to 300 px, cut out of the group picture at several sizes."""
    found: list[Pixels] = []
    for scale in np.linspace(0.7, 1.5, 11):
        image = cv2.resize(read(ASSETS / "group.jpg"), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found += [crop(image, face, margin) for face in detector().detect(image)]
    return found[:64]


def faces_per_second(model: str, batch: int, threads: int) -> tuple[float, float]:
    """The network with the preparation of its input, and the network alone."""
    network = Network(model, threads)
    faces = (cut_faces(network.card.preprocess.margin) * 2)[:batch]
    repeat = max(1, 64 // batch)
    whole = best(lambda: [network.logits(faces, batch_size=batch) for _ in range(repeat)])
    tensor = network.card.preprocess(faces)
    alone = best(lambda: [network._run(tensor) for _ in range(repeat)])
    return batch * repeat / whole, batch * repeat / alone


def folder_of(name: str, folder: Path) -> list[str]:
    """JPEG pictures of 640 x 480 px with the given one in the middle."""
    board = on_canvas(read(ASSETS / name))
    paths = [folder / f"{Path(name).stem}-{number:03}.jpg" for number in range(PICTURES)]
    for path in paths:
        write(path, board)
    return [str(path) for path in paths]


def pictures_per_second(model: str, paths: list[str]) -> tuple[float, float]:
    """Pictures and faces per second from files to answers, with all threads."""
    recognizer = Recognizer(model)
    count = sum(len(answer.readings) for answer in recognizer.stream(paths))
    seconds = best(lambda: list(recognizer.stream(paths)), rounds=3)
    return len(paths) / seconds, count / seconds


def start_up(folder: Path, *arguments: str) -> float:
    """Seconds of a whole process, with compiled modules as any second start has them."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "compiled"), "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, *arguments]
    return best(lambda: subprocess.run(command, check=True, capture_output=True, cwd=folder, env=environment))


def about() -> str:
    """Where and when."""
    names = ("onnxruntime", "opencv-python-headless", "numpy")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{date.today()}, commit {commit.stdout.strip() or 'unknown'}; {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} CPU cores ({processor}), load average {load:.1f} at the start; "
        f"Python {platform.python_version()}, {packages}."
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if os.path.exists(path) else []


def main() -> None:
    """Measure and write."""
    model = sys.argv[1] if len(sys.argv) > 1 else "default"
    network = Network(model)
    size = network.card.preprocess.size_px
    lines = ["# Prediction", "", f"{about()} Command: `python benchmarks/predict.py {model}`".replace(" default`", "`")]
    lines += [
        "",
        f"Model: {network.card.name}, {size} px, {network.path.stat().st_size / 1e6:.1f} MB, SHA-256 "
        f"{network.digest[:16]}. Faces of about 60 to 300 px, without averaging over the mirror image "
        f"(that takes twice the network's time; this model's card says {'yes' if network.card.flip else 'no'}).",
        "",
        "| Threads | Faces per run | faces/s | ms per face | the network alone, faces/s |",
        "| --- | --- | --- | --- | --- |",
    ]
    for threads in (1, 2):
        for batch in (1, 32):
            whole, alone = faces_per_second(model, batch, threads)
            lines.append(f"| {threads} | {batch} | {whole:,.0f} | {1000 / whole:.2f} | {alone:,.0f} |")
    lines += [
        "",
        "From JPEG files of 640 x 480 px to answers (read, find the faces, classify them; as the model's card says):",
        "",
        "| Pictures | pictures/s | faces/s |",
        "| --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, what in (("eileen_collins.jpg", "one face"), ("group.jpg", "six faces")):
            pictures, faces = pictures_per_second(model, folder_of(name, folder))
            lines.append(f"| {what} | {pictures:.0f} | {faces:.0f} |")
        picture = str(ASSETS / "eileen_collins.jpg")
        starts = {
            "`python -c pass`": ("-c", "pass"),
            "`import mien`": ("-c", "import mien"),
            "`mien --help`": ("-m", "mien", "--help"),
            "`mien predict` of one picture": ("-m", "mien", "predict", picture, "--model", str(network.path)),
            "`make demo`, set up: `mien predict` of three, with pictures and JSON": (
                *("-m", "mien", "predict", *map(str, sorted(ASSETS.glob("*.jpg"))), "--model", str(network.path)),
                *("--annotated", "drawn", "--output", "drawn/readings.json"),
            ),
        }
        lines += ["", "| Whole process | seconds |", "| --- | --- |"]
        lines += [f"| {name} | {start_up(folder, *arguments):.2f} |" for name, arguments in starts.items()]
    text = "\n".join(lines) + "\n"
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
