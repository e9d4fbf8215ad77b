"""``mien bias`` as a person calls it, on scores and on pictures of one colour."""

import json

import numpy as np
import pytest

from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest
from mien.runtime.network import Network
from mien.scores import Scores

LABELS = Labels(("angry", "happy", "sad"))
QUICK = ("--bootstrap", 50, "--trials", 100)


@pytest.fixture
def saved(tmp_path):
    """Scores whose third class is too quiet; the last hundred rows are a test split."""
    draw = np.random.default_rng(0)
    targets = draw.choice(3, 500, p=[0.4, 0.4, 0.2])
    logits = draw.normal(size=(500, 3)) + 2 * np.eye(3)[targets] - np.array([0, 0, 1.5])
    splits = np.array(["val"] * 400 + ["test"] * 100)
    scores = Scores(logits.astype(np.float32), targets, LABELS, np.arange(500).astype(str), splits=splits)
    scores.save(tmp_path / "scores.npz")
    return tmp_path


def test_tables_file_and_pictures(mien, saved):
    done = mien("bias", "scores.npz", "--split", "val", "--out", "bias.json", "--pictures", "plots", *QUICK)
    assert done.code == 0, done.err
    assert "cross-validated, 5 folds" in done.out
    assert "at most 1 point of accuracy lost" in done.out
    assert "--bias" in done.out
    assert sorted(path.name for path in (saved / "plots").iterdir()) == [
        "distribution.png", "heat.png", "recall.png", "space.png",
    ]  # fmt: skip
    content = json.loads((saved / "bias.json").read_text())
    assert content["factors"]["sad"] > 1.2
    assert content["in_sample"]["rows"] == 400
    assert content["cross_validated"]["macro_recall"]["gain"] > 0


def test_json_has_everything_but_the_trials(mien, saved):
    done = mien("bias", "scores.npz", "--split", "val", "--json", "--check", "scores.npz", *QUICK)
    content = json.loads(done.out)
    assert content["max_accuracy_loss"] == 0.01
    assert content["checked"]["rows"] == 500
    assert "trials" not in content


def test_a_test_split_is_marked(mien, saved):
    done = mien("bias", "scores.npz", "--split", "test", "--folds", 0, *QUICK)
    assert "Chosen on the split 'test'" in done.out
    assert "Not cross-validated" in done.out


def test_all_options_of_a_search(mien, saved):
    target = ("--objective", "distribution", "--target", "angry=0.3,happy=0.3,sad=0.4")
    content = json.loads(mien("bias", "scores.npz", *target, "--classes", "sad", "--json", *QUICK).out)
    assert content["shares"] == {"angry": 0.3, "happy": 0.3, "sad": 0.4}
    assert content["searched"] == ["sad"]
    assert content["max_accuracy_loss"] is None
    weighted = ("--objective", "weighted_recall", "--weights", "sad=3", "--max-accuracy-loss", 100)
    assert mien("bias", "scores.npz", *weighted, "--method", "evolutionary", *QUICK).code == 0
    prior = ("--method", "em", "--prior", "angry=1,happy=1,sad=1")
    assert mien("bias", "scores.npz", *prior, *QUICK).code == 0


def test_the_prior_may_be_the_manifest_that_trained(mien, saved):
    Manifest.of(
        root=saved, image=["a", "b", "c", "d", "e"], label=["angry", "happy", "sad", "sad", "angry"],
        split=["train"] * 4 + ["val"],
    ).save(saved / "faces.csv")  # fmt: skip
    adjusted = ("--method", "logit_adjustment", "--max-accuracy-loss", 100, "--folds", 0, "--json")
    counted = json.loads(mien("bias", "scores.npz", *adjusted, "--prior", "faces.csv", *QUICK).out)
    given = json.loads(mien("bias", "scores.npz", *adjusted, "--prior", "angry=1,happy=1,sad=2", *QUICK).out)
    assert counted["biases"] == given["biases"]
    even = Scores(np.zeros((9, 3), np.float32), np.zeros(9, int), LABELS, np.arange(9).astype(str))
    even.save(saved / "even.npz")
    answered = json.loads(mien("bias", "scores.npz", *adjusted, "--prior", "even.npz", *QUICK).out)
    assert not any(answered["biases"].values())  # all classes alike: nothing to adjust


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.npz"], "no such scores file"),
        (["scores.npz", "faces.csv"], "saved scores"),
        (["scores.npz", "--split", "vall"], "did you mean 'val'"),
        (["scores.npz", "--method", "cmae"], "did you mean 'cmaes'"),
        (["scores.npz", "--objective", "recall"], "macro_recall"),
        (["scores.npz", "--classes", "hapy"], "did you mean 'happy'"),
        (["scores.npz", "--target", "uniform"], "target is for the objective distribution"),
        (["scores.npz", "--truth", "x.json"], "--images"),
        (["default"], "name a manifest or --images"),
        (["scores.npz", "--method", "em"], "the prior"),
    ],
)
def test_mistakes_are_one_line(mien, saved, arguments, message):
    done = mien("bias", *arguments)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.fixture
def faces(tmp_path):
    """Thirty pictures: red is angry, green happy; blue ones are labelled sad, and so is every fifth green one."""
    draw = np.random.default_rng(0)
    truth = {}
    for number in range(60):
        kind = number % 3
        colour = draw.integers(0, 90, 3)
        colour[kind] += 60
        truth[f"{number}.png"] = LABELS.names[kind]
        for folder in (tmp_path / "loose", tmp_path / "classes" / LABELS.names[kind]):
            folder.mkdir(parents=True, exist_ok=True)
            write(folder / f"{number}.png", np.tile(colour.astype(np.uint8), (8, 8, 1)))
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    return tmp_path


def test_pictures_are_scored_once_and_the_card_gets_the_biases(mien, faces, colours):
    model = colours("mine.onnx")
    keep = ("--scores-out", "once.npz", "--card", model)
    by_folder = mien("bias", model, "--images", "classes", *keep, "--json", *QUICK, "--threads", 1)
    assert by_folder.code == 0, by_folder.err
    content = json.loads(by_folder.out)
    assert content["in_sample"]["rows"] == 60
    card = Network(model).card
    np.testing.assert_allclose(card.biases, [content["biases"][name] for name in LABELS], atol=1e-6)
    assert card.metrics["bias"]["measured"] == "cross-validated, 5 folds"
    assert card.metrics["bias"]["accuracy"] == content["cross_validated"]["accuracy"]
    shown = mien("models", "show", model).out
    assert ("added to logits" in shown) == any(card.biases)
    again = json.loads(mien("bias", "once.npz", "--json", *QUICK).out)
    assert again["biases"] == content["biases"]
    by_file = json.loads(
        mien("bias", colours("other.onnx"), "--images", "loose", "--truth", "truth.json", "--json", *QUICK).out
    )
    assert by_file["in_sample"]["macro_recall"]["before"] == content["in_sample"]["macro_recall"]["before"]


def test_pictures_without_labels_follow_a_target(mien, faces, colours):
    target = ("--objective", "distribution", "--target", "uniform")
    done = mien("bias", colours(), "--images", "loose", *target, "--json", *QUICK)
    assert done.code == 0, done.err
    content = json.loads(done.out)
    assert content["in_sample"]["recall"] == {}
    assert content["in_sample"]["distribution"]["after"] >= content["in_sample"]["distribution"]["before"]


def test_a_manifest_is_scored(mien, faces, colours):
    names = sorted(json.loads((faces / "truth.json").read_text()).items())
    Manifest.of(
        root=faces, image=[f"loose/{name}" for name, _ in names], label=[label for _, label in names],
        split=["val"] * 60,
    ).save(faces / "faces.csv")  # fmt: skip
    assert mien("bias", colours(), "faces.csv", "--split", "val", *QUICK).code == 0
