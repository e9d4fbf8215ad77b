"""A data set of drawn faces: a folder with a picture file per face, by class, and the manifest.

Every file appears whole or not at all, and its metadata say what it is. A job that was killed goes on where it was
when it is started again, and a folder grows when more is asked of the same generator and seed: a face depends on its
class and number, not on how many there are.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.atomic import write_bytes, write_text
from mien.errors import RunError
from mien.images import Pixels
from mien.labels import Labels
from mien.manifest import Manifest
from mien.provenance import encode_synthetic
from mien.synth.generator import RUN, Generator
from mien.synth.plan import Plan, Wanted


@dataclass(frozen=True)
class Sampled:
    """What a drawing has left.

    Attributes:
        folder: pictures in class folders, ``manifest.csv``, and ``job.json``, which says what was asked for.
        generator: name and beginning of the digest.
        classes: class -> pictures of it in the manifest; ``""`` when the generator has no classes.
        drawn: pictures that this run has drawn; the others were there.
        seconds: of this run.
    """

    folder: Path
    generator: str
    classes: dict[str, int]
    drawn: int
    seconds: float

    @property
    def manifest(self) -> Path:
        """The manifest of all faces in the folder."""
        return self.folder / "manifest.csv"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "manifest": str(self.manifest),
            "generator": self.generator,
            "classes": self.classes,
            "pictures": sum(self.classes.values()),
            "drawn": self.drawn,
            "seconds": round(self.seconds, 3),
            "images_per_second": round(self.drawn / self.seconds, 1) if self.drawn and self.seconds else 0.0,
        }


def sample(
    plan: Plan,
    out: str | os.PathLike[str],
    *,
    threads: int | None = None,
    device: str = "auto",
    fresh: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Sampled:
    """Draw what a plan asks for.

    Args:
        plan: model, seed, truncation, and how many of which class.
        out: a folder that is new, empty, or holds faces of the same generator and seed; what is there is kept.
        threads: CPU threads of one run of the network; None = one per core.
        device: ``auto``, ``cuda`` or ``cpu``.
        fresh: replace what an earlier job left in ``out``.
        progress: called with pictures done and pictures in all.

    Raises:
        RunError: ``out`` holds something else.
        RecipeError: the plan does not fit the generator.
        ModelError, InputError: the generator cannot be used.
    """
    began = time.perf_counter()
    generator = Generator(plan.model, threads, device)
    wanted, folder = plan.resolve(generator), Path(out)
    truncations = _claim(folder, generator, plan.seed, wanted, fresh)
    done, drawn, total = 0, 0, sum(of_class.count for of_class in wanted.values())
    progress(0, total)
    # While the network draws a run, the files of the one before are written: most of a small file's time is the disk's.
    with ThreadPoolExecutor(RUN) as writers:
        writing: list[Future[None]] = []
        for name, of_class in wanted.items():
            place, truncation = folder / folder_of(name), float(of_class.truncation or 0.0)
            facts = {"generator": generator.card.name, "digest": generator.digest, "class": name, "seed": plan.seed}
            for first in range(0, of_class.count, RUN):
                few = range(first, min(first + RUN, of_class.count))
                missing = [number for number in few if not (place / _file(number)).exists()]
                faces = list(generator.draw(name, missing, seed=plan.seed, truncation=truncation))
                for written in writing:
                    written.result()
                writing = [
                    writers.submit(_save, place, face, {**facts, "number": number, "truncation": f"{truncation:g}"})
                    for number, face in zip(missing, faces, strict=True)
                ]
                drawn += len(missing)
                done += len(few)
                progress(done, total)
        for written in writing:
            written.result()
    manifest = _write(folder, generator, plan, truncations)
    counts = Counter(manifest.frame["label"].tolist())
    return Sampled(folder, generator.identity, dict(counts), drawn, time.perf_counter() - began)


def folder_of(name: str) -> str:
    """Folder of a class: its name; where file systems differ about a character of it, with a digest instead."""
    if not name:
        return "faces"
    safe = re.sub(r"[^\w .-]+", "-", name).strip(" .")
    return safe if safe == name else f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _save(place: Path, face: Pixels, facts: Mapping[str, Any]) -> None:
    write_bytes(place / _file(facts["number"]), encode_synthetic(face, facts))


def _file(number: int) -> str:
    return f"{number:06d}.png"


def _claim(
    folder: Path, generator: Generator, seed: int, wanted: Mapping[str, Wanted], fresh: bool
) -> dict[str, float]:
    """Make the folder this job's own, or see that it is; gives the truncation of every class in it."""
    record = folder / "job.json"
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: is a file; name a folder")
    job: dict[str, Any] = {
        "generator": f"{generator.card.name} {generator.digest}",
        "seed": seed,
        "truncation": {name: of_class.truncation for name, of_class in wanted.items()},
    }
    old = _known(record)
    if old is not None:
        if fresh:
            record.unlink()
            for name in old["truncation"]:
                shutil.rmtree(folder / folder_of(name), ignore_errors=True)
        else:
            _check_same(folder, old, job)
            job["truncation"] = old["truncation"] | job["truncation"]
    elif folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder}: is not empty and not a folder of drawn faces; choose another --out")
    for half in folder.glob("*/.*.png"):  # what a killed run was writing
        half.unlink()
    write_text(record, json.dumps(job, indent=2) + "\n")
    return dict(job["truncation"])


def _known(record: Path) -> dict[str, Any] | None:
    """What an earlier job of this kind has written down; other verbs leave a ``job.json``, too."""
    try:
        old = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return old if isinstance(old, dict) and {"generator", "seed", "truncation"} <= set(old) else None


def _check_same(folder: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    other = [
        f"{what} is {old[what]}, asked for is {new[what]}" for what in ("generator", "seed") if old[what] != new[what]
    ]
    for name, truncation in new["truncation"].items():
        before = old["truncation"].get(name, truncation)
        if before != truncation:
            other.append(f"truncation{f' of {name}' if name else ''} is {before:g}, asked for is {truncation:g}")
    if other:
        raise RunError(
            f"{folder}: holds other faces ({'; '.join(other)}); choose another --out, or --fresh to replace them"
        )


def _write(folder: Path, generator: Generator, plan: Plan, truncations: Mapping[str, float]) -> Manifest:
    """The manifest of what is there."""
    classes = generator.card.classes
    rows = [
        (name, path, truncations[name])
        for name in (classes or ("",))
        if name in truncations
        for path in sorted((folder / folder_of(name)).glob("[0-9]*.png"), key=lambda path: int(path.stem))
    ]
    manifest = Manifest.of(
        root=folder,
        labels=Labels(classes, generator.card.label_set) if len(classes) > 1 else None,
        image=[f"{path.parent.name}/{path.name}" for _, path, _ in rows],
        label=[name for name, _, _ in rows],
        split=plan.split,
        domain=plan.domain,
        origin="synthetic",
        generator=generator.identity,
        seed=plan.seed,
        number=[int(path.stem) for _, path, _ in rows],
        truncation=[truncation for _, _, truncation in rows],
    )
    manifest.save(folder / "manifest.csv")
    return manifest
