"""From pictures to readings; the answers are read off mean colours by hand."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from mien.errors import ImageError, InputError, LabelError, ModelError, UnknownName
from mien.face import Face
from mien.images import write
from mien.labels import Labels
from mien.runtime.network import Network
from mien.runtime.recognizer import Recognizer

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
#: Softmax of (4, 0, 0).
SURE = math.exp(4) / (math.exp(4) + 2)


def plain(colour, size=(20, 30)):
    return np.full((*size, 3), colour, np.uint8)


class Boxes:
    """A detector that finds what it is told, by the picture's width."""

    def __init__(self, boxes):
        self.boxes = boxes

    def detect(self, image):
        return [Face(np.array(box, np.float32)) for box in self.boxes.get(image.shape[1], [])]


@pytest.fixture
def whole(colours):
    return Recognizer(colours(), detector="whole", threads=1)


def labels_of(answer):
    return [reading.prediction.label for reading in answer]


def test_every_kind_of_source(whole, tmp_path):
    red = plain(RED)
    write(tmp_path / "red.png", red)
    buffer = io.BytesIO()
    Image.fromarray(red).save(buffer, "PNG")
    for source in (tmp_path / "red.png", str(tmp_path / "red.png"), buffer.getvalue(), Image.fromarray(red), red):
        (reading,) = whole.read(source)
        assert reading.prediction.label == "angry"
        assert reading.prediction.probabilities == pytest.approx([SURE, (1 - SURE) / 2, (1 - SURE) / 2], abs=1e-6)
        assert reading.face.box.tolist() == [0, 0, 30, 20]


def test_a_list_gives_a_list_per_picture(whole):
    assert [labels_of(answer) for answer in whole.read([plain(BLUE), plain(RED)])] == [["sad"], ["angry"]]
    assert whole.read([]) == []


def test_a_bad_picture_is_an_error_that_names_it(whole, tmp_path):
    (tmp_path / "bad.jpg").write_text("text")
    with pytest.raises(ImageError, match=r"bad\.jpg"):
        whole.read([plain(RED), str(tmp_path / "bad.jpg")])


def test_a_picture_without_a_face_has_no_reading(colours):
    recognizer = Recognizer(colours(), threads=1)
    assert recognizer.read(plain((90, 90, 90), (64, 64))) == []


def test_faces_of_several_pictures_share_batches(colours, monkeypatch):
    recognizer = Recognizer(colours(), threads=1, batch_size=4)
    recognizer.detector = Boxes({30: [(0, 0, 10, 10), (10, 0, 20, 10), (20, 0, 30, 10)], 40: [], 50: [(0, 0, 20, 20)]})
    sizes = []
    run = Network._run
    monkeypatch.setattr(Network, "_run", lambda self, batch: (sizes.append(len(batch)), run(self, batch))[1])
    pictures = [plain(RED), plain(BLUE, (20, 40)), plain(GREEN, (20, 50)), plain(BLUE)]
    answers = recognizer.read(pictures)
    assert [labels_of(answer) for answer in answers] == [["angry"] * 3, [], ["happy"], ["sad"] * 3]
    assert sorted(sizes) == [3, 4]  # which of the two begins first is up to the threads


def test_the_model_gets_the_framing_of_its_card(colours):
    picture = plain(BLUE, (40, 40))
    picture[15:25, 15:25] = RED  # the box: ten pixels of red in the middle of blue
    tight, wide = colours("tight.onnx"), colours("wide.onnx", margin=1.0, size_px=16)
    for model, logits in ((tight, (4, 0, 0)), (wide, (1, 0, 3))):  # twice the side: a quarter of it is red
        recognizer = Recognizer(model, threads=1)
        recognizer.detector = Boxes({40: [(15, 15, 25, 25)]})
        (reading,) = recognizer.read(picture)
        weights = np.exp(logits)
        assert reading.prediction.probabilities == pytest.approx(weights / weights.sum(), abs=1e-4)


def test_the_framing_is_shifted_as_the_card_says(colours):
    picture = plain(BLUE, (40, 40))
    picture[20:] = RED
    recognizer = Recognizer(colours(shift=0.5), threads=1)
    recognizer.detector = Boxes({40: [(10, 10, 20, 20)]})  # above the edge; half a side lower: half red
    (reading,) = recognizer.read(picture)
    assert reading.prediction.probabilities == pytest.approx(np.exp([2, 0, 2]) / np.exp([2, 0, 2]).sum(), abs=1e-4)


def test_several_models_each_with_its_own_framing_and_classes(colours):
    picture = plain(BLUE, (40, 40))
    picture[15:25, 15:25] = RED
    tight = colours("tight.onnx")
    wide = colours("wide.onnx", classes=("sadness", "contempt", "anger"), margin=1.0, size_px=16)
    recognizer = Recognizer([tight, wide], threads=1)
    recognizer.detector = Boxes({40: [(15, 15, 25, 25)]})
    (reading,) = recognizer.read(picture)
    first = np.exp([4, 0, 0]) / np.exp([4, 0, 0]).sum()  # angry, happy, sad
    # the second: sadness 1, contempt 0, anger 3; contempt is dropped, happy is not known to it
    second = np.array([math.exp(3), 0, math.exp(1)]) / (math.exp(3) + math.exp(1))
    assert recognizer.labels.names == ("angry", "happy", "sad")
    assert reading.prediction.probabilities == pytest.approx((first + second) / 2, abs=1e-4)


def test_one_model_twice_is_that_model(colours):
    model, faces = colours(), [plain((10, 200, 90)), plain((200, 30, 60))]
    once, twice = Recognizer(model, threads=1), Recognizer([model, model], threads=1)
    assert twice.probabilities(faces) == pytest.approx(once.probabilities(faces), abs=1e-6)
    with pytest.raises(InputError, match="no common logits"):
        twice.logits(faces)


def test_answers_over_other_labels(colours):
    recognizer = Recognizer(colours(classes=("happy", "contempt", "angry")), detector="whole", threads=1, labels="fer7")
    (reading,) = recognizer.read(plain(BLUE))
    answer = reading.prediction
    assert (answer.labels.id, answer.label) == ("fer7", "angry")
    # softmax of (0, 0, 4) without contempt: 1 : e^4
    assert answer.probabilities[0] == pytest.approx(math.exp(4) / (math.exp(4) + 1), abs=1e-6)
    assert answer.probabilities.sum() == pytest.approx(1, abs=1e-6)
    with pytest.raises(LabelError, match="do not overlap"):
        Recognizer(colours(), labels=Labels(("awe", "boredom")))


def test_flip_and_threshold_come_from_the_card_unless_given(colours):
    model = colours(flip=True, threshold=0.6)
    face = np.concatenate([plain(RED, (8, 4)), plain(BLUE, (8, 4))], axis=1)
    for flip, threshold, best, is_abstained in (
        (None, None, np.exp(2) / (2 * np.exp(2) + 1), True),
        (False, None, SURE, False),
        (True, 0.2, np.exp(2) / (2 * np.exp(2) + 1), False),
        (False, 1.0, SURE, True),
    ):
        recognizer = Recognizer(model, detector="whole", threads=1, flip=flip, threshold=threshold)
        (reading,) = recognizer.read(face)
        assert reading.prediction.confidence == pytest.approx(best, abs=1e-6)
        assert reading.prediction.is_abstained is is_abstained


def test_cut_faces_are_classified_as_they_are(whole):
    faces = [plain(GREEN, (5, 5)), plain(BLUE, (90, 70))]
    assert [answer.label for answer in whole.classify(faces)] == ["happy", "sad"]
    assert whole.logits(faces) == pytest.approx(np.array([[0, 4, 0], [0, 0, 4]]), abs=1e-6)
    assert whole.classify([]) == []


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, InputError, "batch_size is 0"),
        ({"threshold": 1.5}, InputError, "threshold is 1.5"),
        ({"detector": "hole"}, UnknownName, "'whole'"),
        ({"labels": "fer8"}, LabelError, "did you mean"),
    ],
)
def test_mistakes_are_named(colours, options, error, message):
    with pytest.raises(error, match=message):
        Recognizer(colours(), **options)


def test_no_model_at_all():
    with pytest.raises(ModelError, match="no model given"):
        Recognizer([])
