"""Folders of drawn faces: files, manifest, going on, and growing."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import mien
from mien import images
from mien.errors import RecipeError, RunError
from mien.manifest import Manifest
from mien.provenance import read_facts
from mien.synth.generator import Generator
from mien.synth.plan import Plan
from mien.synth.sample import folder_of, sample


def files(folder: Path) -> dict[str, str]:
    """Content of every picture below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.png"))
    }


def plan(path: Path, truncation: float = 0.7, seed: int = 1, **classes: int) -> Plan:
    return Plan(model=str(path), seed=seed, truncation=truncation, classes=classes or {"fear": 10, "happy": 3})


def test_pictures_and_manifest(generator_file, tmp_path):
    path, out = generator_file(), tmp_path / "out"
    found = sample(plan(path), out)
    assert (found.classes, found.drawn) == ({"fear": 10, "happy": 3}, 13)
    assert sorted(files(out)) == [f"fear/{n:06d}.png" for n in range(10)] + [f"happy/{n:06d}.png" for n in range(3)]
    made = Manifest.load(found.manifest)
    assert made.frame["image"].tolist() == sorted(files(out))
    assert made.frame["label"].tolist() == ["fear"] * 10 + ["happy"] * 3
    generator = Generator(path)
    for column, value in {"split": "train", "domain": "synthetic", "subject": "", "origin": "synthetic"}.items():
        assert set(made.frame[column]) == {value}
    assert made.frame["number"].tolist() == [*range(10), *range(3)]
    assert set(made.frame["generator"]) == {f"faces {generator.digest[:12]}"}
    assert set(made.frame["seed"]) == {1}
    assert set(made.frame["truncation"]) == {0.7}
    (face,) = generator.draw("happy", [2], seed=1, truncation=0.7)
    assert np.array_equal(images.read(out / "happy/000002.png"), face)


def test_every_picture_says_what_it_is(generator_file, tmp_path):
    path = generator_file()
    sample(plan(path), tmp_path / "out")
    assert read_facts(tmp_path / "out/happy/000002.png") == {
        "synthetic": "true",
        "generator": "faces",
        "digest": hashlib.sha256(path.read_bytes()).hexdigest(),
        "class": "happy",
        "seed": "1",
        "number": "2",
        "truncation": "0.7",
    }


def test_only_what_is_missing_is_drawn(generator_file, tmp_path):
    path, out = generator_file(), tmp_path / "out"
    sample(plan(path), out)
    whole = files(out)
    (out / "fear/000009.png").unlink()
    (out / "happy/000001.png").unlink()
    (out / "happy/.000002-half.png").write_bytes(b"half a file that a kill has left")
    kept = (out / "fear/000001.png").stat().st_mtime_ns
    steps: list[tuple[int, int]] = []
    found = sample(plan(path), out, progress=lambda done, total: steps.append((done, total)))
    assert found.drawn == 2
    assert files(out) == whole
    assert (out / "fear/000001.png").stat().st_mtime_ns == kept
    assert (steps[0], steps[-1]) == ((0, 13), (13, 13))


def test_a_folder_grows(generator_file, tmp_path):
    path = generator_file()
    sample(plan(path, fear=5), tmp_path / "grown")
    sample(plan(path, happy=3), tmp_path / "grown")
    found = sample(plan(path, fear=10), tmp_path / "grown")
    assert (found.classes, found.drawn) == ({"fear": 10, "happy": 3}, 5)
    sample(plan(path), tmp_path / "at-once")
    assert files(tmp_path / "grown") == files(tmp_path / "at-once")
    manifests = [(tmp_path / name / "manifest.csv").read_text() for name in ("grown", "at-once")]
    assert manifests[0] == manifests[1]


def test_other_faces_are_refused(generator_file, tmp_path):
    path, out = generator_file(), tmp_path / "out"
    sample(plan(path), out)
    with pytest.raises(RunError, match=r"seed is 1, asked for is 2.*choose another --out, or --fresh"):
        sample(plan(path, seed=2), out)
    with pytest.raises(RunError, match=r"truncation of fear is 0\.7, asked for is 0\.5"):
        sample(plan(path, 0.5), out)
    other = generator_file("other.onnx")
    with pytest.raises(RunError, match=r"generator is faces \w{64}, asked for is other \w{64}"):
        sample(plan(other), out)
    assert sample(plan(path, 0.5, neutral=2), out).classes == {"fear": 10, "happy": 3, "neutral": 2}
    frame = Manifest.load(out / "manifest.csv").frame
    assert frame.groupby("label")["truncation"].first().to_dict() == {"fear": 0.7, "happy": 0.7, "neutral": 0.5}


def test_fresh_replaces_all(generator_file, tmp_path):
    path, out = generator_file(), tmp_path / "out"
    sample(plan(path), out)
    found = sample(plan(path, seed=2, happy=4), out, fresh=True)
    assert (found.classes, found.drawn) == ({"happy": 4}, 4)
    assert len(files(out)) == 4


def test_folders_of_others_are_left_alone(generator_file, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(RunError, match="not empty and not a folder of drawn faces"):
        sample(plan(generator_file()), out, fresh=True)
    with pytest.raises(RunError, match="is a file"):
        sample(plan(generator_file()), out / "holiday.jpg")
    assert [path.name for path in out.iterdir()] == ["holiday.jpg"]


def test_folders_of_other_verbs_are_left_alone(generator_file, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "job.json").write_text('{"enhancer": "bicubic"}')
    for fresh in (False, True):
        with pytest.raises(RunError, match="not empty and not a folder of drawn faces"):
            sample(plan(generator_file()), out, fresh=fresh)
    assert (out / "job.json").read_text() == '{"enhancer": "bicubic"}'


def test_a_plan_that_does_not_fit_touches_nothing(generator_file, tmp_path):
    with pytest.raises(RecipeError):
        sample(plan(generator_file(), angry=2), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_classes(generator_file, tmp_path):
    path = generator_file(classes=())
    found = sample(Plan(model=str(path), count=5), tmp_path / "out")
    assert found.classes == {"": 5}
    assert sorted(files(tmp_path / "out")) == [f"faces/{n:06d}.png" for n in range(5)]
    assert set(Manifest.load(found.manifest).frame["label"]) == {""}


def test_names_that_are_no_names_of_folders():
    assert folder_of("not interested") == "not interested"
    names = ["a/b", "a:b", "..", "a-b"]
    folders = [folder_of(name) for name in names]
    assert len(set(folders)) == 4
    assert all(not {"/", ":"} & set(folder) and folder.strip(".") for folder in folders)


def test_in_one_line(generator_file, tmp_path):
    faces = mien.sample_faces(generator_file(), tmp_path / "out", each=2, seed=4)
    assert faces.frame["label"].value_counts().to_dict() == {"fear": 2, "happy": 2, "neutral": 2}


def test_kill_9_leaves_no_half_file_and_the_job_goes_on(generator_file, tmp_path):
    path = generator_file()
    code = (
        "import sys; from mien.synth.sample import *;"
        "sample(Plan(model=sys.argv[1], seed=1, classes={'fear': 3000}), 'out', threads=1)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=tmp_path, env=environment)
    made = tmp_path / "out" / "fear"

    def whole():
        return [path for path in made.glob("[0-9]*.png")] if made.exists() else []

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(whole()) < 20:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = len(whole())
    assert 20 <= there < 3000
    assert not (tmp_path / "out/manifest.csv").exists()
    assert json.loads((tmp_path / "out/job.json").read_text())["seed"] == 1
    wanted = there + 10
    found = sample(Plan(model=str(path), seed=1, classes={"fear": wanted}), tmp_path / "out")
    assert (found.drawn, found.classes) == (10, {"fear": wanted})
    assert not list(made.glob(".*"))
    sample(Plan(model=str(path), seed=1, classes={"fear": wanted}), tmp_path / "other")
    assert files(tmp_path / "out") == files(tmp_path / "other")
