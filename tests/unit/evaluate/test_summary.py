"""What people read: the numbers are there, and what is undefined is a dash."""

import numpy as np

from mien.evaluate.evaluation import Evaluation
from mien.evaluate.summary import to_text
from mien.labels import Labels
from mien.scores import Scores

ABC = Labels(("a", "b", "c"))


def evaluation_of(**about) -> Evaluation:
    # a: 2 of 3 right, one called b. b: 1 of 1. c: never seen, never the answer.
    logits = np.eye(3, dtype=np.float32)[[0, 0, 1, 1]]
    votes = np.array([[5, 0, 0], [5, 0, 0], [5, 0, 0], [1, 4, 0]], np.float32)
    ids = np.array(["0.png", "1.png", "2.png", "3.png"])
    return Evaluation.of(Scores(logits, np.array([0, 0, 0, 1]), ABC, ids, votes=votes, model="net 1234", about=about))


def line(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_the_numbers():
    text = to_text(evaluation_of(split="val", ms_per_face=1.25))
    assert text.startswith("net 1234 on val: 4 pictures, 3 classes, 1.2 ms per face")
    assert line(text, "accuracy").split()[1] == "75.0%"
    assert "(25.0 to 100.0)" in line(text, "accuracy")
    assert line(text, "balanced accuracy").split()[2] == "83.3%"
    assert line(text, "majority of votes").split()[3:] == ["75.0%", "(of", "4)"]
    assert line(text, "a  ").split()[:5] == ["a", "3", "100.0%", "66.7%", "80.0%"]
    assert line(text, "c  ").split() == ["c", "0", "–", "–", "–", "–", "–"]
    assert "! No picture of c: left out of every mean over classes." in text


def test_both_parts_stand_side_by_side():
    text = to_text(evaluation_of(leaked={"from": "train", "ids": ["0.png", "1.png"]}))
    assert "without leaks from train" in text
    numbers = [word for word in line(text, "accuracy").split() if word.endswith("%")]
    assert numbers == ["75.0%", "50.0%"]
    assert "! 2 pictures are in train as well." in text


def test_misses_have_their_own_line():
    problems = [{"row": 5, "image": "4.png", "kind": "no face", "label": "a", "reason": "no face found"}] * 2
    text = to_text(evaluation_of(detector="yunet", problems=problems, rows=6))
    assert line(text, "accuracy, no face = wrong").split()[-1] == "50.0%"
    assert "accuracy, no face" not in to_text(evaluation_of(detector="whole"))
