from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mien.data.sources.toy import toy_faces
from mien.labels import Labels
from mien.manifest import Manifest
from mien.recipe import Recipe

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
def quick() -> Recipe:
    return Recipe.model_validate(QUICK)
