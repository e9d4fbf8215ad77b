"""Whole pictures as a domain: the largest face of each, looked for once."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from mien.data.boxes import locate
from mien.faces import DEFAULT
from mien.manifest import Manifest


def domain(name: str, path: str, cache: Path) -> tuple[Manifest, int]:
    """The pictures in which a face was found, with its box, and how many have none; ``cache`` keeps the boxes."""
    manifest = Manifest.load(path)
    finder = hashlib.sha256((files("mien.faces") / f"{DEFAULT}.onnx").read_bytes()).hexdigest()[:12]
    kept = cache / f"located-{manifest.digest()}-{finder}.csv"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        locate(manifest).manifest.save(kept)
    found = Manifest.load(kept, manifest.labels)
    return found.with_columns(domain=name, split=""), len(manifest) - len(found)
