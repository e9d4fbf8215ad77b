"""Comparisons: by hand, against scikit-learn, and what is said of them."""

import json
from itertools import pairwise

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score, recall_score

from mien.errors import InputError
from mien.evaluate.compare import compare
from mien.evaluate.compare_summary import summary, verdict
from mien.evaluate.paired import Arm
from mien.evaluate.permutation import holm
from mien.evaluate.significance import mcnemar
from mien.labels import Labels
from mien.scores import Scores

ABC = Labels(("a", "b", "c"))
TRUTH = np.random.default_rng(0).integers(0, 3, 600)


def answers(seed, right) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.where(generator.random(600) < right, TRUTH, (TRUTH + generator.integers(1, 3, 600)) % 3)


def arm(name, *runs, seconds=None, **more) -> Arm:
    ids = np.array([f"{row}.png" for row in range(600)])
    scores = [Scores(2 * np.eye(3, dtype=np.float32)[each], TRUTH, ABC, ids, **more) for each in runs]
    return Arm(name, tuple(scores), seconds)


def text_of(found) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(summary(found), highlight=False)
    return capture.get()


def test_numbers_of_two_models():
    old, new = answers(1, 0.6), answers(2, 0.8)
    found = compare([arm("old", old), arm("new", new)], draws=300)
    (pair,) = found.pairs
    for name, own, standing in zip(("old", "new"), (old, new), found.arms, strict=True):
        assert standing.name == name
        assert standing.numbers["accuracy"].value == pytest.approx((own == TRUTH).mean())
        assert standing.numbers["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(TRUTH, own))
        assert standing.numbers["macro_f1"].value == pytest.approx(f1_score(TRUTH, own, average="macro"))
        np.testing.assert_allclose(standing.recall, recall_score(TRUTH, own, average=None))
        percent = 100 * confusion_matrix(TRUTH, own, normalize="true")
        np.testing.assert_allclose(standing.confusion_percent, percent)
    np.testing.assert_allclose(pair.confusion_points.sum(axis=1), 0, atol=1e-9)
    assert pair.only_first == ((old == TRUTH) & (new != TRUTH)).sum()
    assert pair.only_second == ((new == TRUTH) & (old != TRUTH)).sum()
    assert pair.p_value == pair.adjusted == mcnemar(pair.only_first, pair.only_second)
    assert pair.better == "new"
    gap = pair.differences["accuracy"]
    assert gap.value == pytest.approx((pair.only_second - pair.only_first) / 600)
    assert gap.low < gap.value < gap.high
    expected = f1_score(TRUTH, new, average=None) - f1_score(TRUTH, old, average=None)
    assert [pair.f1[name].value for name in ABC] == pytest.approx(expected)


def test_the_interval_of_a_difference_is_that_of_pairs():
    """The spread of a difference follows from the rows that only one has right, and not from each model's own."""
    old = answers(1, 0.7)
    new = np.where(np.arange(600) < 30, TRUTH, old)
    gap = compare([arm("old", old), arm("new", new)], draws=4000).pairs[0].differences["accuracy"]
    gained = (new == TRUTH).astype(float) - (old == TRUTH)
    half = 1.96 * gained.std() / np.sqrt(600)
    assert (gap.low, gap.high) == pytest.approx((gap.value - half, gap.value + half), abs=0.003)


def test_no_difference_shown():
    found = compare([arm("old", answers(1, 0.7)), arm("new", answers(2, 0.7))], draws=300)
    assert found.pairs[0].better is None
    text = text_of(found)
    assert "new against old: no difference shown" in text
    assert "points cannot be seen here" in text
    assert "is better than" not in text
    assert "this compares these files. Whether a recipe is better only several seeds tell." in text


def test_the_better_one_is_named_whichever_comes_first():
    good, bad = arm("good", answers(1, 0.9)), arm("bad", answers(2, 0.5))
    sentences = [verdict(compare(each, draws=200).pairs[0]) for each in ([good, bad], [bad, good])]
    for sentence in sentences:
        assert sentence.startswith("good is better than bad: +")
        assert "p <0.001" in sentence


def test_a_model_and_itself():
    found = compare([arm("one", answers(1, 0.7)), arm("two", answers(1, 0.7))], draws=50)
    assert found.pairs[0].p_value == 1
    sentence = verdict(found.pairs[0])
    assert "no difference shown (+0.0 (0.0 to 0.0) points of accuracy, p 1.000; 0 pictures only two" in sentence
    assert "cannot be seen" not in sentence
    assert "answers that changed" not in text_of(found)


def test_several_pairs_are_adjusted():
    arms = [arm(name, answers(seed, right)) for name, seed, right in (("a", 1, 0.6), ("b", 2, 0.66), ("c", 3, 0.7))]
    found = compare(arms, draws=50)
    assert [(each.first, each.second) for each in found.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    expected = holm(np.array([each.p_value for each in found.pairs]))
    assert [each.adjusted for each in found.pairs] == pytest.approx(expected.tolist())
    assert all(each.adjusted >= each.p_value for each in found.pairs)
    assert any(each.adjusted > each.p_value for each in found.pairs)
    assert "adjusted for the number of pairs (Holm)" in text_of(found)


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])


def test_several_trainings():
    runs = [answers(seed, right) for seed, right in ((1, 0.60), (2, 0.62), (3, 0.61))]
    more = [answers(seed, right) for seed, right in ((4, 0.80), (5, 0.82), (6, 0.81))]
    found = compare([arm("old", *runs, seconds=60.0), arm("new", *more)], draws=200)
    old, new = found.arms
    shares = [(each == TRUTH).mean() for each in runs]
    assert (old.runs, new.runs) == (3, 3)
    assert old.numbers["accuracy"].value == pytest.approx(np.mean(shares))
    assert old.spread["accuracy"] == pytest.approx(np.std(shares, ddof=1))
    assert (old.train_seconds, new.train_seconds) == (60.0, None)
    assert found.pairs[0].only_first is None
    assert found.pairs[0].p_value == found.pairs[0].differences["accuracy"].p_value
    assert found.pairs[0].better == "new"
    assert found.test == "Welch's t over pictures and trainings"
    assert not any("training" in note for note in found.notes)
    text = text_of(found)
    assert "accuracy varies between them by" in text
    assert "60 s" in text


def test_one_training_against_several_is_told():
    found = compare([arm("old", answers(1, 0.6), answers(2, 0.6)), arm("new", answers(3, 0.7))], draws=50)
    assert found.notes == ("new: one training only; taken to vary as much as those on the other side.",)
    assert "McNemar" in found.test


def test_by_person_there_is_less_to_go_by():
    """Six persons: that the second is right 100 times more often is little evidence."""
    subjects = np.repeat([f"p{number}" for number in range(6)], 100)
    old = np.where(np.arange(600) < 500, TRUTH, (TRUTH + 1) % 3)
    arms = [arm("old", old, subjects=subjects), arm("new", TRUTH, subjects=subjects)]
    assert compare(arms, draws=200).pairs[0].better == "new"
    found = compare(arms, draws=200, by_subject=True)
    assert found.pairs[0].p_value > 0.9  # one person differs: heads or tails
    assert found.pairs[0].differences["accuracy"].low == 0
    assert "whole persons" in found.test


def test_json_holds_no_nan():
    labels = Labels(("a", "b", "c", "d"))
    ids = np.array([f"{row}.png" for row in range(600)])
    logits = [np.eye(4, dtype=np.float32)[answers(seed, 0.7)] for seed in (1, 2)]
    one, two = (Arm(str(number), (Scores(each, TRUTH, labels, ids),)) for number, each in enumerate(logits))
    content = json.loads(json.dumps(compare([one, two], draws=50).to_dict(), allow_nan=False))
    assert content["classes"]["d"] == 0
    assert content["arms"][0]["recall"]["d"] is None
    assert content["arms"][0]["confusion_percent"][3] == [None] * 4
    assert "d" not in content["pairs"][0]["recall"]
    assert content["pairs"][0]["better"] is None
    assert content["arms"][0]["spread"]["accuracy"] is None


def test_costs_and_what_flatters():
    made = {"digest": "d1", "train": "train", "val": "val"}
    about = {"manifest": "d1", "split": "val", "made_from": made, "ms_per_face": 2.5, "model_bytes": 3_000_000}
    old, new = arm("old", answers(1, 0.7), about=about), arm("new", answers(2, 0.7))
    found = compare([old, new], draws=50)
    assert (found.arms[0].ms_per_face, found.arms[0].model_bytes, found.arms[1].model_bytes) == (2.5, 3_000_000, None)
    assert "old: chosen on this split; the others were not, so far as is known" in found.notes[0]
    assert "2.50" in text_of(found)
    assert "3.0 MB" in text_of(found)
    both = compare([old, arm("new", answers(2, 0.7), about=about)], draws=50)
    assert both.notes[0] == "old, new: chosen on this split; the numbers flatter."


def test_what_changed_is_ordered_by_pictures():
    found = compare([arm("old", answers(1, 0.5)), arm("new", answers(2, 0.8))], draws=50)
    block = text_of(found).split("answers that changed most, in points of the label\n")[1].split("\n\n")[0]
    counts = [int(line.split("(")[1].split()[0]) for line in block.splitlines()]
    assert all(first >= second for first, second in pairwise(counts))
    assert "found: +" in block


def test_too_little_to_compare():
    with pytest.raises(InputError, match="needs two models"):
        compare([arm("old", answers(1, 0.7))])
    with pytest.raises(InputError, match="1 draws: an interval needs at least 2"):
        compare([arm("old", answers(1, 0.7)), arm("new", answers(2, 0.7))], draws=1)
