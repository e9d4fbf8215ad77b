"""``mien data``: the whole path on toy faces, exit codes, JSON."""

import json
import shutil

import pytest
from PIL import Image
from typer.testing import CliRunner

from mien.cli.data import app
from mien.manifest import Manifest


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def invoke(line, code=0):
        result = runner.invoke(app, line.split())
        assert result.exit_code == code, result.output + str(result.exception)
        return result

    return invoke


def test_toy_scan_split_stats_audit_sheet(run, tmp_path):
    run("toy --out toy --count 42 --size-px 32 --subjects 6 --folders")
    run(r"scan toy --out faces.csv --subject-from ^(.+)_\d+ --domain drawn --origin synthetic")
    run("split faces.csv --group subject --shares train=0.5,val=0.5")
    faces = Manifest.load(tmp_path / "faces.csv")
    assert faces.frame.groupby("subject")["split"].nunique().max() == 1
    found = json.loads(run("stats faces.csv --json").stdout)
    assert (found["rows"], found["imbalance"], found["subjects"]["people"]) == (42, 1.0, 6)
    run("sheet faces.csv --out sheet.png --per-class 4")
    run("split faces.csv --by domain:drawn=train --out all.csv")
    assert "nothing found" in run("audit all.csv --no-near").stdout


def test_audit_exits_with_1_when_it_finds_something(run, tmp_path):
    run("toy --out toy --count 14 --size-px 32")
    faces = Manifest.load(tmp_path / "toy" / "faces.csv")
    faces.merge(faces.take([0])).with_columns(split=["train"] * 14 + ["val"]).save(tmp_path / "twice.csv")
    result = run("audit twice.csv --out found.csv --sheet found.png --clean clean.csv --json", code=1)
    found = json.loads(result.stdout)
    assert found["leaked"] == [{"split": "val", "against": "train", "rows": 1, "identical": 1, "of": 1}]
    assert found["fixed"] == {"drop: of train, also in val": 1}
    assert (tmp_path / "found.png").stat().st_size > 1000
    assert len(Manifest.load(tmp_path / "clean.csv")) == 14


def test_mistakes_are_input_errors(run):
    run("toy --out toy --count 7 --size-px 32")
    for line in (
        "split toy/faces.csv --shares train",
        "split toy/faces.csv --by domain",
        "split toy/faces.csv --shares a=b",
    ):
        result = run(line, code=1)
        assert type(result.exception).__name__ == "InputError"


def test_merge_names_the_domains(run, tmp_path):
    for name in ("a", "b"):
        run(f"toy --out {name} --count 6 --labels happy,sad --size-px 24")
    run("merge web=a/faces.csv press=b/faces.csv --out both.csv")
    both = Manifest.load(tmp_path / "both.csv")
    assert both.frame["domain"].tolist() == ["web"] * 6 + ["press"] * 6
    both.check_files()
    assert type(run("merge a/faces.csv --out one.csv", code=1).exception).__name__ == "InputError"


def test_photographs_become_faces(run, tmp_path, portrait, group_picture):
    for label, picture in (("happy", portrait), ("neutral", group_picture)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        shutil.copy(picture, tmp_path / "photos" / label)
    Image.new("RGB", (90, 60)).save(tmp_path / "photos" / "happy" / "dark.png")
    run("scan photos --out photos.csv")
    found = json.loads(run("boxes photos.csv --out faces.csv --threads 1 --json").stdout)
    assert found["rows"] == 2
    assert any(note.startswith("left out: ") and note.endswith("dark.png: no face found") for note in found["notes"])
    assert any(note.startswith("1 picture has more than one face, the largest counts: ") for note in found["notes"])
    assert "2 pictures" in run("boxes photos.csv --out faces.csv").stdout
    assert len(Manifest.load(tmp_path / "faces.csv")) == 2
    assert len(Manifest.load(tmp_path / "photos.csv")) == 3, "what is left out is still there"
