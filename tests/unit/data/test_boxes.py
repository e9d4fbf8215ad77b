from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from mien.data.boxes import locate
from mien.data.faces import face_in
from mien.errors import InputError, ManifestError
from mien.faces import DEFAULT
from mien.faces import detector as find_with
from mien.images import read
from mien.manifest import Manifest


@pytest.fixture
def photographs(tmp_path, portrait, group_picture):
    """One face, several, none, and a file that is no picture; the last row has a box already."""
    shutil.copy(portrait, tmp_path / "one.png")
    shutil.copy(group_picture, tmp_path / "group.jpg")
    Image.new("RGB", (90, 60), (20, 60, 20)).save(tmp_path / "meadow.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    images = ["one.png", "meadow.png", "group.jpg", "broken.png", "one.png"]
    return Manifest.of(
        root=tmp_path,
        image=images,
        label=["happy", "neutral", "happy", "sad", "sad"],
        box=["", "", "", "", "1 2 33 44"],
    )


@pytest.mark.parametrize("threads", [1, 3])
def test_each_row_gets_its_largest_face(photographs, portrait, group_picture, threads):
    steps = []
    found = locate(photographs, threads=threads, progress=lambda done, total: steps.append((done, total)))
    finder = find_with(DEFAULT)
    expected = [finder.detect(read(path))[0].box for path in (portrait, group_picture)] + [[1, 2, 33, 44]]
    assert found.manifest.frame["image"].tolist() == ["one.png", "group.jpg", "one.png"]
    np.testing.assert_allclose(found.manifest.boxes(), expected, atol=0.06)
    assert found.manifest.frame["label"].tolist() == ["happy", "happy", "sad"]
    assert found.crowded == ("group.jpg",)
    assert list(found.problems) == ["meadow.png", "broken.png"]
    assert found.problems["meadow.png"].endswith("meadow.png: no face found")
    assert "broken.png" in found.problems["broken.png"]
    assert steps == [(done, 5) for done in range(1, 6)]


def test_a_manifest_without_boxes_gets_the_column(photographs):
    bare = Manifest(photographs.frame.drop(columns="box"), photographs.root, photographs.labels)
    found = locate(bare).manifest
    assert len(found) == 3
    assert np.isfinite(found.boxes()).all()
    assert found.digest() != bare.take(np.array([0, 2, 4])).digest(), "a run on faces is no run on whole pictures"


def test_nothing_to_find(photographs):
    with pytest.raises(ManifestError, match=r"none of the 1 pictures has a face; the first: .+meadow\.png: no face"):
        locate(photographs.take(np.array([1])))
    with pytest.raises(InputError, match="detector whole: takes a picture for a face"):
        locate(photographs, "whole")


def test_what_people_are_shown_is_the_face(photographs):
    assert face_in(photographs, 4).shape == (42, 42, 3), "a square as high as the box"
    assert face_in(photographs, 1).shape == (60, 90, 3), "no box: the whole picture"
