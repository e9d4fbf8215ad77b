"""How quick is the variation of training pictures, and what would torchvision's transforms cost per image?

Run:  taskset -c 1 python benchmarks/augment.py [--rounds 40]

One core. Batches of 64 random pictures of 48 px become network inputs of 96 px, normalised. torchvision does the same
geometry and light image by image: ``RandomHorizontalFlip``, ``RandomAffine``, ``RandomPerspective``, ``Resize``,
``ColorJitter``, as far as the row has them. Times are those that the process had the core for, so that other work on
the machine counts little; medians over the rounds, in which the rows take turns.

Writes benchmarks/results/augment.md.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch
from torchvision.transforms import v2

from mien.parts import Augment
from mien.preprocess import Preprocess
from mien.train.allocator import keep_memory
from mien.train.augment.levels import level_of
from mien.train.augment.pipeline import Augmentation
from mien.train.loader import Batch

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "augment.md"
BATCH, FROM_PX, TO_PX = 64, 48, 96
#: What the recipe says, and whether torchvision is measured against it.
ROWS: dict[str, tuple[dict[str, object], bool]] = {
    "level 0": ({"level": 0}, True),
    "level 1": ({"level": 1}, True),
    "level 2": ({"level": 2}, True),
    "level 3": ({"level": 3}, True),
    "level 1, perspective 0.2": ({"level": 1, "perspective": 0.2}, True),
    "level 2, jitter 0.2, hue 0.05": ({"level": 2, "jitter": 0.2, "hue": 0.05}, True),
    "level 2, rare_level 3": ({"level": 2, "rare_level": 3}, False),
    "level 2, erasing 0.25": ({"level": 2, "erasing": 0.25}, False),
    "level 2, erasing 0.25, erasing_holes 8": ({"level": 2, "erasing": 0.25, "erasing_holes": 8}, False),
    "level 2, mixup 0.2": ({"level": 2, "mixup": 0.2}, False),
    "level 2, cutmix 1.0": ({"level": 2, "cutmix": 1.0}, False),
    "level 2, policy autoaugment": ({"level": 2, "policy": "autoaugment"}, False),
    "level 2, policy randaugment": ({"level": 2, "policy": "randaugment"}, False),
    "level 2, policy trivialaugment": ({"level": 2, "policy": "trivialaugment"}, False),
}
COUNTS = (40, 40, 40, 8)
#: Row, channels, and whose code.
Key = tuple[str, int, str]
Job = Callable[[Batch], object]


def preprocess_of(channels: int) -> Preprocess:
    return Preprocess(size_px=TO_PX, channels=channels, mean=(0.5,) * channels, std=(0.25,) * channels)


def by_mien(options: dict[str, object], channels: int) -> Job:
    return Augmentation(Augment.model_validate(options), preprocess_of(channels), 1, COUNTS)


def by_torchvision(options: dict[str, object], channels: int) -> Job:
    """What one writes by hand in a data set's ``__getitem__``: one image after the other."""
    recipe = Augment.model_validate(options)
    level = level_of(recipe, recipe.level)
    steps: list[torch.nn.Module] = []
    if level.moves:
        affine = v2.RandomAffine(
            level.rotate_deg,
            (level.shift, level.shift),
            (1 / (1 + level.scale), 1 + level.scale),
            math.degrees(math.atan(level.shear)),
            interpolation=v2.InterpolationMode.BILINEAR,
        )
        steps += [v2.RandomHorizontalFlip(level.flip), affine]
    if level.perspective:
        steps.append(v2.RandomPerspective(level.perspective, p=1.0))
    steps.append(v2.Resize(TO_PX, antialias=False))
    if level.lights:
        colour = (level.saturation, level.hue) if channels == 3 else (0, 0)
        steps.append(v2.ColorJitter(level.brightness, level.contrast, *colour))
    steps += [v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * channels, [0.25] * channels)]
    transform = v2.Compose(steps)
    return lambda batch: torch.stack([transform(image) for image in batch.pixels.permute(0, 3, 1, 2)])


def batch_of(channels: int, seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (BATCH, FROM_PX, FROM_PX, channels), dtype=torch.uint8, generator=generator)
    return Batch(pixels, torch.eye(4)[torch.arange(BATCH) % 4], None, generator, 1)


def measure(jobs: dict[Key, Job], rounds: int) -> dict[Key, float]:
    """Images per second of the process's own time."""
    seconds: dict[Key, list[float]] = {key: [] for key in jobs}
    for number in range(rounds + 2):
        for key, job in jobs.items():
            batch = batch_of(key[1], number)
            start = time.process_time()
            job(batch)
            seconds[key].append(time.process_time() - start)
    return {key: BATCH / statistics.median(values[2:]) for key, values in seconds.items()}  # two rounds warm up


def about(rounds: int) -> str:
    """Where and when."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision"))
    return (
        f"{date.today()}, commit {commit.stdout.strip() or 'unknown'}; {platform.system()} {platform.machine()}, one "
        f"of {os.cpu_count()} CPU cores ({model}), one thread, load average {load:.1f} at the start; "
        f"Python {platform.python_version()}, {packages}. "
        f"Command: `taskset -c 1 python benchmarks/augment.py --rounds {rounds}`"
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40, help="batches of each row that count; two more warm up")
    options = parser.parse_args()
    keep_memory()  # as `mien train` does
    torch.set_num_threads(1)
    jobs: dict[Key, Job] = {}
    for name, (recipe, is_compared) in ROWS.items():
        for channels in (1, 3):
            jobs[name, channels, "mien"] = by_mien(recipe, channels)
            if is_compared:
                jobs[name, channels, "torchvision"] = by_torchvision(recipe, channels)
    found = measure(jobs, options.rounds)

    def cell(name: str, channels: int, who: str) -> str:
        return f"{found[name, channels, who]:,.0f}" if (name, channels, who) in found else ""

    lines = [
        "# Varying training pictures",
        "",
        about(options.rounds),
        "",
        f"Images per second of one core's time, batches of {BATCH}, {FROM_PX} -> {TO_PX} px, normalised; medians of "
        f"{options.rounds} batches. torchvision: v2 transforms image by image, same geometry and light (it has no lost "
        "resolution, which is part of level 3). Policies are torchvision's own, applied image by image.",
        "",
        "| `augment` | mien, grey | torchvision, grey | mien, colour | torchvision, colour |",
        "| --- | --- | --- | --- | --- |",
    ]
    columns = [(channels, who) for channels in (1, 3) for who in ("mien", "torchvision")]
    lines += [f"| {name} | " + " | ".join(cell(name, *column) for column in columns) + " |" for name in ROWS]
    text = "\n".join(lines) + "\n"
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
