"""``mien compare``, from scores, models and run folders."""

import json

import numpy as np
import pytest

from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest
from mien.scores import Scores

LABELS = Labels(("angry", "happy", "sad"))
TRUTH = np.random.default_rng(0).integers(0, 3, 300)


@pytest.fixture
def scores(tmp_path):
    """Write scores with a share of right answers."""

    def save(name, right, seed=1, split="val"):
        is_right = np.random.default_rng(seed).random(300) < right
        logits = 3 * np.eye(3, dtype=np.float32)[np.where(is_right, TRUTH, (TRUTH + 1) % 3)]
        ids = np.array([f"{row}.png" for row in range(300)])
        path = tmp_path / name
        Scores(logits, TRUTH, LABELS, ids, splits=np.repeat([split, "test"], 150)).save(path)
        return path

    return save


@pytest.fixture
def faces(tmp_path):
    """Thirty coloured pictures."""
    for row in range(30):
        colour = np.zeros(3, np.uint8)
        colour[TRUTH[row]] = 100 + row
        write(tmp_path / "faces" / f"{row}.png", np.zeros((8, 8, 3), np.uint8) + colour)
    names = [f"faces/{row}.png" for row in range(30)]
    labels = [LABELS.names[TRUTH[row]] for row in range(30)]
    Manifest.of(root=tmp_path, image=names, label=labels, split=["val"] * 30).save(tmp_path / "faces.csv")
    return tmp_path / "faces.csv"


def run_folder(path, seconds, *, model=None, scores=None):
    path.mkdir(parents=True)
    records = [
        {"epoch": epoch, "seconds": seconds, "train": {"loss": 1.0 / epoch}, "val": {"loss": 1.0, "accuracy": 0.5}}
        for epoch in (1, 2)
    ]
    (path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    if model is not None:
        model.rename(path / "model.onnx")
    if scores is not None:
        scores.rename(path / "scores.npz")
    return path


def test_two_files_of_scores(mien, scores, tmp_path):
    scores("old.npz", 0.6), scores("new.npz", 0.9, seed=2)
    done = mien("compare", "old.npz", "new.npz", "--bootstrap", 100, "--out", "found")
    assert done.code == 0, done.err
    assert "300 pictures that all have scored, 3 classes" in done.out
    assert "new is better than old" in done.out
    names = ["arms.png", "classes.png", "comparison.json", "confusion_old_new.png", "differences.png"]
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == names
    saved = json.loads((tmp_path / "found/comparison.json").read_text(), parse_constant=pytest.fail)
    printed = mien("compare", "old.npz", "new.npz", "--bootstrap", 100, "--json").out
    assert json.loads(printed, parse_constant=pytest.fail) == saved
    assert saved["pairs"][0]["better"] == "new"


def test_only_a_split_and_only_some_classes(mien, scores):
    scores("old.npz", 0.6), scores("new.npz", 0.6, seed=2)
    content = json.loads(mien("compare", "old.npz", "new.npz", "--split", "val", "--json", "--bootstrap", 9).out)
    assert content["rows"] == 150
    some = json.loads(mien("compare", "old.npz", "new.npz", "--labels", "sad,happy", "--json", "--bootstrap", 9).out)
    assert some["classes"] == {"sad": int((TRUTH == 2).sum()), "happy": int((TRUTH == 1).sum())}


def test_several_trainings_on_each_side(mien, scores):
    for name, right, seed in (("a-0", 0.6, 1), ("a-1", 0.62, 2), ("b-0", 0.9, 3), ("b-1", 0.91, 4)):
        scores(f"{name}.npz", right, seed)
    sides = mien("compare", "a-0.npz", "a-1.npz", "vs", "b-0.npz", "b-1.npz", "--bootstrap", 99, "--json")
    named = mien("compare", "--arm", "a=a-0.npz,a-1.npz", "--arm", "b=b-0.npz, b-1.npz", "--bootstrap", 99, "--json")
    assert sides.code == 0, sides.err
    assert sides.out == named.out
    content = json.loads(sides.out)
    assert [(each["name"], each["runs"]) for each in content["arms"]] == [("a", 2), ("b", 2)]
    assert content["pairs"][0]["only_first"] is None


def test_names_are_as_long_as_it_takes(mien, scores, tmp_path):
    def names(*sources):
        done = mien("compare", *sources, "--json", "--bootstrap", 2)
        assert done.code == 0, done.err
        return [each["name"] for each in json.loads(done.out)["arms"]]

    for path in ("x/seed-0.npz", "x/seed-1.npz", "y/seed-0.npz", "y/seed-1.npz", "z.npz", "fine.npz"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        scores(path, 0.7)
    assert names("x/seed-0.npz", "y/seed-0.npz") == ["x/seed-0", "y/seed-0"]
    assert names("x/seed-0.npz", "z.npz") == ["seed-0", "z"]
    seeds = ("x/seed-0.npz", "x/seed-1.npz", "vs", "y/seed-0.npz", "y/seed-1.npz")
    assert names(*seeds) == ["x/seed", "y/seed"]
    assert names("z.npz", "fine.npz", "vs", "x/seed-1.npz") == ["z …", "seed-1"]
    assert names("z.npz", "--arm", "both=x/seed-0.npz,x/seed-1.npz") == ["z", "both"]


def test_models_are_scored_and_the_scores_kept(mien, colours, faces, tmp_path):
    colours("good.onnx")
    colours("blind.onnx", weights=np.zeros((3, 3)))
    arguments = ("compare", "blind.onnx", "good.onnx", "--data", faces, "--out", "found", "--bootstrap", 50)
    done = mien(*arguments, "--threads", 1)
    assert done.code == 0, done.err
    assert "good is better than blind" in done.out
    assert "ms per face" in done.out
    assert Scores.load(tmp_path / "found/scores/good.npz").targets.tolist() == TRUTH[:30].tolist()
    again = mien("compare", "found/scores/blind.npz", "good.onnx", "--data", faces, "--bootstrap", 50, "--json")
    assert json.loads(again.out)["pairs"][0]["better"] == "good"  # saved scores beside a model


def test_run_folders(mien, colours, scores, faces, tmp_path):
    old = run_folder(tmp_path / "runs/old", 30.0, model=colours("old.onnx", weights=np.zeros((3, 3))))
    new = run_folder(tmp_path / "runs/new", 40.0, model=colours("new.onnx"))
    done = mien("compare", old, new, "--data", faces, "--bootstrap", 50, "--out", "found", "--threads", 1)
    assert done.code == 0, done.err
    assert "new is better than old" in done.out
    assert "60 s" in done.out
    assert "80 s" in done.out
    assert (tmp_path / "found/history.png").exists()
    one = run_folder(tmp_path / "runs/one", 1.0, scores=scores("one.npz", 0.5))
    two = run_folder(tmp_path / "runs/two", 1.0, scores=scores("two.npz", 0.9, seed=2))
    assert "two is better than one" in mien("compare", one, two, "--bootstrap", 50).out
    bare = run_folder(tmp_path / "runs/bare", 1.0)
    assert "the run has no model.onnx; `mien export" in mien("compare", old, bare, "--data", faces).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to compare"),
        (("old.npz",), "nothing to compare"),
        (("old.npz", "old.npz"), "two sides are called old.npz; name them with --arm NAME=old.npz"),
        (("old.npz", "vs"), "nothing stands on one side of vs"),
        (("--arm", "old.npz"), "expected NAME=PATH,PATH"),
        (("--arm", "a=old.npz", "--arm", "a=new.npz"), "there is another arm of this name"),
        (("old.npz", "gone.npz"), "gone.npz: no such scores file"),
        (("old.npz", "default"), "name a manifest too"),
        (("old.npz", "new.npz", "--by-subject"), "the data name no subjects"),
        (("old.npz", "new.npz", "--split", "vall"), "did you mean 'val'"),
        (("old.npz", "new.npz", "--match", "original"), "no column 'original'"),
        (("old.npz", "."), "not a run folder"),
    ],
)
def test_mistakes(mien, scores, arguments, message):
    scores("old.npz", 0.6), scores("new.npz", 0.6, seed=2)
    done = mien("compare", *arguments)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1
