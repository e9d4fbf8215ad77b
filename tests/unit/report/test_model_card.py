"""Model cards: measured numbers as they are, and the rest named as missing."""

import re

from mien.report.enhancer_card import enhancer_card
from mien.report.generator_card import generator_card
from mien.report.model_card import model_card
from mien.runtime.network import Network
from mien.runtime.session import Opened


def test_measured_numbers(colours):
    recipe = {"data": {"train": "train", "val": "val", "targets": "votes"}}
    metrics = {
        "selection": {"split": "val", "rule": "best", "accuracy": 0.5},
        "test": {
            "rows": 1234, "accuracy": 0.6789, "balanced_accuracy": 0.5, "macro_f1": None, "date": "2026-01-02",
            "intervals": {"accuracy": {"low": 0.65, "high": 0.7, "level": 0.95}},
            "without_leaks": {"leaked": 7, "rows": 1227, "accuracy": 0.66},
        },
        "calibration": {"method": "temperature", "after": {"ece": 0.02}},
    }  # fmt: skip
    path = colours(
        description="Colours.", recipe=recipe, metrics=metrics, biases=(0.5, 0.0, -0.25), temperature=1.5,
        data={"digest": "abc", "rows": {"train": 9000}}, licence="MIT", data_licence="CC0",
    )  # fmt: skip
    text = model_card(Network(path))
    assert "| test | 1,234 | 67.9 % (65.0 to 70.0) | 50.0 % | not measured | 2026-01-02 |" in text
    assert "| test, without 7 leaked | 1,227 | 66.0 % | not measured | not measured | 2026-01-02 |" in text
    assert "by the split `val` (rule: best): accuracy 50.0 %" in text
    assert "angry +0.500, happy +0.000, sad -0.250" in text
    assert "| temperature | 1.5 |" in text
    assert "* after, ece: 0.02" in text
    assert "shares of people's votes" in text
    assert "| licence of the data | CC0 |" in text
    assert "**unseen pictures**" not in text
    assert "**calibration**: whether" not in text
    assert "**robustness**" in text


def test_what_a_model_began_with_is_said(colours):
    begun = [{"name": "first", "data_licence": "CC-BY"}, {"name": "best.pt"}]
    text = model_card(Network(colours(data={"begun_with": begun})))
    assert "| began with | first, which learned from other data (CC-BY) |" in text
    assert "| began with | best.pt, which learned from other data (not stated in the model file) |" in text


def test_nothing_is_made_up(colours):
    text = model_card(Network(colours()))
    assert "On a split of its own: not measured" in text
    assert "**unseen pictures**" in text
    assert "**calibration**: whether" in text
    assert text.count("not stated in the model file") >= 6
    assert "| licence of the data | unknown |" in text
    assert not re.search(r"\d %", text)
    assert "Not for" in text


def test_tables_stay_tables(colours):
    text = model_card(Network(colours(description="a | b", licence="MIT | Apache")))
    assert "| licence of the weights | MIT \\| Apache |" in text


def test_the_card_of_an_enhancer():
    opened = Opened("subpixel")
    text = enhancer_card(opened)
    assert text.startswith("# Model card: subpixel\n")
    for part in ("4 times", "not evidence", opened.digest, "PSNR of bicubic interpolation", "which chose the epoch"):
        assert part in text
    assert "perceived expression" not in text


def test_the_card_of_a_generator(generator_file):
    text = generator_card(Opened(generator_file(), threads=1))
    assert text.startswith("# Model card: ")
    for part in ("faces of nobody", "near-copies", "Not measured.", "sha256"):
        assert part in text
