"""One model file: expected logits are worked out from the mean colour."""

import hashlib
import math

import numpy as np
import pytest

from mien.card import Card
from mien.errors import ModelError
from mien.preprocess import Preprocess
from mien.runtime.network import Network

CARD = Card(name="x", classes=("a", "b", "c"), preprocess=Preprocess(size_px=8))


def plain(*colour):
    return np.full((12, 12, 3), colour, np.uint8)


def halves(left, right):
    return np.concatenate([np.full((8, 4, 3), left, np.uint8), np.full((8, 4, 3), right, np.uint8)], axis=1)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 50])
def test_logits_by_hand_in_any_batch_size(colours, batch_size):
    faces = [plain(255, 0, 0), plain(0, 51, 0), plain(0, 0, 102)]
    logits = Network(colours(), threads=1).logits(faces, batch_size=batch_size)
    assert logits.dtype == np.float32
    assert logits == pytest.approx(np.diag([4.0, 0.8, 1.6]), abs=1e-6)


def test_the_mirror_image_is_averaged(colours):
    network = Network(colours(), threads=1)
    face = halves((255, 0, 0), (0, 0, 255))
    assert network.logits([face])[0] == pytest.approx([4, 0, 0], abs=1e-6)  # the network looks at the left alone
    assert network.logits([face], flip=True)[0] == pytest.approx([2, 0, 2], abs=1e-6)


def test_biases_and_temperature(colours):
    # logits (4, 0, 0) + (0, 2, 0), divided by 2: (2, 1, 0)
    network = Network(colours(biases=(0.0, 2.0, 0.0), temperature=2.0), threads=1)
    total = math.exp(2) + math.exp(1) + 1
    found = network.probabilities([plain(255, 0, 0)])
    assert found[0] == pytest.approx([math.exp(2) / total, math.exp(1) / total, 1 / total], abs=1e-6)
    assert network.logits([plain(255, 0, 0)])[0] == pytest.approx([4, 0, 0], abs=1e-6), "raw logits stay raw"


def test_a_bias_multiplies_a_probability(colours):
    face = plain(120, 90, 60)
    before = Network(colours("plain.onnx"), threads=1).probabilities([face])[0]
    after = Network(colours("biased.onnx", biases=(0.0, math.log(3), 0.0)), threads=1).probabilities([face])[0]
    expected = before * [1, 3, 1]
    assert after == pytest.approx(expected / expected.sum(), abs=1e-6)


def test_no_faces(colours):
    network = Network(colours(), threads=1)
    assert network.logits([]).shape == (0, 3)
    assert network.probabilities([]).shape == (0, 3)


@pytest.mark.parametrize(
    ("count", "sizes"), [(11, [11]), (12, [4, 4, 4]), (17, [5, 6, 6]), (50, [4, 5, 5, 12, 12, 12])]
)
def test_many_faces_have_runs_beside_each_other(colours, monkeypatch, count, sizes):
    faces = [plain(20 * (number % 12), 90, number) for number in range(count)]
    expected = Network(colours(), threads=1).probabilities(faces)
    network = Network(colours(), threads=3)
    seen, run = [], Network._run
    monkeypatch.setattr(Network, "_run", lambda self, batch: (seen.append(len(batch)), run(self, batch))[1])
    assert network.probabilities(faces, batch_size=12) == pytest.approx(expected, abs=1e-6)
    assert sorted(seen) == sizes


def test_digest_is_of_the_file(colours):
    path = colours()
    assert Network(path, threads=1).digest == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256)) * 40], ids=["empty", "text", "noise"])
def test_a_file_that_is_no_network(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx.*ONNX"):
        Network(path)


def test_a_truncated_network(colours):
    path = colours()
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ModelError, match=r"colours\.onnx"):
        Network(path)


def test_a_network_without_a_card_says_the_way_out(raw_network):
    with pytest.raises(ModelError, match="mien export"):
        Network(raw_network(None))


@pytest.mark.parametrize("card", ["{}", "no json", '{"name": "x", "format": 2}', '{"name": "x", "surprise": 1}'])
def test_a_card_that_cannot_be_read(raw_network, card):
    with pytest.raises(ModelError, match="its card cannot be read"):
        Network(raw_network(card))


def test_biases_for_another_number_of_classes(raw_network):
    card = CARD.model_copy(update={"biases": (1.0, 2.0)})
    with pytest.raises(ModelError, match="2 biases for 3 classes"):
        Network(raw_network(card))


def test_a_model_of_another_kind(raw_network):
    with pytest.raises(ModelError, match="enhancer"):
        Network(raw_network(CARD.model_copy(update={"kind": "enhancer"})))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ("a", "b")}, r"logits of shape \[3\], but its card says \[2\]"),
        ({"preprocess": Preprocess(size_px=16)}, r"faces of shape \[3, 8, 8\], but its card says \[3, 16, 16\]"),
    ],
)
def test_a_card_of_another_network(raw_network, change, message):
    with pytest.raises(ModelError, match=message):
        Network(raw_network(CARD.model_copy(update=change)))


def test_a_fixed_number_of_faces(raw_network):
    with pytest.raises(ModelError, match="takes 1 faces per run"):
        Network(raw_network(CARD, [1, 3, 8, 8]))


def test_for_runs_beside_each_other_it_is_the_same_with_one_thread(colours, monkeypatch):
    one, more = Network(colours(), threads=1), Network(colours(), threads=3)
    assert one.single_threaded is one
    assert more.single_threaded is more.single_threaded
    assert more.single_threaded is not more
    assert more.single_threaded.digest == more.digest
    face = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    assert more.single_threaded.logits([face]).tobytes() == more.logits([face]).tobytes()
    other = Network(colours())
    monkeypatch.setattr(Network, "is_on_cpu", False)  # a device divides its work by itself
    assert other.single_threaded is other
