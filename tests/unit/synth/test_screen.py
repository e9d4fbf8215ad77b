"""Drawn faces are kept or left out for reasons that can be seen, and nothing is lost."""

import cv2
import numpy as np
import pytest

from mien import images
from mien.errors import InputError
from mien.face import Face
from mien.manifest import Manifest
from mien.report.screened import screened_sheet
from mien.synth.rules import Rules
from mien.synth.screen import NO_LABEL, screen
from mien.synth.survey import common_side

#: What the fixture's recognizer takes each class for.
COLOURS = {"angry": (255, 60, 60), "happy": (60, 255, 60), "sad": (60, 60, 255)}
OFF = Rules(detector=None, sharpness=0, agree=0, copies=False, duplicates=False)


def face(seed, label, side=48):
    """A texture of its own in the colour of a class."""
    generator = np.random.default_rng(seed)
    texture = cv2.resize(generator.random((16, 16)), (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    return ((0.4 + 0.6 * texture)[..., None] * np.array(COLOURS[label])).astype(np.uint8)


class Eyes:
    """Finds as many faces as the blue of the last pixel says: 1 for all others."""

    def detect(self, image):
        count = {200: 0, 201: 2}.get(int(image[-1, -1, 2]), 1)
        return [Face(np.array([0, 0, *image.shape[1::-1]], np.float32))] * count


@pytest.fixture
def sets(tmp_path, colours, monkeypatch):
    """``sets(drawn)``: manifests of these pictures and of 30 photographs, and the recognizer."""
    monkeypatch.setattr("mien.synth.screen.find_with", lambda name: Eyes())

    def write(drawn, labels, name="drawn"):
        for row, picture in enumerate(drawn):
            if picture is None:
                (tmp_path / f"{name}{row}.png").write_bytes(b"no picture")
            else:
                images.write(tmp_path / f"{name}{row}.png", picture)
        return Manifest.of(
            root=tmp_path,
            image=[f"{name}{row}.png" for row in range(len(drawn))],
            label=labels,
            origin=["synthetic" if name == "drawn" else "real"] * len(drawn),
        )

    real_labels = [tuple(COLOURS)[row % 3] for row in range(30)]
    real = write([face(1000 + row, label) for row, label in enumerate(real_labels)], real_labels, "real")
    return lambda drawn, labels: (write(drawn, labels), real, colours())


def looked_at(image, faces):
    image = image.copy()
    image[-1, -1, 2] = 200 if faces == 0 else 201
    return image


def test_good_faces_are_kept(sets):
    drawn, real, model = sets([face(seed, "happy") for seed in range(4)], ["happy"] * 4)
    found = screen(drawn, real, model=model, rules=Rules(sharpness=1), threads=1)
    assert found.reasons == ((),) * 4
    assert found.table == {"happy": {**dict.fromkeys(found.table["happy"], 0), "drawn": 4, "kept": 4}}
    assert len(found.dropped) == 0
    assert found.kept.frame["screen.reads_as"].tolist() == ["happy"] * 4
    # left half: mean colour times 4, softmax
    left = face(0, "happy")[:, :24].reshape(-1, 3).mean(axis=0) / 255
    expected = np.exp(4 * left)[1] / np.exp(4 * left).sum()
    assert found.kept.frame["screen.probability"][0] == pytest.approx(expected, abs=0.01)


def test_each_check_has_its_reason(sets):
    drawn = [
        None,
        looked_at(face(1, "happy"), 0),
        looked_at(face(2, "happy"), 2),
        cv2.GaussianBlur(face(3, "happy"), (0, 0), 4),
        face(4, "sad"),
        face(1001, "happy")[:, ::-1].copy(),
        face(5, "happy"),
        face(5, "happy"),
    ]
    drawn, real, model = sets(drawn, ["happy"] * 8)
    found = screen(drawn, real, model=model, threads=1)
    assert found.reasons == (
        ("unreadable",),
        ("no face",),
        ("several faces",),
        ("blurred",),
        ("label",),
        ("copy",),
        (),
        ("duplicate",),
    )
    why = found.manifest.frame["screen.why"].tolist()
    assert why[2] == "several faces: 2 faces"
    assert "reads as sad" in why[4]
    assert why[5].startswith("copy: of real1.png (")
    assert why[5].endswith("mirrored)")
    assert why[7] == "duplicate: of drawn6.png"
    assert found.manifest.frame["screen.nearest"][5] == "real1.png"
    line = found.table["happy"]
    assert (line["drawn"], line["kept"]) == (8, 1)
    assert sum(line.values()) == 8 + 8  # one reason each


def test_a_face_can_have_several_reasons(sets):
    drawn, real, model = sets([cv2.GaussianBlur(face(1, "sad"), (0, 0), 4)], ["happy"])
    found = screen(drawn, real, model=model, threads=1)
    assert found.reasons == (("blurred", "label"),)
    assert found.dropped.frame["screen.reasons"].tolist() == ["blurred, label"]


def test_every_check_can_be_left_out(sets):
    drawn = [looked_at(face(1, "sad"), 0), face(1001, "happy"), face(1001, "happy"), np.zeros((48, 48, 3), np.uint8)]
    drawn, real, model = sets(drawn, ["happy"] * 4)
    found = screen(drawn, real, model=model, rules=OFF, threads=1)
    assert found.reasons == ((),) * 4
    assert found.manifest.frame["screen.faces"].tolist() == [""] * 4


def test_real_faces_are_checked_the_same(sets):
    drawn, real, model = sets([face(1, "happy")], ["happy"])
    found = screen(drawn, real, model=model, rules=Rules(sharpness=10, agree=0.9), threads=1)
    assert sum(line["drawn"] for line in found.reference.values()) == 30
    assert sum(line["blurred"] for line in found.reference.values()) == 3
    probabilities = []
    for row, label in enumerate(real.frame["label"]):
        left = 4 * face(1000 + row, label)[:, :24].reshape(-1, 3).mean(axis=0) / 255
        probabilities.append(np.exp(left.max()) / np.exp(left).sum())
    assert sum(line["label"] for line in found.reference.values()) == sum(value < 0.9 for value in probabilities)
    assert sum(line["copy"] for line in found.reference.values()) == 0  # none is a copy of itself


def test_fewer_real_faces_can_be_drawn(sets):
    drawn, real, model = sets([face(1, "happy")], ["happy"])
    found = screen(drawn, real, model=model, reference=7, seed=3, threads=1)
    assert sum(line["drawn"] for line in found.reference.values()) == 7
    with pytest.raises(InputError, match="reference is 0"):
        screen(drawn, real, model=model, reference=0)


def test_sharpness_is_compared_at_one_size(sets):
    """Large drawn faces with the detail of the small photographs are not sharper than those."""
    drawn, real, model = sets([cv2.resize(face(1, "happy"), (192, 192), interpolation=cv2.INTER_CUBIC)], ["happy"])
    assert common_side(drawn, real) == 48
    found = screen(drawn, real, model=model, rules=Rules(sharpness=1), threads=1)
    assert found.side_px == 48
    assert found.reasons == ((),)
    small = found.manifest.frame["screen.sharpness"][0]
    again, _, _ = sets([face(1, "happy")], ["happy"])
    assert screen(again, real, model=model, threads=1).manifest.frame["screen.sharpness"][0] == pytest.approx(
        small, rel=0.1
    )


def test_the_best_of_duplicates_is_kept(sets):
    pale = (face(1, "happy") * 0.5 + 100).astype(np.uint8)  # the same, less sure of its colour
    drawn, real, model = sets([pale, face(1, "happy"), face(2, "happy")], ["happy"] * 3)
    found = screen(drawn, real, model=model, rules=Rules(agree=0, sharpness=0), threads=1)
    assert found.reasons == (("duplicate",), (), ())
    # one that is left out anyway keeps nobody else away
    seen = looked_at(face(1, "happy"), 0)
    drawn, real, model = sets([pale, seen, face(2, "happy")], ["happy"] * 3)
    assert screen(drawn, real, model=model, rules=Rules(agree=0, sharpness=0), threads=1).reasons == (
        (),
        ("no face",),
        (),
    )


def test_the_cap_keeps_the_most_probable(sets):
    weaker = [(face(seed, "happy") * (1 - 0.15 * seed)).astype(np.uint8) for seed in range(4)]
    drawn, real, model = sets([*weaker, face(9, "sad")], ["happy"] * 4 + ["sad"])
    found = screen(drawn, real, model=model, rules=Rules(None, 0, 0, False, False, cap=2), threads=1)
    assert found.reasons == ((), (), ("over the cap",), ("over the cap",), ())
    assert (found.table["happy"]["kept"], found.table["sad"]["kept"]) == (2, 1)
    assert found.manifest.frame["screen.why"][3] == "over the cap: 4 pass, the best 2 are kept"


def test_faces_without_a_label_or_with_a_strange_one(sets):
    drawn, real, model = sets([face(1, "happy"), face(2, "sad"), face(3, "sad")], ["happy", "", "contempt"])
    found = screen(drawn, real, model=model, rules=Rules(sharpness=0), threads=1)
    assert found.reasons == ((), (), ())
    assert found.table[NO_LABEL]["kept"] == 1
    assert any("does not know contempt" in note for note in found.notes)
    assert any("1 faces have no label" in note for note in found.notes)


def test_a_face_in_a_box(sets):
    """What lies around the box does not count."""
    picture = np.zeros((100, 120, 3), np.uint8)
    picture[20:68, 30:78] = face(1, "happy")
    drawn, real, model = sets([picture], ["happy"])
    drawn = drawn.with_columns(box=["30 20 78 68"])
    found = screen(drawn, real, model=model, threads=1)
    alone, _, _ = sets([face(1, "happy")], ["happy"])
    expected = screen(alone, real, model=model, threads=1)
    for column in ("screen.sharpness", "screen.probability", "screen.similarity"):
        assert found.manifest.frame[column][0] == expected.manifest.frame[column][0]
    outside = screen(drawn.with_columns(box=["500 500 548 548"]), real, model=model, threads=1)
    assert outside.reasons == (("unreadable",),)


def test_nothing_is_lost_on_disk(sets, tmp_path):
    drawn, real, model = sets([face(1, "happy"), None, face(4, "sad")], ["happy"] * 3)
    found = screen(drawn, real, model=model, rules=Rules(sharpness=0), threads=1)
    beside = found.save(tmp_path / "out" / "screened.csv")
    kept, dropped = Manifest.load(tmp_path / "out" / "screened.csv"), Manifest.load(beside)
    assert beside.name == "screened.dropped.csv"
    assert [len(kept), len(dropped)] == [1, 2]
    assert dropped.frame["screen.reasons"].tolist() == ["unreadable", "label"]
    kept.check_files()
    told = found.to_dict()
    assert (told["drawn"], told["kept"]) == (3, 1)
    assert [each["row"] for each in told["dropped"]] == [1, 2]


def test_the_sheet_shows_both(sets):
    drawn, real, model = sets([face(1, "happy"), None, face(4, "sad")], ["happy"] * 3)
    found = screen(drawn, real, model=model, rules=Rules(sharpness=0), threads=1)
    drawn_sheet = screened_sheet(found, columns=4)
    assert drawn_sheet.ndim == 3
    green, red = ((drawn_sheet == colour).all(axis=2).any() for colour in ((46, 125, 80), (178, 58, 52)))
    assert green
    assert red


def test_the_answer_does_not_depend_on_threads_and_batches(sets):
    drawn, real, model = sets([face(seed, "happy") for seed in range(9)], ["happy"] * 9)
    told = [
        screen(drawn, real, model=model, threads=threads, batch_size=size).to_dict()
        for threads, size in ((1, 64), (3, 2))
    ]
    assert told[0] == told[1]


def test_what_cannot_be_screened_is_refused(sets):
    drawn, real, model = sets([face(1, "happy")], ["happy"])
    with pytest.raises(InputError, match="no real faces"):
        screen(drawn, real.take(np.array([], np.intp)), model=model)
    for row in range(30):
        (real.root / f"real{row}.png").write_bytes(b"")
    with pytest.raises(InputError, match="none of the real faces can be read"):
        screen(drawn, real, model=model, threads=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sharpness": 100}, "a percentile"),
        ({"agree": 1.5}, "a probability"),
        ({"cap": 0}, "at least 1 face per class"),
    ],
)
def test_rules_out_of_range_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Rules(**wrong)
