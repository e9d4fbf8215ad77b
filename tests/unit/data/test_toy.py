"""Toy faces: the same ones every time, the ones asked for, and ones that can be told apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.data.sources.toy import LOOKS, draw_face, toy_faces, toy_scene
from mien.data.sources.toy_person import EXPRESSIONS, Person
from mien.errors import InputError, LabelError
from mien.images import grey
from mien.labels import Labels

FER7 = Labels.named("fer7")


def plain(expression: str, identity: int, size_px: int = 48) -> NDArray[np.float64]:
    """The fixed-pose, evenly lit drawing, as numbers."""
    image = draw_face(expression, identity=identity, rng=np.random.default_rng(0), size_px=size_px, variation=0)
    return image.astype(np.float64)


def distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.abs(first - second).mean())


def test_a_set_is_the_same_every_time() -> None:
    first, second = (toy_faces(30, labels=FER7, domains=3, seed=5) for _ in range(2))
    assert np.array_equal(first.images, second.images)
    assert first.targets.tolist() == second.targets.tolist()
    assert (first.subjects, first.domain) == (second.subjects, second.domain)


def test_a_longer_set_begins_with_the_shorter_one() -> None:
    shares = [3, 1, 1, 4, 1, 1, 2]
    short, long = (toy_faces(count, labels=FER7, domains=2, shares=shares, seed=1) for count in (17, 40))
    assert np.array_equal(short.images, long.images[:17])
    assert short.targets.tolist() == long.targets[:17].tolist()
    assert short.subjects == long.subjects[:17]


def test_another_seed_gives_other_people() -> None:
    first, second = (toy_faces(14, labels=FER7, seed=seed, variation=0) for seed in (0, 1))
    assert all(not np.array_equal(a, b) for a, b in zip(first.images, second.images, strict=True))


def test_the_shape_of_a_set() -> None:
    faces = toy_faces(9, labels=FER7, size_px=32)
    assert faces.images.shape == (9, 32, 32, 3)
    assert faces.images.dtype == np.uint8
    assert faces.targets.dtype == np.int64
    assert len(faces) == len(faces.subjects) == len(faces.domain) == 9


def test_classes_are_balanced() -> None:
    assert np.bincount(toy_faces(21, labels=FER7, size_px=16).targets).tolist() == [3] * 7


def test_classes_follow_the_shares() -> None:
    faces = toy_faces(40, labels=Labels(("happy", "sad", "fear")), size_px=16, shares=[5, 3, 0])
    assert np.bincount(faces.targets, minlength=3).tolist() == [25, 15, 0]


def test_every_domain_has_every_class_and_its_own_people() -> None:
    faces = toy_faces(84, labels=FER7, size_px=16, subjects=9, domains=3)
    pairs = set(zip(faces.domain, faces.targets.tolist(), strict=True))
    assert len(pairs) == 3 * 7
    people = {
        name: {who for who, where in zip(faces.subjects, faces.domain, strict=True) if where == name} for name in LOOKS
    }
    assert all(not first & second for first, second in combinations(people.values(), 2))
    assert set().union(*people.values()) == {f"toy-{number:03d}" for number in range(9)}


def test_domains_look_different() -> None:
    faces = toy_faces(160, labels=FER7, size_px=24, domains=4)
    means = {name: faces.images[np.array(faces.domain) == name].mean(axis=(0, 1, 2)) for name in LOOKS}
    assert all(np.abs(first - second).max() > 8 for first, second in combinations(means.values(), 2))


@pytest.mark.parametrize("expression", EXPRESSIONS.names)
@pytest.mark.parametrize("look", LOOKS)
def test_every_expression_can_be_drawn_in_every_look(expression: str, look: str) -> None:
    image = draw_face(expression, identity=3, rng=np.random.default_rng(1), size_px=40, look=LOOKS[look])
    assert image.shape == (40, 40, 3)
    assert image.dtype == np.uint8
    assert image.std() > 8  # not blank


def test_other_spellings_are_the_same_expression() -> None:
    assert np.array_equal(plain("Happiness", 4), plain("happy", 4))


def test_without_variation_only_the_person_and_the_expression_count() -> None:
    first, second = (draw_face("angry", identity=2, rng=np.random.default_rng(seed), variation=0) for seed in (0, 1))
    assert np.array_equal(first, second)


def test_no_intensity_is_a_neutral_face() -> None:
    rng = np.random.default_rng(0)
    calm = draw_face("surprise", identity=8, rng=rng, size_px=48, intensity=0, variation=0)
    assert np.array_equal(calm, plain("neutral", 8))


def test_a_person_stays_alike_when_the_expression_changes() -> None:
    drawn = {(who, name): plain(name, who) for who in range(12) for name in ("happy", "sad", "surprise")}
    same, other = [], []
    for (first, a), (second, b) in combinations(drawn.items(), 2):
        if first[0] == second[0]:
            same.append(distance(a, b))
        elif first[1] == second[1]:
            other.append(distance(a, b))
    assert np.mean(same) < 0.6 * np.mean(other)


def test_people_are_remembered_and_differ() -> None:
    people = [Person.of(number) for number in range(40)]
    assert Person.of(7) is people[7]
    assert len({person.style for person in people}) >= 6
    assert len({person.beard for person in people}) == 3
    assert {person.has_glasses for person in people} == {True, False}
    assert np.ptp([np.mean(person.skin) for person in people]) > 80


def test_expressions_can_be_learned_from_pixels() -> None:
    """Nearest class centroid on fixed-pose grey drawings of people that were not in the training set."""

    def features(first: int, last: int) -> NDArray[np.float64]:
        """(people, classes, pixels): each drawing minus the person's mean over the expressions."""
        drawn = [[grey(plain(name, who).astype(np.uint8)).ravel() for name in FER7] for who in range(first, last)]
        values: NDArray[np.float64] = np.array(drawn, np.float64)
        return np.asarray(values - values.mean(axis=1, keepdims=True))

    centroids = features(0, 30).mean(axis=0)
    seen = features(100, 130)
    nearest = np.square(seen[:, :, None] - centroids).sum(axis=-1).argmin(axis=-1)
    assert (nearest == np.arange(7)).mean() > 0.8  # chance is 0.14


def test_a_scene_knows_where_its_faces_are() -> None:
    for count, size in ((1, (120, 90)), (5, (240, 320)), (12, (480, 640))):
        image, faces, expressions = toy_scene(count, size_px=size, seed=count)
        assert image.shape == (*size, 3)
        assert len(faces) == len(expressions) == count
        assert set(expressions) <= set(EXPRESSIONS)
        for face in faces:
            x1, y1, x2, y2 = face.box.tolist()
            assert 0 <= x1 < x2 <= size[1]
            assert 0 <= y1 < y2 <= size[0]
            assert face.landmarks is not None
            right_eye, left_eye, nose, right_corner, left_corner = face.landmarks
            assert ((face.landmarks > face.box[:2]) & (face.landmarks < face.box[2:])).all()
            assert right_eye[0] < left_eye[0]
            assert right_corner[0] < left_corner[0]
            assert max(right_eye[1], left_eye[1]) < nose[1] < max(right_corner[1], left_corner[1])


def test_the_boxes_of_a_scene_hold_the_faces() -> None:
    """Drawn over the same backdrop and light, a scene differs from an empty one inside every box."""
    image, faces, _ = toy_scene(4, size_px=(200, 300), seed=3)
    for face in faces:
        x1, y1, x2, y2 = face.box.astype(int).tolist()
        inside = image[y1:y2, x1:x2].astype(float)
        assert inside.std() > image[:10, :10].astype(float).std() + 10
    for first, second in combinations(faces, 2):
        overlap = np.minimum(first.box[2:], second.box[2:]) - np.maximum(first.box[:2], second.box[:2])
        assert overlap.min() <= 0


def test_a_scene_without_faces() -> None:
    image, faces, expressions = toy_scene(0, size_px=(60, 80))
    assert image.shape == (60, 80, 3)
    assert faces == []
    assert expressions == []


def test_mistakes_are_named() -> None:
    with pytest.raises(LabelError, match="awe"):
        toy_faces(3, labels=Labels(("happy", "awe")))
    with pytest.raises(LabelError, match=r"hapy.*did you mean 'happy'"):
        draw_face("hapy", identity=0, rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="size_px=8"):
        draw_face("happy", identity=0, rng=np.random.default_rng(0), size_px=8)
    with pytest.raises(InputError, match="count=0"):
        toy_faces(0, labels=FER7)
    with pytest.raises(InputError, match="domains=9"):
        toy_faces(3, labels=FER7, domains=9)
    with pytest.raises(InputError, match="subjects=1"):
        toy_faces(3, labels=FER7, domains=2, subjects=1)
    for shares in ([1.0], [0.0] * 7, [-1.0, 1, 1, 1, 1, 1, 1]):
        with pytest.raises(InputError, match="7 numbers"):
            toy_faces(3, labels=FER7, shares=shares)
    with pytest.raises(InputError, match="40 x 40"):
        toy_scene(30, size_px=(100, 100))
