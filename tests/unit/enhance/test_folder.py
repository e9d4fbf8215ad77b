"""Whole data sets: files, manifests, failures, and going on after a stop."""

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

from mien import images
from mien.enhance import engines
from mien.enhance.engines import Plan
from mien.enhance.finish import Finish
from mien.enhance.folder import enhance, manifest_of
from mien.errors import ManifestError, RunError, UnknownName
from mien.manifest import Manifest
from mien.provenance import encode_synthetic, read_facts

SMALL = Plan("bicubic", 16)


def files(folder: Path) -> dict[str, str]:
    """Content of every picture below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.png"))
    }


@pytest.fixture
def table(pictures) -> Manifest:
    """The pictures, with labels, splits and persons."""
    return Manifest.of(
        root=pictures,
        image=["happy/0.png", "happy/1.png", "happy/2.png", "sad/0.png", "sad/wide.png", "sad/broken.png"],
        label=["happy"] * 3 + ["sad"] * 3,
        split=["train", "train", "val", "train", "test", "test"],
        subject=list("abcdef"),
    )


def test_what_a_model_drew_stays_marked(tmp_path):
    facts = {"generator": "g 1", "class": "happy"}
    (tmp_path / "drawn.png").write_bytes(encode_synthetic(np.zeros((8, 8), np.uint8), facts))
    images.write(tmp_path / "seen.png", np.zeros((8, 8), np.uint8))
    table = Manifest.of(root=tmp_path, image=["drawn.png", "seen.png"], origin=["synthetic", "real"])
    made = Manifest.load(enhance(table, tmp_path / "out", SMALL).manifest)
    assert made.frame["origin"].tolist() == ["synthetic", "enhanced"]
    assert [read_facts(path) for path in made.paths()] == [{"synthetic": "true", **facts}, {}]


def test_a_new_manifest_points_to_the_pictures(table, tmp_path):
    before = files(table.root)
    found = enhance(table, tmp_path / "out", SMALL)
    assert (found.done, found.before, len(found.failed)) == (5, 0, 1)
    made = Manifest.load(found.manifest)
    assert made.frame["image"].tolist()[:2] == ["images/happy/0.png", "images/happy/1.png"]
    assert set(made.frame["origin"]) == {"enhanced"}
    assert made.frame["original"].tolist() == table.frame["image"].tolist()[:5]
    assert made.frame["subject"].tolist() == list("abcde")
    assert {images.read(path).shape for path in made.paths()} == {(16, 16, 3)}
    assert [len(Manifest.load(tmp_path / "out" / f"{name}.csv")) for name in ("train", "val", "test")] == [3, 1, 1]
    assert "sad/broken.png" in (tmp_path / "out" / "failed.csv").read_text()
    assert files(table.root) == before


def test_workers_and_batches_change_nothing(table, tmp_path, doubler):
    plan = Plan(str(doubler()), 20, Finish(sharpen=0.5))
    enhance(table, tmp_path / "one", plan, workers=1)
    enhance(table, tmp_path / "many", plan, workers=3, batch=1)
    assert files(tmp_path / "one") == files(tmp_path / "many")
    assert (tmp_path / "one/manifest.csv").read_bytes() == (tmp_path / "many/manifest.csv").read_bytes()


def test_a_job_goes_on_and_does_nothing_twice(table, tmp_path):
    out = tmp_path / "out"
    enhance(table, out, SMALL)
    whole = files(out)
    (out / "images/happy/1.png").unlink()
    (out / "images/sad/0.png").unlink()
    kept = (out / "images/happy/0.png").stat().st_mtime_ns
    found = enhance(table, out, SMALL)
    assert (found.done, found.before) == (5, 3)
    assert files(out) == whole
    assert (out / "images/happy/0.png").stat().st_mtime_ns == kept


def test_kill_9_leaves_no_half_file_and_the_job_goes_on(tmp_path):
    draw = np.random.default_rng(0)
    np.save(tmp_path / "faces.npy", draw.integers(0, 256, (600, 48, 48), dtype=np.uint8))
    Manifest.of(root=tmp_path, image=[f"faces.npy#{row}" for row in range(600)]).save(tmp_path / "faces.csv")
    code = (
        "from mien.enhance.folder import *; from mien.enhance.engines import Plan;"
        "enhance(Manifest.load('faces.csv'), 'out', Plan('bicubic', 224), workers=1, batch=8)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment)
    made = tmp_path / "out" / "images" / "faces"

    def whole():
        return [path for path in made.glob("*.png") if not path.name.startswith(".")] if made.exists() else []

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(whole()) < 20:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = whole()
    (made / ".7-abc.png").write_bytes(b"half a file that the kill has left")
    assert 20 <= len(there) < 600
    assert {images.read(path).shape for path in there} == {(224, 224, 3)}  # whole, each of them
    found = enhance(Manifest.load(tmp_path / "faces.csv"), tmp_path / "out", Plan("bicubic", 224), workers=2)
    assert found.done == 600
    assert found.before == len(there)
    assert not list(made.glob(".*"))


def test_a_folder_is_not_taken_from_another_job(table, tmp_path):
    out = tmp_path / "out"
    enhance(table, out, SMALL)
    with pytest.raises(RunError, match="another job"):
        enhance(table, out, Plan("bicubic", 20))
    with pytest.raises(RunError, match="another job"):
        enhance(table.take(np.arange(3)), out, SMALL)
    assert enhance(table, out, Plan("bicubic", 20), fresh=True).before == 0
    assert images.read(out / "images/happy/0.png").shape == (20, 20, 3)
    with pytest.raises(RunError, match="not an enhanced data set"):
        enhance(table, table.root, SMALL)
    with pytest.raises(RunError, match="is a file"):
        enhance(table, table.root / "happy/0.png", SMALL)


def test_a_wrong_plan_leaves_no_folder(table, tmp_path):
    for plan in (Plan("nonsense"), Plan("bicubic", 0)):
        with pytest.raises(Exception, match=r"nonsense|expected"):
            enhance(table, tmp_path / "out", plan)
    with pytest.raises(UnknownName, match="threads"):
        enhance(table, tmp_path / "out", SMALL, engine="thread")
    assert not (tmp_path / "out").exists()


def test_boxes_are_cut_out(tmp_path):
    picture = np.zeros((40, 40), np.uint8)
    picture[10:20, 20:30] = 200
    images.write(tmp_path / "a.png", picture)
    manifest = Manifest.of(root=tmp_path, image=["a.png", "a.png"], label=["happy", "sad"], box=["20 10 30 20", ""])
    found = Manifest.load(enhance(manifest, tmp_path / "out", SMALL).manifest)
    assert "box" not in found.frame.columns
    face, whole = (images.read(path) for path in found.paths())
    assert face.min() == 200
    assert whole.min() == 0
    assert found.frame["original"].tolist() == ["a.png @ 20 10 30 20", "a.png"]


def test_names_that_would_meet_are_told_apart(tmp_path):
    grey = np.zeros((4, 4), np.uint8)
    for name in ("a/x.png", "a/x.bmp", "b/x.png"):
        images.write(tmp_path / "in" / name, grey)
    outside = tmp_path / "elsewhere" / "x.png"
    images.write(outside, grey)
    manifest = Manifest.of(root=tmp_path / "in", image=["a/x.png", "a/x.bmp", "b/x.png", str(outside), "x.png"])
    images.write(tmp_path / "in" / "x.png", grey)
    made = Manifest.load(enhance(manifest, tmp_path / "out", SMALL).manifest)
    assert len(set(made.frame["image"])) == 5
    assert all((tmp_path / "out" / name).is_file() for name in made.frame["image"])


def test_a_folder_without_a_manifest(pictures, tmp_path):
    manifest = manifest_of(pictures)
    assert len(manifest) == 6
    found = enhance(manifest, tmp_path / "out", SMALL)
    assert (tmp_path / "out/images/sad/wide.png").is_file()
    assert found.to_dict()["failed"][0]["image"] == "sad/broken.png"
    (tmp_path / "none").mkdir()
    with pytest.raises(ManifestError, match="without pictures"):
        manifest_of(tmp_path / "none")


def test_what_waits_is_bounded():
    """Memory stays the same however many pictures there are: batches are made as they are needed."""
    made, held = 0, []

    def chunks():
        nonlocal made
        for _ in range(200):
            made += 1
            yield []

    for number, _ in enumerate(engines.threads(SMALL, chunks(), 2), start=1):
        held.append(made - number)
    assert max(held) <= 4


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ray", ["made_up_ray", "real_ray"])
def test_ray_makes_the_same_bytes(table, tmp_path, doubler, ray, request):
    request.getfixturevalue(ray)
    plan = Plan(str(doubler()), 20)
    enhance(table, tmp_path / "here", plan, workers=1)
    found = enhance(table, tmp_path / "cluster", plan, engine="ray", workers=2, batch=2)
    assert files(tmp_path / "here") == files(tmp_path / "cluster")
    assert (tmp_path / "here/manifest.csv").read_bytes() == (tmp_path / "cluster/manifest.csv").read_bytes()
    assert json.dumps(found.to_dict()["failed"]).count("broken") >= 1
