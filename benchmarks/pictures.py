"""Whole pictures as a domain: the largest face of each, looked for once."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

import numpy as np

from mien.atomic import write_text
from mien.errors import ImageError
from mien.faces import DEFAULT, detector
from mien.images import read
from mien.manifest import Manifest


def boxes(manifest: Manifest) -> tuple[list[str], int]:
    """The largest face of each picture as a manifest writes it, and in how many there is none."""
    found, finder = [], detector(DEFAULT)
    for path in manifest.paths():
        try:
            faces = finder.detect(read(path))
        except ImageError:
            faces = []
        found.append(" ".join(f"{value:.1f}" for value in faces[0].box) if faces else "")
    return found, found.count("")


def domain(name: str, path: str, cache: Path) -> tuple[Manifest, int]:
    """The pictures in which a face was found, with its box, and how many have none; ``cache`` keeps the boxes."""
    manifest = Manifest.load(path)
    finder = hashlib.sha256((files("mien.faces") / f"{DEFAULT}.onnx").read_bytes()).hexdigest()[:12]
    kept = cache / f"boxes-{manifest.digest()}-{finder}.txt"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        write_text(kept, "\n".join(boxes(manifest)[0]) + "\n")
    found = kept.read_text(encoding="utf-8").splitlines()
    manifest = manifest.with_columns(domain=name, box=found, split="")
    return manifest.take(np.flatnonzero(np.array(found) != "")), found.count("")
