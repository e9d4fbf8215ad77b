"""How does mien compare with other tools for the same faces and pictures, in accuracy, speed, memory and size?

Run:  python benchmarks/peers.py FACES.csv --pictures FOLDER --env fer=VENV --env human=FOLDER ... [--cores 0,1]

FACES.csv is a manifest of cut faces with FER2013's labels and the votes of FER+; its split val is read. FOLDER has
photographs; each is put on a canvas of 640 x 480 px. Every tool runs in processes of its own and in an environment of
its own, so that no two can disturb each other:

    uv venv VENV && uv pip install --python VENV/bin/python NAMES
    npm install --prefix FOLDER NAMES

    mien             .
    fer              fer "setuptools<81" "opencv-contrib-python<5"
    deepface         deepface werkzeug "opencv-contrib-python-headless<5"
    emotiefflib      emotiefflib
    hsemotion-onnx   hsemotion-onnx
    human            @vladmandic/human @tensorflow/tfjs @tensorflow/tfjs-backend-wasm sharp
    face-api         @vladmandic/face-api @tensorflow/tfjs @tensorflow/tfjs-backend-wasm sharp

(fer and deepface do not ask for the pins and for werkzeug, yet fail without: OpenCV 5 brings no Haar cascades.)

A tool without an environment, or one that does not start, is a row with the reason. What each is asked to do stands in
benchmarks/peers/. Writes benchmarks/results/peers.md, peers.json and peers.png.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from canvas import on_canvas
from numpy.typing import NDArray
from peers_page import write

from mien import images
from mien.evaluate.votes import majority
from mien.labels import Labels, key_of
from mien.manifest import Manifest

ROOT = Path(__file__).parents[1]
ADAPTERS = Path(__file__).parent / "peers"
RESULT = Path(__file__).parent / "results" / "peers.md"
SHARED = Labels.named("fer7")
BATCH = 32
STARTS = 3
LIMIT_S = 3600


@dataclass(frozen=True)
class Tool:
    """One row: what it is called, which file of benchmarks/peers asks it, and whose model (mien's only)."""

    name: str
    adapter: str
    environment: str
    model: str = ""


TOOLS = (
    Tool("fer", "with_fer.py", "fer"),
    Tool("deepface", "with_deepface.py", "deepface"),
    Tool("EmotiEffLib", "with_emotiefflib.py", "emotiefflib"),
    Tool("hsemotion-onnx", "with_hsemotion.py", "hsemotion-onnx"),
    Tool("human", "with_human.cjs", "human"),
    Tool("face-api", "with_face_api.cjs", "face-api"),
)


class Unusable(Exception):
    """A tool did not answer; the text says why."""


def prepare(given: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], Manifest]:
    """The order that all tools get, and the manifest of the faces in it."""
    manifest = Manifest.load(given.faces).split("val")
    if given.count:
        manifest = manifest.take(np.arange(min(given.count, len(manifest))))
    faces = np.stack([images.grey(images.read(path)) for path in manifest.paths()])
    faces.tofile(folder / "faces.raw")
    found = list(images.find(given.pictures))
    chosen = [found[place] for place in np.unique(np.linspace(0, len(found) - 1, given.picture_count).astype(int))]
    paths = [folder / f"{number:04}.jpg" for number in range(len(chosen))]
    for source, path in zip(chosen, paths, strict=True):
        images.write(path, on_canvas(images.read(source)))
    order = {
        "faces": str(folder / "faces.raw"),
        "size": list(faces.shape[1:]),
        "pictures": [str(path) for path in paths],
        "threads": len(given.cores),
        "rounds": given.rounds,
        "timed": given.timed,
        "batch": BATCH,
    }
    return order, manifest


def ask(tool: Tool, home: Path, order: dict[str, Any], folder: Path) -> dict[str, Any]:
    """One process: its answer, with the seconds from its start to its first answer where that was asked."""
    script = ADAPTERS / tool.adapter
    python = next((path for path in (home / "bin/python", home / "Scripts/python.exe") if path.exists()), None)
    program = "node" if script.suffix == ".cjs" else python
    if program is None:
        raise Unusable(f"{home.name} has no Python")
    (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    threads = str(order["threads"])
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")},
        **dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), threads),
        **{"PYTHONNOUSERSITE": "1", "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""},
        **{"NODE_PATH": str(home / "node_modules"), "PEER_MODEL": tool.model},
    }
    command = [str(program), str(script), str(folder / "order.json"), str(answer)]
    began = time.time()
    try:
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unusable(str(error)) from None
    if done.returncode or not answer.exists():
        raise Unusable(reason(done.stdout + done.stderr))
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    if "first_at" in found:
        found["start_s"] = found["first_at"] - began
    return found


def reason(output: str) -> str:
    """Why a process ended, from what it wrote.

    A download that fails is told by every tool in other words.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["ended without a word"]
    last = lines[-1]
    if "No module named" in last or "Cannot find module" in last:
        return f"not installed: {last.split(': ', 1)[-1]}"
    if any(word in output.lower() for word in ("urlopen", "download", "name resolution", "connectionerror")):
        return "installed, but its weights are downloaded at the first use, and that failed here"
    return last[:200]


def measure(tool: Tool, home: Path, order: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Everything about one tool."""
    starts = [ask(tool, home, {**order, "part": "start"}, folder) for _ in range(STARTS + 1)]
    crops = ask(tool, home, {**order, "part": "crops"}, folder)
    try:
        pictures = ask(tool, home, {**order, "part": "pictures"}, folder)
    except Unusable as error:  # its own numbers about faces stay
        pictures = {"peak_mb": None, "reason": str(error)}
    return {
        "pictures_reason": pictures.get("reason"),
        "versions": crops["versions"],
        "starts_s": [each["start_s"] for each in starts[1:]],  # the first one reads the files from the disk
        "peaks_mb": {"start": starts[-1]["peak_mb"], "crops": crops["peak_mb"], "pictures": pictures["peak_mb"]},
        "size_mb": size_mb(home),
        **{name: crops.get(name) for name in ("classes", "scores", "timed", "one_s", "many_s")},
        **{name: pictures.get(name) for name in ("found", "pictures_s")},
    }


def size_mb(home: Path) -> float:
    """Megabytes (10^6 bytes) of the installed packages, compiled modules left out."""
    folders = [*home.glob("lib/python*/site-packages"), home / "Lib" / "site-packages", home / "node_modules"]
    files = (path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return sum(path.lstat().st_size for path in files if path.is_file()) / 1e6


def accuracy(scores: list[list[float]], classes: list[str], truth: NDArray[np.int64]) -> dict[str, float]:
    """Share of right answers over the seven shared classes, with Wilson's interval of 95 %; -1 is no truth.

    A class that the seven lack, such as contempt, cannot be the answer.
    """
    names = [key_of(name) for name in classes]
    places = [(column, SHARED.names.index(name)) for column, name in enumerate(names) if name in SHARED.names]
    columns, targets = (np.array(side) for side in zip(*places, strict=True))
    kept = (truth >= 0) & (truth < len(SHARED))
    answers = targets[np.asarray(scores)[:, columns].argmax(axis=1)]
    rows, share = int(kept.sum()), float((answers == truth)[kept].mean())
    z2 = 1.96**2
    middle, reach = share + z2 / (2 * rows), 1.96 * (share * (1 - share) / rows + z2 / (4 * rows**2)) ** 0.5
    low, high = ((middle + sign * reach) / (1 + z2 / rows) for sign in (-1, 1))
    return {"rows": rows, "share": share, "low": low, "high": high}


def summary(tool: Tool, found: dict[str, Any], order: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    """The numbers of one row, from what was measured."""
    voted = manifest.with_labels(Labels.named("ferplus8"))
    votes, classes = voted.votes(), found["classes"]
    per_second = {
        "one_per_s": found["timed"] / statistics.median(found["one_s"]),
        "many_per_s": found["timed"] / statistics.median(found["many_s"]) if found["many_s"] else None,
        "pictures_per_s": len(order["pictures"]) / statistics.median(found["pictures_s"]) if found["found"] else None,
    }
    return {
        "name": tool.name,
        "versions": found["versions"],
        "label": accuracy(found["scores"], classes, manifest.with_labels(SHARED).targets()),
        "majority": None if votes is None else accuracy(found["scores"], classes, majority(votes, voted.other_votes())),
        **per_second,
        "pictures_reason": found["pictures_reason"],
        "faces_found": None if found["found"] is None else sum(found["found"]),
        "pictures_with_faces": None if found["found"] is None else sum(count > 0 for count in found["found"]),
        "start_s": statistics.median(found["starts_s"]),
        "peak_mb": max(value for value in found["peaks_mb"].values() if value is not None),
        "size_mb": found["size_mb"],
        "raw": {name: found[name] for name in ("starts_s", "one_s", "many_s", "pictures_s", "peaks_mb")},
    }


def about(given: argparse.Namespace, order: dict[str, Any], faces: int) -> dict[str, Any]:
    """Where, when and how."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout if shutil.which("node") else ""
    information = Path("/proc/cpuinfo").read_text(encoding="utf-8") if os.path.exists("/proc/cpuinfo") else ""
    processor = [line.partition(":")[2].strip() for line in information.splitlines() if line.startswith("model name")]
    environments = " ".join(f"--env {each.partition('=')[0]}=FOLDER" for each in given.env)
    models = " ".join(f"--model {name}" for name in given.model)
    return {
        "date": str(date.today()),
        "commit": commit.stdout.strip() or "unknown",
        "machine": f"{platform.system()} {platform.machine()}, {(processor or [platform.processor()])[0]}",
        "cores": given.cores,
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "node": node.strip() or "none",
        "command": f"python benchmarks/peers.py FACES.csv --pictures FOLDER {environments} {models} "
        f"--cores {','.join(map(str, given.cores))}",
        "faces": faces,
        "pictures": len(order["pictures"]),
        "rounds": given.rounds,
        "timed": given.timed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", help="manifest of cut faces with a split val")
    parser.add_argument("--pictures", required=True, help="folder of photographs")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=FOLDER", help="a tool's environment")
    parser.add_argument("--model", action="append", metavar="NAME", help="of mien; again for another row")
    parser.add_argument("--cores", default="0,1", help="CPU cores to stay on; as many threads")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--timed", type=int, default=512, help="faces of a timed round")
    parser.add_argument("--count", type=int, default=0, help="faces at most; 0 for all")
    parser.add_argument("--picture-count", type=int, default=96)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    given.model = given.model or ["default"]
    given.cores = [int(core) for core in given.cores.split(",")]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, given.cores)  # every process that is started here inherits it
    homes = {"mien": Path(sys.prefix)}
    homes |= {name: Path(home).absolute() for name, _, home in (each.partition("=") for each in given.env)}
    ours = [Tool(f"mien {name}", "with_mien.py", "mien", name) for name in given.model]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        order, manifest = prepare(given, folder)
        described = about(given, order, len(manifest))
        for tool in (*ours, *TOOLS):
            home = homes.get(tool.environment)
            try:
                if home is None:
                    raise Unusable(f"not installed: no --env {tool.environment}=FOLDER was given")
                rows.append(summary(tool, measure(tool, home, order, folder), order, manifest))
            except Unusable as error:
                rows.append({"name": tool.name, "reason": str(error)})
            print(json.dumps({name: value for name, value in rows[-1].items() if name != "raw"}), flush=True)
    write(given.out, described, rows)


if __name__ == "__main__":
    main()
