"""Shared by all tests: pictures that ship, drawn faces, and nothing of the user's own."""

from pathlib import Path

import pytest

from mien.data.split import split
from mien.data.toy import draw
from mien.labels import Labels
from mien.manifest import Manifest
from mien.store import VARIABLE

ASSETS = Path(__file__).parents[1] / "src" / "mien" / "assets"


@pytest.fixture(autouse=True)
def empty_store(tmp_path_factory, monkeypatch):
    """Models that the user of this machine has must not change what a test finds."""
    monkeypatch.setenv(VARIABLE, str(tmp_path_factory.getbasetemp() / "no-models"))


@pytest.fixture(scope="session")
def portrait() -> Path:
    """A photograph of one smiling person, facing the camera."""
    return ASSETS / "eileen_collins.jpg"


@pytest.fixture(scope="session")
def group_picture() -> Path:
    """Six prints of two portraits on a board."""
    return ASSETS / "group.jpg"


@pytest.fixture(scope="session")
def toy_manifest(tmp_path_factory) -> Manifest:
    """160 drawn faces of 20 people in four classes, with splits; made once, so do not change its files."""
    folder = tmp_path_factory.mktemp("toy")
    manifest = draw(folder, 160, labels=Labels.named("basic4"), subjects=20)
    return split(manifest, {"train": 0.6, "val": 0.2, "test": 0.2}, group=("subject",))
