from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from mien.data.sources.toy import toy_faces
from mien.labels import Labels
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.train.fit import Fit

#: A recipe that learns toy faces in seconds.
QUICK = {
    "name": "quick",
    "export": {"data_licence": "CC0"},
    "preprocess": {"size_px": 32, "channels": 1, "mean": [0.5], "std": [0.5]},
    "model": {"backbone": "timm:test_efficientnet", "head": {"dropout": 0.1}},
    "optimizer": {"rate": 4e-3},
    "schedule": {"name": "onecycle", "epochs": 3},
    "runtime": {"batch": 32, "ema": 0.9},
}


@pytest.fixture(autouse=True)
def one_thread():
    """Small nets are quickest on one thread, and sums come out the same everywhere."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toy_manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 toy faces of four expressions: 64 to learn from, 32 to choose by."""
    folder = tmp_path_factory.mktemp("toy")
    faces = toy_faces(96, labels=Labels.named("basic4"), size_px=32, seed=3)
    np.save(folder / "faces.npy", faces.images)
    names = [faces.labels.names[target] for target in faces.targets]
    manifest = Manifest.of(
        root=folder,
        image=[f"faces.npy#{row}" for row in range(96)],
        label=names,
        split=["train"] * 64 + ["val"] * 32,
    )
    manifest.save(folder / "faces.csv")
    return folder / "faces.csv"


@pytest.fixture
def unexported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training ends without a model file, whose export is most of what a training of toy faces takes."""
    monkeypatch.setattr("mien.train.run.export_run", lambda run: 0.0)


@pytest.fixture
def killed_after_an_epoch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Call what trains, and end it when its first epoch is written down."""

    def call(training: Callable[[], object]) -> None:
        keep = Fit._keep

        def killed(self: Fit, chosen: Any) -> None:
            keep(self, chosen)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(Fit, "_keep", killed)
            with pytest.raises(KeyboardInterrupt):
                training()

    return call


@pytest.fixture
def quick() -> Recipe:
    return Recipe.model_validate(QUICK)


class Persistent:
    """Pickles as an object of NVIDIA's ``torch_utils.persistence`` does: class name, source code, state."""

    def __init__(self, class_name: str, state: dict[str, Any], source: str) -> None:
        self.meta = {"type": "class", "version": 6, "module_src": source, "class_name": class_name, "state": state}

    def __reduce__(self) -> Any:
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.meta,), None


@pytest.fixture
def persistent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Persistent]:
    """``persistent(class_name, state)`` to pickle; its source code would leave a file ``ran`` in ``tmp_path``."""

    def _reconstruct_persistent_obj(meta: object) -> None:
        raise AssertionError("the file's own function was called")

    class EasyDict(dict):  # type: ignore[type-arg]
        pass

    for module, found in (("torch_utils.persistence", _reconstruct_persistent_obj), ("dnnlib.util", EasyDict)):
        found.__module__, found.__qualname__ = module, found.__name__
        made = ModuleType(module)
        setattr(made, found.__name__, found)
        monkeypatch.setitem(sys.modules, module.split(".")[0], ModuleType(module.split(".")[0]))
        monkeypatch.setitem(sys.modules, module, made)
    source = f"open({str(tmp_path / 'ran')!r}, 'w').close()"
    return lambda class_name, state, source=source: Persistent(class_name, state, source)
