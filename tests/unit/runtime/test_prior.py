"""Answers for other shares of the classes; the numbers are Bayes' rule by hand."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.runtime import prior
from mien.runtime.recognizer import Recognizer
from mien.runtime.video import Follower

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
#: Between red (angry) and blue (sad): their logits are equal.
PURPLE = (128, 0, 128)
SHARES = (0.6, 0.3, 0.1)


def plain(colour):
    return np.full((8, 8, 3), colour, np.uint8)


def softmax(*logits):
    return np.exp(logits) / np.exp(logits).sum()


def test_without_a_wish_the_prior_of_the_card_changes_nothing(colours):
    bare, told = (
        Recognizer(colours(f"{name}.onnx", prior=given), threads=1) for name, given in (("a", ()), ("b", SHARES))
    )
    assert told.probabilities([plain(BLUE)]) == pytest.approx(bare.probabilities([plain(BLUE)]))
    assert bare.shares is None
    assert told.shares == pytest.approx(SHARES)


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_uniform_divides_by_the_shares_of_training_and_sets_the_biases_of_the_card_aside(colours, temperature):
    model = colours(prior=SHARES, temperature=temperature, biases=(9.0, 0.0, 0.0))
    (found,) = Recognizer(model, threads=1, prior="uniform").probabilities([plain(PURPLE)])
    expected = softmax(*np.array([4 * 128 / 255, 0, 4 * 128 / 255]) / temperature) / SHARES
    assert found == pytest.approx(expected / expected.sum(), abs=1e-5)


def test_uniform_of_several_models_each_with_its_own_shares_and_classes(colours):
    first = colours("a.onnx", prior=SHARES)
    second = colours("b.onnx", classes=("sad", "happy", "angry"), prior=(0.2, 0.2, 0.6))
    recognizer = Recognizer([first, second], threads=1, prior="uniform")
    (found,) = recognizer.probabilities([plain(RED)])
    one, other = softmax(4, 0, 0) / SHARES, (softmax(4, 0, 0) / (0.2, 0.2, 0.6))[::-1]
    assert found == pytest.approx((one / one.sum() + other / other.sum()) / 2, abs=1e-5)
    assert Recognizer([first, second], threads=1).shares == pytest.approx([0.6, 0.25, 0.15], abs=1e-6)


def test_auto_is_bayes_rule_for_the_shares_where_estimate_and_answers_agree(colours):
    recognizer = Recognizer(colours(prior=SHARES), detector="whole", threads=1, prior="auto")
    assert recognizer.shares is None
    faces = [plain(PURPLE)] * 3 + [plain(BLUE)] * 40
    rows = recognizer.probabilities(faces)
    shares = recognizer.shares
    # a fixed point: the mean answer, with ten faces more in the shares of training, is the estimate itself
    assert (rows.sum(axis=0) + prior.FACES * np.array(SHARES)) / (len(faces) + prior.FACES) == pytest.approx(
        shares, abs=1e-5
    )
    even = softmax(4 * 128 / 255, 0, 4 * 128 / 255) / SHARES
    expected = even * shares
    assert rows[0] == pytest.approx(expected / expected.sum(), abs=1e-5)
    assert shares[2] > 0.6
    # and pictures give the same, in their order, when all were seen
    answers = list(recognizer.stream(iter(faces)))
    assert [answer.source for answer in answers[:2]] == ["picture 1", "picture 2"]
    found = np.array([answer.readings[0].prediction.probabilities for answer in answers])
    assert found == pytest.approx(rows, abs=1e-6)


def test_auto_with_few_faces_or_none_stays_near_training(colours):
    recognizer = Recognizer(colours(prior=SHARES), detector="whole", threads=1, prior="auto")
    assert recognizer.classify([]) == []
    assert recognizer.shares == pytest.approx(SHARES)
    recognizer.read(plain(BLUE))
    assert recognizer.shares == pytest.approx(SHARES, abs=0.1)


def test_auto_over_fewer_classes(colours):
    model = colours(classes=("happy", "contempt", "angry"), prior=(0.5, 0.4, 0.1))
    recognizer = Recognizer(model, threads=1, labels="fer7", prior="auto")
    recognizer.probabilities([plain(BLUE)] * 200)
    named = dict(zip(recognizer.labels, recognizer.shares, strict=True))
    assert named["angry"] > 0.9
    assert named["happy"] + named["angry"] == pytest.approx(1)
    assert "contempt" not in named


def test_a_class_that_training_never_showed_is_not_answered_out_of_nothing(colours):
    found = Recognizer(colours(prior=(0.8, 0.2, 0.0)), threads=1, prior="uniform").probabilities([plain(RED)])
    expected = softmax(4, 0, 0) / (0.8, 0.2, 0.2)
    assert found[0] == pytest.approx(expected / expected.sum(), abs=1e-5)


def test_what_cannot_be_had_is_said(colours):
    model = colours("mine.onnx")
    with pytest.raises(InputError, match=r"mine: its card does not say.*`mien export MODEL --prior FACES\.csv"):
        Recognizer(model, prior="uniform")
    with pytest.raises(InputError, match=r"prior 'unform'.*uniform"):
        Recognizer(model, prior="unform")
    told = colours("told.onnx", prior=SHARES)
    with pytest.raises(InputError, match="give one of them"):
        Recognizer(told, prior="auto", biases={"angry": 2})
    with pytest.raises(InputError, match="frames are answered as they come"):
        Follower(Recognizer(told, prior="auto"))
    assert Follower(Recognizer(told, prior="uniform", threads=1), smooth_s=0).recognizer.prior == "uniform"


def test_the_estimate_agrees_with_a_search_for_the_likeliest_shares():
    generator = np.random.default_rng(1)
    rows = generator.dirichlet((0.6, 0.5, 0.4), 50)
    trained = np.array([0.5, 0.3, 0.2])
    found = prior.estimate(rows, trained, trained, 10)

    def likelihood(shares):
        return np.log((rows * shares / trained).sum(axis=1)).sum() + 10 * (trained * np.log(shares)).sum()

    near = generator.dirichlet(300 * found, 500)
    assert likelihood(found) >= max(map(likelihood, near))
    assert found == pytest.approx(max(near, key=likelihood), abs=0.03)
    assert prior.estimate(np.empty((0, 3)), trained) == pytest.approx(trained)
