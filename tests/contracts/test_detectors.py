"""What every detector of the table promises. A new entry is covered without a change here."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

from mien import images
from mien.errors import InputError, ModelError, UnknownName
from mien.face import Face
from mien.faces import DEFAULT, DETECTORS, Detector, detector, yunet

ASSETS = Path(images.__file__).parent / "assets"
#: Entries that need a file of the user's: here they get the shipped network, which has the same outputs.
OPTIONS = {"yunet": {"path": str(yunet.SHIPPED)}}


@pytest.fixture(params=DETECTORS.names())
def finder(request: pytest.FixtureRequest) -> Detector:
    return detector(request.param, **OPTIONS.get(request.param, {}))


def _check(faces: list[Face]) -> None:
    areas = []
    for face in faces:
        assert (face.box.shape, face.box.dtype) == ((4,), np.float32)
        x1, y1, x2, y2 = face.box.tolist()
        assert x1 < x2
        assert y1 < y2
        assert 0 <= face.score <= 1
        if face.landmarks is not None:
            assert (face.landmarks.shape, face.landmarks.dtype) == ((5, 2), np.float32)
        areas.append((x2 - x1) * (y2 - y1))
    assert areas == sorted(areas, reverse=True), "the largest box comes first"


@pytest.mark.parametrize("name", ["eileen_collins.jpg", "grace_hopper.jpg"])
def test_portrait_is_one_face_around_its_middle(finder: Detector, name: str) -> None:
    image = images.read(ASSETS / name)
    before = image.copy()
    faces = finder.detect(image)
    _check(faces)
    assert len(faces) == 1
    # a point on the nose, read off the picture by eye
    x, y = {"eileen_collins.jpg": (224, 122), "grace_hopper.jpg": (268, 232)}[name]
    x1, y1, x2, y2 = faces[0].box.tolist()
    assert x1 < x < x2
    assert y1 < y < y2
    assert np.array_equal(image, before), "the picture is left as it was"


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 5), (48, 48), (64, 3000), (4000, 3000)])
def test_any_size_goes(finder: Detector, shape: tuple[int, int]) -> None:
    _check(finder.detect(np.full((*shape, 3), 90, np.uint8)))


def test_the_same_twice_and_from_one_object(finder: Detector) -> None:
    image = images.read(ASSETS / "group.jpg")
    first, second = finder.detect(image), finder.detect(image)
    assert [face.to_dict() for face in first] == [face.to_dict() for face in second]


def test_a_view_that_is_not_contiguous(finder: Detector) -> None:
    image = images.read(ASSETS / "grace_hopper.jpg")
    _check(finder.detect(image[:, ::-1]))
    _check(finder.detect(image[::2, ::2]))


@pytest.mark.parametrize("name", DETECTORS.names())
def test_an_unknown_option_is_named(name: str) -> None:
    with pytest.raises(InputError, match="min_scor"):
        detector(name, min_scor=0.5)


@pytest.mark.parametrize("name", DETECTORS.names())
def test_built_once_per_set_of_options(name: str) -> None:
    options = OPTIONS.get(name, {})
    assert detector(name, **options) is detector(name, **options)


@pytest.mark.parametrize("name", DETECTORS.names())
def test_values_out_of_range_are_refused(name: str) -> None:
    wrong = {"min_score": 1.5, "min_size_px": -1, "longest_side_px": 10, "threads": -2}
    for option in set(wrong) & set(inspect.signature(DETECTORS.load(name)).parameters):
        with pytest.raises(InputError, match=option):
            detector(name, **{**OPTIONS.get(name, {}), option: wrong[option]})


def test_the_default_is_in_the_table_and_needs_nothing() -> None:
    assert DEFAULT in DETECTORS
    assert detector() is detector(DEFAULT)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownName, match="yunet"):
        detector("yunett")


def test_yunet_without_its_file_says_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match=r"face_detection_yunet.*model zoo.*libfacedetection") as caught:
        detector("yunet", min_score=0.61)
    assert str(tmp_path) in str(caught.value)


def test_yunet_takes_the_newest_file_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path))
    (tmp_path / "face_detection_yunet_2022mar.onnx").write_bytes(b"not a network")
    (tmp_path / "face_detection_yunet_2023mar.onnx").write_bytes(yunet.SHIPPED.read_bytes())
    assert len(detector("yunet", min_score=0.62).detect(images.read(ASSETS / "eileen_collins.jpg"))) == 1
