"""``mien predict``: what goes in, what comes out, and what happens to pictures that cannot be answered."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from mien.cli import predict as command
from mien.images import read, write

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def plain(colour, side=24):
    return np.full((side, side, 3), colour, np.uint8)


@pytest.fixture
def folder(tmp_path, portrait, colours):
    """Two good photographs among everything that may be in a folder; and a model beside it."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    content = portrait.read_bytes()
    (pictures / "a.jpg").write_bytes(content)
    (pictures / "cut.jpg").write_bytes(content[: len(content) // 2])
    (pictures / "empty.png").touch()
    Image.new("1", (20_000, 20_000)).save(pictures / "huge.png")
    write(pictures / "no face.png", plain((90, 90, 90), 200))
    (pictures / "notes.txt").write_text("not a picture, and not named like one")
    (pictures / "text.jpg").write_text("hello")
    (pictures / "z.jpg").write_bytes(content)
    colours()
    return pictures


ORDER = ["a.jpg", "cut.jpg", "empty.png", "huge.png", "no face.png", "text.jpg", "z.jpg"]
REASONS = [None, "damaged", "empty", "too many pixels", "no face found", "not a picture", None]


def test_a_folder_with_everything_in_it(mien, folder):
    done = mien("predict", "pictures", "--model", "colours.onnx", "--json")
    assert (done.code, done.err) == (0, "")
    pictures = json.loads(done.out)["pictures"]
    assert [picture["source"] for picture in pictures] == [f"pictures/{name}" for name in ORDER]
    for picture, reason in zip(pictures, REASONS, strict=True):
        assert (picture["reason"] is None) == (reason is None)
        assert reason is None or reason in picture["reason"]
        assert len(picture["faces"]) == (reason is None)


def test_the_table_has_rows_with_reasons(mien, folder):
    done = mien("predict", "pictures", "--model", "colours.onnx")
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line[: len(name)] for line, name in zip(lines[1:], ORDER, strict=False)] == ORDER
    assert ["no answer" in line for line in lines[1:8]] == [reason is not None for reason in REASONS]
    assert "no face.png: no face found (is the picture one face? then: --detector whole)" in done.out
    assert "7 pictures, 2 faces, 5 without an answer" in done.out
    assert all(name in lines[0] for name in ("perceived", "angry", "happy", "sad"))


def test_files_of_all_kinds(mien, folder, tmp_path):
    for name in ("out/answers.json", "answers.jsonl", "answers.csv"):
        done = mien("predict", "pictures", "--model", "colours.onnx", "--output", name)
        assert done.code == 0
        assert f"written: {name}" in done.out
    whole = json.loads((tmp_path / "out/answers.json").read_text())
    assert (whole["model"], whole["labels"]) == (["colours"], ["angry", "happy", "sad"])
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert lines == whole["pictures"]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "answers.csv").read_text())))
    assert [row["source"] for row in rows] == [f"pictures/{name}" for name in ORDER]
    assert [bool(row["reason"]) for row in rows] == [reason is not None for reason in REASONS]
    found = lines[0]["faces"][0]["expression"]
    assert float(rows[0]["happy"]) == found["probabilities"]["happy"]
    assert (rows[0]["label"], rows[0]["face"]) == (found["label"], "1")


def test_annotated_pictures(mien, folder, tmp_path):
    (folder / "more").mkdir()
    (folder / "more" / "a.jpg").write_bytes((folder / "a.jpg").read_bytes())
    done = mien("predict", "pictures", "--model", "colours.onnx", "--annotated", "drawn")
    assert done.code == 0
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == [
        "a-2.jpg", "a.jpg", "no face.jpg", "z.jpg",
    ]  # fmt: skip
    before, after = read(folder / "a.jpg"), read(tmp_path / "drawn" / "a.jpg")
    assert before.shape == after.shape
    assert np.abs(before.astype(int) - after).max() > 100


def test_one_annotated_file(mien, folder, tmp_path):
    done = mien("predict", "pictures/a.jpg", "--model", "colours.onnx", "--annotated", "one.png")
    assert done.code == 0
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    done = mien("predict", "pictures", "--model", "colours.onnx", "--annotated", "one.png")
    assert (done.code, done.err) == (2, "mien: --annotated one.png: one file for 7 pictures; give a folder\n")


def test_pictures_folders_and_patterns_each_once(mien, colours, tmp_path):
    for name in ("faces/1.png", "faces/2.png", "faces/deep/3.png", "[4].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        write(tmp_path / name, plain(RED))
    answers = mien(
        "predict", "faces/2.png", "faces/*.png", "faces", "[4].png", "faces/**/3*", "--model", colours(),
        "--detector", "whole", "--json",
    )  # fmt: skip
    assert answers.code == 0, answers.err
    named = [picture["source"] for picture in json.loads(answers.out)["pictures"]]
    assert named == ["faces/2.png", "faces/1.png", "faces/deep/3.png", "[4].png"]


@pytest.mark.parametrize(("name", "message"), [("nothing/", "without pictures"), ("*.jpeg", "matches no file")])
def test_nothing_to_read(mien, colours, tmp_path, name, message):
    (tmp_path / "nothing").mkdir()
    done = mien("predict", name, "--model", colours())
    assert done.code == 2
    assert message in done.err


def test_nothing_that_could_be_read(mien, folder):
    done = mien("predict", "pictures/none.jpg", "pictures/text.jpg", "--model", "colours.onnx")
    assert done.code == 2
    assert "no such file" in done.out
    assert mien("predict", "pictures/no face.png", "--model", "colours.onnx").code == 0
    assert mien("predict", "pictures/none.jpg", "pictures/a.jpg", "--model", "colours.onnx").code == 0


def test_options_reach_the_recognizer(mien, colours, tmp_path):
    face = np.concatenate([plain(RED, 24)[:, :12], plain(BLUE, 24)[:, :12]], axis=1)
    write(tmp_path / "face.png", face)
    base = ("predict", "face.png", "--model", colours("a.onnx"), "--detector", "whole", "--json")

    def shares(*more):
        (picture,) = json.loads(mien(*base, *more).out)["pictures"]
        return picture["faces"][0]["expression"]

    sure = np.exp(4) / (np.exp(4) + 2)
    assert shares()["probabilities"]["angry"] == pytest.approx(sure, abs=1e-5)
    assert shares("--flip")["probabilities"]["angry"] == pytest.approx(np.exp(2) / (2 * np.exp(2) + 1), abs=1e-5)
    assert list(shares("--labels", "basic4")["probabilities"]) == ["angry", "happy", "sad", "neutral"]
    assert (shares("--threshold", "0.99")["abstained"], shares("--threshold", "0.5")["abstained"]) == (True, False)
    other = colours("b.onnx", classes=("sad", "happy", "angry"))
    assert shares("--model", other, "--threads", "1", "--batch-size", "1")["probabilities"]["sad"] == pytest.approx(
        (sure + (1 - sure) / 2) / 2, abs=1e-5
    )


def test_the_prior_is_a_choice_and_is_told(mien, colours, tmp_path):
    for number, colour in enumerate([RED, BLUE, BLUE]):
        write(tmp_path / f"{number}.png", plain(colour))
    base = ("predict", ".", "--detector", "whole", "--model", colours(prior=(0.6, 0.3, 0.1)))
    shares = {"angry": 0.6, "happy": 0.3, "sad": 0.1}
    assert json.loads(mien(*base, "--json").out)["prior"] == {"choice": "training", "shares": shares}
    assert "prior" not in mien(*base).out
    found = json.loads(mien(*base, "--prior", "uniform", "--json").out)
    assert found["prior"] == {"choice": "uniform", "shares": dict.fromkeys(shares, 0.333333)}
    odds = np.exp([4, 0, 0]) / [0.6, 0.3, 0.1]
    first = found["pictures"][0]["faces"][0]["expression"]["probabilities"]
    assert list(first.values()) == pytest.approx(odds / odds.sum(), abs=1e-5)
    assert "prior uniform: the answers are those for equally frequent classes" in mien(*base, "--prior", "uniform").out
    done = mien(*base, "--prior", "auto", "--output", "answers.json", "--annotated", "drawn")
    assert (
        "prior auto: shares estimated from 3 faces (with 10 more as in training: so few faces say little): " in done.out
    )
    assert len(list((tmp_path / "drawn").iterdir())) == 3
    estimated = json.loads((tmp_path / "answers.json").read_text())["prior"]["shares"]
    assert 0.1 < estimated["sad"] < 0.6
    assert sum(estimated.values()) == pytest.approx(1, abs=1e-5)


def test_a_prior_that_cannot_be_had(mien, colours, tmp_path, clip):
    write(tmp_path / "face.png", plain(GREEN))
    done = mien("predict", "face.png", "--model", colours("bare.onnx"), "--prior", "uniform")
    assert done.code == 2
    assert "bare: its card does not say which shares" in done.err
    told = colours("told.onnx", prior=(0.6, 0.3, 0.1))
    done = mien("predict", clip().name, "--model", told, "--prior", "auto")
    assert done.code == 2
    assert "--prior auto: clip.mp4 is a video" in done.err
    done = mien("predict", "face.png", "--model", told, "--prior", "auto", "--bias", "sad=2")
    assert "give one of them" in done.err


def test_only_the_likeliest(mien, colours, tmp_path):
    write(tmp_path / "face.png", plain(GREEN))
    done = mien("predict", "face.png", "--model", colours(), "--detector", "whole", "--top", "2", "--threshold", "1")
    assert "happy 96%  angry 2%" in done.out
    assert "(happy?)" in done.out
    assert "sad" not in done.out


def test_a_long_table_ends(mien, colours, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "SHOWN", 5)
    for number in range(12):
        write(tmp_path / f"{number:02}.png", plain(RED))
    done = mien("predict", ".", "--model", colours(), "--detector", "whole")
    assert done.out.count("angry") == 5 + 1  # and once in the head
    assert "the first 5 of 12 faces" in done.out
    assert "12 pictures, 12 faces" in done.out


def test_a_narrow_terminal_keeps_every_class(mien, colours, tmp_path, monkeypatch):
    write(tmp_path / "face.png", plain(GREEN))
    monkeypatch.setenv("COLUMNS", "50")
    done = mien("predict", "face.png", "--model", colours(), "--detector", "whole")
    assert all(name in done.out.splitlines()[0] for name in ("angr", "happ", "sad"))
    assert all(len(line) <= 50 for line in done.out.splitlines()[:2])


def test_names_with_brackets_are_shown_as_they_are(mien, colours, tmp_path):
    (tmp_path / "a[").mkdir()
    for name in ("[old].png", "a[/b].png"):
        write(tmp_path / name, plain(RED))
    done = mien(
        "predict", "[old].png", "a[/b].png", "--model", colours(), "--detector", "whole", "--output", "[new].json"
    )
    assert done.code == 0
    assert all(name in done.out for name in ("[old].png", "a[/b].png", "written: [new].json"))


def test_a_wrong_name_for_the_output(mien, portrait):
    done = mien("predict", portrait, "--output", "answers.xlsx")
    assert (done.code, done.err) == (2, "mien: --output answers.xlsx: the name must end with .json, .jsonl or .csv\n")
