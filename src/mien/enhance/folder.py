"""A whole data set, enhanced: a new folder with the pictures, a manifest that points to them, and what went wrong.

Originals are only read. Every file appears whole or not at all, so a job that was killed goes on where it was when it
is started again with the same arguments.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.atomic import write_text
from mien.enhance.engines import ENGINES, Item, Plan
from mien.errors import InputError, ManifestError, RunError, need
from mien.images import find
from mien.manifest import Manifest

#: Pictures that one worker handles at a time.
BATCH = 64


@dataclass(frozen=True)
class Enhanced:
    """What an enhancement has left.

    Attributes:
        folder: pictures below ``images``, ``manifest.csv``, one CSV per split, ``failed.csv`` when something failed.
        done: pictures that are there now.
        before: how many of them an earlier, interrupted run had made.
        failed: name of each picture that could not be enhanced, and why.
        seconds: of this run.
    """

    folder: Path
    done: int
    before: int
    failed: tuple[tuple[str, str], ...]
    seconds: float

    @property
    def manifest(self) -> Path:
        """The manifest of the enhanced pictures."""
        return self.folder / "manifest.csv"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        made = self.done - self.before
        return {
            "manifest": str(self.manifest),
            "done": self.done,
            "made_before": self.before,
            "failed": [{"image": image, "reason": reason} for image, reason in self.failed],
            "seconds": round(self.seconds, 3),
            "images_per_second": round(made / self.seconds, 1) if made and self.seconds else 0.0,
        }


def manifest_of(source: str | os.PathLike[str]) -> Manifest:
    """The manifest in a file, or one of all pictures below a folder.

    Raises:
        ManifestError: the file is no manifest, or the folder has no pictures.
    """
    path = Path(source)
    if not path.is_dir():
        return Manifest.load(path)
    images = [str(picture.relative_to(path)) for picture in find(path)]
    if not images:
        raise ManifestError(f"{path}: a folder without pictures")
    return Manifest.of(root=path, image=images)


def enhance(
    manifest: Manifest,
    out: str | os.PathLike[str],
    plan: Plan | None = None,
    *,
    engine: str = "threads",
    workers: int | None = None,
    batch: int = BATCH,
    fresh: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Enhanced:
    """Enhance every picture of a manifest, of all splits.

    Args:
        manifest: rows with a ``box`` are cut out first; the new manifest has no boxes.
        out: a folder that is new, empty, or holds the same job, which then goes on.
        plan: model, size, finish and so on.
        engine: ``threads``, or ``ray``: tasks of a Ray cluster whose machines all see the pictures and ``out``.
        workers: batches at the same time; None = one per core (of the cluster).
        batch: pictures per batch.
        fresh: replace what an earlier job left in ``out``.
        progress: called with pictures done and pictures in all.

    Raises:
        RunError: ``out`` holds something else.
        ModelError, InputError: the plan cannot be carried out.
    """
    if batch < 1 or (workers is not None and workers < 1):
        raise InputError(f"batch {batch}, workers {workers}: expected at least 1")
    plan, folder, began = plan or Plan(), Path(out), time.perf_counter()
    run = ENGINES.load(engine)
    identity = plan.enhancer().identity  # says what is wrong with the plan before the folder is touched
    _claim(folder, {"enhancer": identity, "margin": plan.margin, "data": _digest(manifest)}, fresh)
    names = _names(manifest)
    before, done, failed, total = 0, 0, [], len(manifest)
    progress(0, total)
    for results in run(plan, _chunks(manifest, names, folder, batch), workers):
        for row, reason, was_there in results:
            before += was_there
            if reason is not None:
                failed.append((row, reason))
            done += 1
        progress(done, total)
    ids = original_ids(manifest)
    failures = tuple((ids[row], reason) for row, reason in sorted(failed))
    _write(manifest, names, folder, ids, {row for row, _ in failed}, failures)
    return Enhanced(folder, total - len(failed), before, failures, time.perf_counter() - began)


def original_ids(manifest: Manifest) -> list[str]:
    """Name of each row's picture, with its box where it has one: what scores of the originals call it."""
    images = manifest.frame["image"].tolist()
    if "box" not in manifest.frame.columns:
        return [str(image) for image in images]
    boxes = manifest.frame["box"].fillna("").tolist()
    return [f"{image} @ {box}" if box else str(image) for image, box in zip(images, boxes, strict=True)]


def _digest(manifest: Manifest) -> str:
    boxes = manifest.frame["box"].fillna("").tolist() if "box" in manifest.frame.columns else []
    of_boxes = hashlib.sha256("\n".join(boxes).encode()).hexdigest()[:16]
    return f"{manifest.digest()} {len(manifest)} {of_boxes} {manifest.root.resolve()}"


def _claim(folder: Path, job: dict[str, Any], fresh: bool) -> None:
    """Make the folder this job's own, or see that it is."""
    record, images = folder / "job.json", folder / "images"
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: is a file; name a folder")
    if record.exists():
        if json.loads(record.read_text(encoding="utf-8")) == job and not fresh:
            for half in images.rglob(".*.png"):  # what a killed run was writing
                half.unlink()
            return
        if not fresh:
            raise RunError(f"{folder}: holds pictures of another job; choose another --out, or --fresh to replace them")
        record.unlink()
        shutil.rmtree(images, ignore_errors=True)
    elif folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder}: is not empty and not an enhanced data set; choose another --out")
    images.mkdir(parents=True, exist_ok=True)
    write_text(record, json.dumps(job, indent=2) + "\n")


def _names(manifest: Manifest) -> list[str]:
    """File of each row below the folder of pictures: called as the original, with the row where that is not enough."""
    taken: set[str] = set()
    found = []
    has_boxes = "box" in manifest.frame.columns
    root = os.path.abspath(manifest.root)
    for row, image in enumerate(manifest.frame["image"]):
        path = os.path.abspath(manifest.locate(image))
        inside = os.path.relpath(path, root) if path.startswith(root + os.sep) else os.path.basename(path)
        array, _, number = inside.rpartition("#")
        stem = f"{array.removesuffix('.npy')}/{number}" if array.endswith(".npy") else os.path.splitext(inside)[0]
        if has_boxes or stem in taken:
            stem = f"{stem}-{row:06d}"
        taken.add(stem)
        found.append(f"{stem}.png")
    return found


def _chunks(manifest: Manifest, names: list[str], folder: Path, batch: int) -> Iterator[list[Item]]:
    boxes = manifest.boxes()
    images = manifest.frame["image"].tolist()
    for start in range(0, len(images), batch):
        yield [
            Item(
                row,
                manifest.locate(images[row]),
                None if boxes is None or boxes[row, 0] != boxes[row, 0] else tuple(boxes[row].tolist()),
                str(folder / "images" / names[row]),
            )
            for row in range(start, min(start + batch, len(images)))
        ]


def _write(
    manifest: Manifest,
    names: list[str],
    folder: Path,
    ids: list[str],
    missing: set[int],
    failures: tuple[tuple[str, str], ...],
) -> None:
    """The manifest, one CSV per split, and the list of what failed."""
    pandas = need("pandas", "lab", "a manifest")
    frame = manifest.frame.drop(columns=[name for name in ("box",) if name in manifest.frame.columns])
    origin = frame["origin"].where(frame["origin"] == "synthetic", "enhanced")  # what a model drew stays that
    frame = frame.assign(image=[f"images/{name}" for name in names], origin=origin, original=ids)
    enhanced = Manifest(frame.drop(index=sorted(missing)), folder, manifest.labels)
    enhanced.save(folder / "manifest.csv")
    for split in sorted(set(enhanced.frame["split"]) - {""}):
        safe = re.sub(r"[^\w.-]+", "-", split)
        if safe not in ("manifest", "failed"):
            enhanced.split(split).save(folder / f"{safe}.csv")
    told = folder / "failed.csv"
    if failures:
        write_text(told, pandas.DataFrame(failures, columns=["image", "reason"]).to_csv(index=False))
    else:
        told.unlink(missing_ok=True)
