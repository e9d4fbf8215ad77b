"""What does mien's training loop cost, and does its input ever hold up a step?

Run:  python benchmarks/train_speed.py [--steps 12] [--rounds 5] [--precision 32] [--threads 2]

The loop (``Fit`` with ``Classify``) against a plain PyTorch loop as one writes it by hand: the same net, batch,
precision, memory layout and, where it is on, the same augmentation, on random grey faces of 48 px. The two take turns,
each round with a fresh net and optimizer; medians count. Then the input alone: gathering batches in the loader's
thread, and varying them.

Writes benchmarks/results/train_speed.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from mien.labels import Labels
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import build
from mien.train.allocator import keep_memory
from mien.train.augment.pipeline import Augmentation
from mien.train.fit import Fit
from mien.train.loader import Loader
from mien.train.run import PRECISION
from mien.train.tasks.classify import Classify

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "train_speed.md"
NETS = (("plain48", 48), ("timm:efficientnet_lite0", 96))
LABELS = Labels.named("ferplus8")
#: Of the recipe's augmentation: nothing, and what the strong recipes do.
AUGMENT = {"off": {"level": 0}, "on": {"level": 3, "erasing": 0.25, "mixup": 0.2, "cutmix": 1.0}}
BATCH = 64
LOADED = 200


def recipe_of(net: str, size_px: int, augment: str, precision: str) -> Recipe:
    return Recipe.model_validate(
        {
            "preprocess": {"size_px": size_px, "channels": 1, "mean": [0.5], "std": [0.5]},
            "model": {"backbone": net},
            "schedule": {"name": "constant", "epochs": 1},
            "augment": AUGMENT[augment],
            "runtime": {"batch": BATCH, "precision": precision},
        }
    )


def faces(folder: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random pixels, memory-mapped as a run's are, and soft targets."""
    draws = np.random.default_rng(0)
    np.save(folder / f"faces-{count}.npy", draws.integers(0, 256, (count, 48, 48, 1), np.uint8))
    targets = draws.dirichlet(np.ones(len(LABELS)), count).astype(np.float32)
    return np.load(folder / f"faces-{count}.npy", mmap_mode="r"), targets


def loader_of(recipe: Recipe, pixels: np.ndarray, targets: np.ndarray) -> Loader:
    return Loader(pixels, targets, BATCH, recipe.runtime.seed, torch.device("cpu"))


def by_mien(recipe: Recipe, pixels: np.ndarray, targets: np.ndarray, folder: Path) -> float:
    """Images per second, as the run's log has them: without validation and checkpoints."""
    net = build.net(recipe, len(LABELS))
    augmentation = Augmentation(recipe.augment, recipe.preprocess, 1)
    fabric = Fabric(accelerator="cpu", devices=1, precision=PRECISION[recipe.runtime.precision])
    fabric.launch()
    loss, truth = build.loss(recipe, targets.sum(axis=0)), targets[:8].argmax(1)
    task = Classify(net, loss, augmentation, recipe.preprocess, LABELS, pixels[:8], truth, fabric)
    with tempfile.TemporaryDirectory(dir=folder) as run:
        ended = Fit(task, loader_of(recipe, pixels, targets), recipe, RunDir(run), [], fabric)()
    return float(ended.history[0]["images_per_second"])


def by_hand(recipe: Recipe, pixels: np.ndarray, targets: np.ndarray) -> float:
    """Images per second of the loop that one writes when one has no loop."""
    net = build.net(recipe, len(LABELS)).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=recipe.optimizer.rate)
    augmentation = Augmentation(recipe.augment, recipe.preprocess, 1)
    side = recipe.preprocess.size_px
    all_pixels, all_targets = torch.from_numpy(np.array(pixels)), torch.from_numpy(targets)
    is_half = recipe.runtime.precision == "bf16"
    drawn = iter(loader_of(recipe, pixels, targets).epoch(1)) if recipe.augment.level else None
    order = torch.randperm(len(all_pixels)).split(BATCH)
    start = time.perf_counter()
    for rows in order:
        if drawn is not None:
            images, wanted, _ = augmentation(next(drawn))
        else:
            images, wanted = all_pixels[rows].permute(0, 3, 1, 2).float() / 255, all_targets[rows]
            if images.shape[-1] != side:
                images = torch.nn.functional.interpolate(images, size=(side, side), mode="bilinear")
            images = (images - 0.5) / 0.5
        with torch.autocast("cpu", torch.bfloat16, enabled=is_half):
            logits = net(images.contiguous(memory_format=torch.channels_last))
        torch.nn.functional.cross_entropy(logits.float(), wanted).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    seconds = time.perf_counter() - start
    if drawn is not None:
        drawn.close()
    return len(all_pixels) / seconds


def compare(recipe: Recipe, pixels: np.ndarray, targets: np.ndarray, folder: Path, rounds: int) -> list[float]:
    """Medians of images per second by mien and by hand, and of the ratio of neighbours."""
    found: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        if number % 2:  # whoever comes second finds the machine warmer
            hand = by_hand(recipe, pixels, targets)
            mine = by_mien(recipe, pixels, targets, folder)
        else:
            mine = by_mien(recipe, pixels, targets, folder)
            hand = by_hand(recipe, pixels, targets)
        if number:  # the first round makes the kernels
            found.append((mine, hand))
    return [statistics.median(column) for column in (*zip(*found, strict=True), [mine / hand for mine, hand in found])]


def input_alone(recipe: Recipe, folder: Path) -> tuple[float, float]:
    """Images per second of the loader alone, and of the loader and the augmentation, of one epoch each."""
    pixels, targets = faces(folder, LOADED * BATCH)
    augmentation = Augmentation(recipe.augment, recipe.preprocess, 1)
    found = []
    for work in (lambda batch: None, augmentation):
        start = time.perf_counter()
        for batch in loader_of(recipe, pixels, targets).epoch(1):
            work(batch)
        found.append(len(pixels) / (time.perf_counter() - start))
    return found[0], found[1]


def about(options: argparse.Namespace) -> str:
    """Where and when."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "timm", "lightning-fabric", "numpy"))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{date.today()}, commit {commit.stdout.strip() or 'unknown'}; {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} CPU cores ({model}), {torch.get_num_threads()} threads, load average {load:.1f} at the "
        f"start; Python {platform.python_version()}, {packages}. "
        f"Command: `python benchmarks/train_speed.py --steps {options.steps} --rounds {options.rounds} "
        f"--precision {options.precision}`"
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12, help="steps of one round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count; one more warms up")
    parser.add_argument("--precision", choices=("32", "bf16"), default="32")
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    keep_memory()  # as `mien train` does; both loops have it
    warnings.filterwarnings("ignore", module="lightning_fabric.*")
    if options.threads:
        torch.set_num_threads(options.threads)
    lines = [
        "# The training loop",
        "",
        about(options),
        "",
        f"Batches of {BATCH}, precision {options.precision}, {options.steps} steps per round, medians of "
        f"{options.rounds} rounds in turn. Augmentation on: `{AUGMENT['on']}`, by the same code in both loops.",
        "",
        "| Net | Augmentation | mien, images/s | by hand, images/s | mien / by hand |",
        "| --- | --- | --- | --- | --- |",
    ]
    inputs = ["", "| Input of | the loader alone, images/s | with augmentation, images/s |", "| --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for net, size_px in NETS:
            for augment in AUGMENT:
                recipe = recipe_of(net, size_px, augment, options.precision)
                pixels, targets = faces(folder, options.steps * BATCH)
                mine, hand, ratio = compare(recipe, pixels, targets, folder, options.rounds)
                lines.append(f"| {net}, {size_px} px | {augment} | {mine:.0f} | {hand:.0f} | {ratio:.2f} |")
                print(lines[-1], file=sys.stderr, flush=True)
            alone, varied = input_alone(recipe, folder)
            inputs.append(f"| {net}, {size_px} px | {alone:,.0f} | {varied:,.0f} |")
    inputs += ["", "The loader gathers ahead in a thread of its own; augmentation is part of the step."]
    text = "\n".join([*lines, *inputs]) + "\n"
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
