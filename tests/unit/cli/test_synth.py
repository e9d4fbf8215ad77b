"""``mien synth``: drawing and mixing from a shell."""

import json

import pytest

from mien.data.toy import draw
from mien.images import read
from mien.labels import Labels
from mien.manifest import Manifest
from mien.provenance import is_synthetic


@pytest.fixture
def real(tmp_path):
    """60 drawn faces of fear and happy, with splits."""
    labels = Labels(("fear", "happy", "neutral"))
    manifest = draw(tmp_path / "toy", 60, labels=labels, subjects=5, shares=[1, 4, 1])
    manifest.with_columns(split=["train"] * 50 + ["val"] * 10, origin="real").save(tmp_path / "toy/faces.csv")
    return tmp_path / "toy/faces.csv"


def test_sample(mien, generator_file, tmp_path):
    model = generator_file()
    done = mien(
        "synth", "sample", "--model", model, "--class", "fear=5", "--class", "Happiness=2", "--truncation", "0.7",
        "--seed", "1", "--out", "drawn", "--sheet", "sheet.png",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert "7 pictures of faces" in done.out
    assert "written: drawn/manifest.csv" in done.out
    made = Manifest.load(tmp_path / "drawn/manifest.csv")
    assert made.frame["label"].value_counts().to_dict() == {"fear": 5, "happy": 2}
    assert set(made.frame["truncation"]) == {0.7}
    assert all(map(is_synthetic, [*made.paths(), tmp_path / "sheet.png"]))
    assert read(tmp_path / "sheet.png").shape[0] > 100


def test_json_and_going_on(mien, generator_file, tmp_path):
    command = ["synth", "sample", "--model", generator_file(), "--all", "4", "--out", "drawn", "--json"]
    first = json.loads(mien(*command).out)
    assert (first["pictures"], first["drawn"]) == (12, 12)
    assert first["classes"] == {"fear": 4, "happy": 4, "neutral": 4}
    (tmp_path / "drawn/fear/000003.png").unlink()
    assert json.loads(mien(*command).out)["drawn"] == 1
    done = mien(*command, "--seed", "2")
    assert done.code == 2
    assert "holds other faces (seed is 0, asked for is 2)" in done.err
    assert json.loads(mien(*command, "--seed", "2", "--fresh").out)["drawn"] == 12


def test_a_plan(mien, generator_file, tmp_path):
    generator_file()
    (tmp_path / "plan.yaml").write_text(
        "{model: faces.onnx, each: 3, classes: {neutral: 0}, split: test, domain: made}"
    )
    assert mien("synth", "sample", "plan.yaml", "--out", "drawn").code == 0
    frame = Manifest.load(tmp_path / "drawn/manifest.csv").frame
    assert frame["label"].value_counts().to_dict() == {"fear": 3, "happy": 3}
    assert (set(frame["split"]), set(frame["domain"])) == ({"test"}, {"made"})
    (tmp_path / "bad.yaml").write_text("{model: faces.onnx, eech: 3, classes: {neutrl: 1}}")
    done = mien("synth", "sample", "bad.yaml", "--out", "drawn")
    assert done.code == 2
    assert "bad.yaml: 2 mistakes" in done.err
    assert "did you mean 'each'" in done.err
    assert "did you mean 'neutral'" in done.err


def test_without_classes(mien, generator_file):
    done = mien("synth", "sample", "--model", generator_file(classes=()), "--count", "3", "--out", "drawn", "--json")
    assert json.loads(done.out)["classes"] == {"": 3}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "asks for no picture"),
        (["--model", "faces.onnx"], "asks for no picture"),
        (["--model", "faces.onnx", "--class", "fear"], "--class fear: expected a class and how many"),
        (["--model", "faces.onnx", "--class", "fear=2", "--class", "fear=3"], "fear is there twice"),
        (["--model", "faces.onnx", "--each", "2", "--sheet", "sheet.jpg"], "--output sheet.jpg"),
        (["--model", "default", "--each", "2"], "kind recognizer; a generator is needed"),
        (
            ["--model", "faces.onnx", "--each", "2", "--truncation", "9"],
            "truncation: Input should be less than or equal",
        ),
    ],
)
def test_mistakes_are_told_in_a_line(mien, generator_file, options, expected):
    generator_file()
    done = mien("synth", "sample", "--out", "drawn", *options)
    assert done.code == 2
    assert expected in done.err


def test_mix(mien, generator_file, real, tmp_path):
    mien("synth", "sample", "--model", generator_file(), "--each", "60", "--out", "drawn")
    before = real.read_bytes()
    done = mien("synth", "mix", real, "drawn/manifest.csv", "--share", "0.5", "--out", "mixed.csv")
    assert (done.code, done.err) == (0, "")
    assert "written: mixed.csv; 50 synthetic pictures, 50.0% of train" in done.out
    mixed = Manifest.load(tmp_path / "mixed.csv")
    mixed.check_files()
    assert mixed.frame.groupby(["split", "origin"]).size().to_dict() == {
        ("train", "real"): 50, ("train", "synthetic"): 50, ("val", "real"): 10
    }  # fmt: skip
    done = mien("synth", "mix", real, "drawn/manifest.csv", "--balance", "--cap", "20", "--out", "b.csv", "--json")
    counts = json.loads(done.out)["classes"]
    assert all(of_class["after"] == max(20, of_class["before"]) for of_class in counts.values())
    assert real.read_bytes() == before
    done = mien("synth", "mix", real, "drawn/manifest.csv", "--share", "0.9", "--out", "c.csv")
    assert (done.code, (tmp_path / "c.csv").exists()) == (2, False)
    assert "450 synthetic pictures are needed beside 50 others, there are 180" in done.err
    done = mien("synth", "mix", real, "drawn/manifest.csv", "--share", "0.5", "--out", real)
    assert (done.code, real.read_bytes()) == (2, before)


def test_scan_believes_what_files_say(mien, generator_file, tmp_path):
    mien("synth", "sample", "--model", generator_file(), "--each", "3", "--out", "drawn")
    done = mien("data", "scan", "drawn", "--out", "scanned.csv")
    assert done.code == 0
    assert "9 pictures say in their metadata that they are synthetic" in done.err
    assert set(Manifest.load(tmp_path / "scanned.csv").frame["origin"]) == {"synthetic"}
    mien("data", "scan", "drawn", "--out", "scanned.csv", "--origin", "real")
    assert set(Manifest.load(tmp_path / "scanned.csv").frame["origin"]) == {"real"}
