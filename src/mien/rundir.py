"""A run folder: what one training writes, and where. The only code that knows the file names in it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mien.atomic import write_text
from mien.errors import RunError


class RunDir:
    """The files of one run.

    Example:
        >>> RunDir("runs/demo").model.name
        'model.onnx'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.yaml"

    @property
    def data(self) -> Path:
        """Digest, counts and classes of the data the run was started with."""
        return self.path / "data.json"

    @property
    def log(self) -> Path:
        """One JSON object per line and epoch."""
        return self.path / "log.jsonl"

    @property
    def tensorboard(self) -> Path:
        """Folder of event files."""
        return self.path / "tensorboard"

    @property
    def cache(self) -> Path:
        """Folder of decoded images (memory-mapped arrays)."""
        return self.path / "cache"

    @property
    def teacher(self) -> Path:
        """What the teachers answer to the training pictures; kept as long as the run may go on."""
        return self.path / "teacher-answers.npz"

    @property
    def drawn(self) -> Path:
        """Folder of sheets of the faces that a generator draws, named by the pictures it has learned from."""
        return self.path / "drawn"

    @property
    def last(self) -> Path:
        """Checkpoint to resume from."""
        return self.path / "last.pt"

    @property
    def best(self) -> Path:
        """Weights of the epoch that the selection rule chose."""
        return self.path / "best.pt"

    @property
    def model(self) -> Path:
        """The exported model."""
        return self.path / "model.onnx"

    @property
    def scores(self) -> Path:
        """Saved scores of the pictures that the run was measured on, where that was part of the work."""
        return self.path / "scores.npz"

    @property
    def history(self) -> Path:
        """Plot of the training curves."""
        return self.path / "history.png"

    @property
    def done(self) -> Path:
        """Marker: the run has ended; its content says how."""
        return self.path / "done.json"

    @property
    def is_done(self) -> bool:
        """True when the run has ended."""
        return self.done.exists()

    def write_json(self, path: Path, content: Any) -> None:
        """Write one of the JSON files of this run, whole."""
        write_text(path, json.dumps(content, indent=2) + "\n")

    def read_json(self, path: Path) -> Any:
        """Read one of the JSON files of this run.

        Raises:
            RunError: the file is not there.
        """
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.path}: not a run folder, {path.name} is missing") from None

    def seconds(self) -> float:
        """Time that the epochs of the log took."""
        return float(sum(record.get("seconds", 0.0) for record in self.epochs()))

    def epochs(self) -> list[dict[str, Any]]:
        """The log, one record per epoch; a half-written last line (a killed run) is left out."""
        if not self.log.exists():
            raise RunError(f"{self.path}: not a run folder, {self.log.name} is missing")
        records = []
        for line in self.log.read_text(encoding="utf-8").splitlines():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return records
