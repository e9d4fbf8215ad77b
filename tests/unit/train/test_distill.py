from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mien.errors import InputError, ModelError, RecipeError
from mien.labels import Labels
from mien.manifest import Manifest
from mien.parts import Distill
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.scores import Scores
from mien.train import build, distill, state
from mien.train.run import train

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch"),
    pytest.mark.usefixtures("unexported"),
]

LABELS = Labels(("sad", "happy"))
FACES = Manifest.of(image=["a.png", "b.png"], label=["sad", "happy"], box=["0 0 9 9", ""], labels=LABELS)


@pytest.fixture
def saved(tmp_path: Path):
    """Save scores over the classes angry, happy, sad, for the two faces and one more, in another order."""

    def save(logits: list[list[float]], name: str = "teacher.npz", **change: Any) -> str:
        fields: dict[str, Any] = {
            "logits": np.array(logits, np.float32),
            "targets": np.zeros(3, np.int64),
            "labels": Labels(("angry", "happy", "sad")),
            "ids": np.array(["other.png", "b.png", "a.png @ 0 0 9 9"]),
        }
        Scores(**{**fields, **change}).save(tmp_path / name)
        return str(tmp_path / name)

    return save


def log(*shares: float) -> list[float]:
    return [math.log(share) for share in shares]


def answers(run: Path, *teachers: str, temperature: float = 2.0) -> np.ndarray:
    recipe = Distill(teachers=teachers, temperature=temperature)
    distill.check(recipe, LABELS)
    found = distill.answers(recipe, FACES, LABELS, RunDir(run))
    assert found is not None
    assert found.dtype == np.float32
    return found


def test_saved_answers_are_matched_softened_and_brought_to_our_classes(saved, tmp_path):
    # face a: happy 1/10, sad 9/10 of what is not angry; with a temperature of 2, the roots 1 and 3
    teacher = saved([log(0.98, 0.01, 0.01), log(0.2, 0.64, 0.16), log(0.5, 0.05, 0.45)])
    assert answers(tmp_path, teacher) == pytest.approx(np.array([[3 / 4, 1 / 4], [1 / 3, 2 / 3]]))
    assert answers(tmp_path, teacher, temperature=1) == pytest.approx(np.array([[0.9, 0.1], [0.2, 0.8]]))


def test_several_teachers_are_averaged(saved, tmp_path):
    even = [log(1 / 3, 1 / 3, 1 / 3)] * 3
    one, other = saved([[0, 0, 0], [0, 0, 0], log(0.5, 0.05, 0.45)]), saved(even, "other.npz")
    assert answers(tmp_path, one, other) == pytest.approx(np.array([[5 / 8, 3 / 8], [1 / 2, 1 / 2]]))


def test_a_model_is_asked_with_its_own_input(colours, tmp_path):
    """It answers by the mean colour of the left half; its card wants the mirror image as well."""
    pictures = np.zeros((2, 8, 8, 3), np.uint8)
    pictures[0, :, :4, 0] = 255  # left half red, so angry; right half black
    pictures[1, :, :, 1] = 255  # green, so happy
    np.save(tmp_path / "faces.npy", pictures)
    manifest = Manifest.of(root=tmp_path, image=["faces.npy#0", "faces.npy#1"], label=["angry", "happy"])
    labels = Labels(("happy", "angry", "sad"))
    recipe = Distill(teachers=(str(colours(flip=True, biases=(0, 9, 0))),), temperature=2)
    shown = []
    found = distill.answers(recipe, manifest, labels, RunDir(tmp_path), lambda *at: shown.append(at))
    # logits (angry, happy, sad) of 2, 0, 0 (the mean of 4 and 0) and 0, 4, 0, as they are, divided by 2
    e = math.e
    expected = [[1 / (e + 2), e / (e + 2), 1 / (e + 2)], [e**2 / (e**2 + 2), 1 / (e**2 + 2), 1 / (e**2 + 2)]]
    assert found == pytest.approx(np.array(expected), rel=1e-5)
    assert shown[-1] == (2, 2)


def test_teachers_that_cannot_teach(saved, colours, tmp_path):
    lacking = [saved([[0, 0]] * 3, labels=Labels(("angry", "happy"))), str(colours(classes=("angry", "sad", "fear")))]
    with pytest.raises(RecipeError) as told:
        distill.check(Distill(teachers=tuple(lacking)), LABELS)
    assert [line.split(":")[1].removeprefix(" ") for line in told.value.mistakes] == [
        f"{lacking[0]} does not know sad, it knows angry, happy",
        f"{lacking[1]} does not know happy, it knows angry, sad, fear",
    ]
    short = saved([[0, 0, 0]] * 3, ids=np.array(["b.png", "a.png", "c.png"]))
    with pytest.raises(RecipeError, match=r"has no answer to 1 of 2 training pictures, the first is a\.png @ 0 0 9 9"):
        answers(tmp_path, short)
    with pytest.raises(ModelError, match="unknown model 'nobody'"):
        distill.check(Distill(teachers=("nobody",)), LABELS)
    with pytest.raises(InputError, match="no such scores file"):
        distill.check(Distill(teachers=(str(tmp_path / "nothing.npz"),)), LABELS)
    assert distill.answers(Distill(), FACES, LABELS, RunDir(tmp_path)) is None


def test_answers_are_kept_until_the_teacher_or_the_question_changes(saved, tmp_path, monkeypatch):
    rows = [[0, 0, 0], [0, 0, 0], log(0.5, 0.05, 0.45)]
    teacher, run = saved(rows), RunDir(tmp_path / "run")
    first = answers(run.path, teacher)
    monkeypatch.setattr(distill, "_rows", None)  # no teacher is asked
    assert np.array_equal(answers(run.path, teacher), first)
    monkeypatch.undo()
    assert answers(run.path, teacher, temperature=1)[0] == pytest.approx([0.9, 0.1])
    saved([rows[0], rows[1], log(0.5, 0.45, 0.05)])
    assert answers(run.path, teacher, temperature=1)[0] == pytest.approx([0.1, 0.9])
    run.last.write_bytes(b"")  # from here on the run goes on
    Path(teacher).unlink()
    found = distill.answers(Distill(teachers=(teacher,), temperature=1), FACES, LABELS, run)
    assert found is not None
    assert found[0] == pytest.approx([0.1, 0.9])


def objective(**options: Any) -> Any:
    return build.loss(Recipe.load({"distill": {"teachers": ["x"], **options}}), np.ones(2))


def test_both_terms_by_hand():
    logits = torch.tensor([[2 * math.log(3.0), 0.0]])  # 9/10 and 1/10; with a temperature of 2, 3/4 and 1/4
    target, teacher = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.5, 0.5]])
    distance = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    found = objective(share=0.7, temperature=2)(logits, target, teacher)
    assert float(found) == pytest.approx(0.7 * 4 * distance + 0.3 * math.log(10))
    found = objective(share=1, temperature=2)(logits, target, torch.tensor([[0.75, 0.25]]))
    assert float(found) == pytest.approx(0, abs=1e-6)


def test_gradients_do_not_shrink_with_the_temperature():
    """For large T the softened answers differ by (z - z') / (T C): Hinton et al., equation 4, times T^2."""
    student, teacher = torch.tensor([[0.4, -0.4]], requires_grad=True), torch.tensor([[-0.2, 0.2]])
    objective(share=1, temperature=1000)(student, torch.ones(1, 2), torch.softmax(teacher / 1000, dim=1)).backward()
    assert student.grad.flatten().tolist() == pytest.approx([0.3, -0.3], rel=1e-3)


def test_distillation_without_teachers_is_a_mistake():
    with pytest.raises(RecipeError, match="distill: no teachers: name at least one"):
        Recipe.load({"distill": {"share": 0.9}})
    assert Recipe.load(Recipe()).distill == Distill()
    assert Recipe.load({"distill": {"share": 0.9}}, ["distill={}"]).distill == Distill()


@pytest.fixture
def taught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Noise with one bright quarter, which is the class, but the wrong label on every training picture.

    With a recipe whose teacher knows better.
    """
    monkeypatch.setattr("mien.train.run.export_run", lambda run: 0.0)  # takes seconds and is tested elsewhere
    draws, true = np.random.default_rng(2), np.arange(96) % 4
    pictures = draws.integers(0, 120, (96, 2, 16, 2, 16), np.uint8)
    pictures[np.arange(96), true // 2, :, true % 2] += 120
    np.save(tmp_path / "faces.npy", pictures.reshape(96, 32, 32))
    labels, shown = Labels.named("basic4"), np.where(np.arange(96) < 64, (true + 1) % 4, true)
    manifest = Manifest.of(
        root=tmp_path,
        image=[f"faces.npy#{row}" for row in range(96)],
        label=[labels.names[index] for index in shown],
        split=["train"] * 64 + ["val"] * 32,
    )
    ids = np.array(manifest.frame["image"].tolist())
    Scores(6 * np.eye(4, dtype=np.float32)[true], true, labels, ids).save(tmp_path / "teacher.npz")

    def recipe(parts: dict[str, Any], **options: Any) -> Recipe:
        return Recipe.load({**parts, "distill": {"teachers": [str(tmp_path / "teacher.npz")], "share": 1, **options}})

    return manifest, recipe


def test_a_student_learns_from_its_teacher_alone(taught, quick: Recipe, tmp_path: Path):
    manifest, recipe = taught
    change = {"schedule": {"epochs": 6}, "augment": {"level": 0}, "runtime": {"batch": 8}}
    run = train(recipe({**quick.model_dump(exclude_unset=True), **change}), manifest, tmp_path / "run", device="cpu")
    assert max(record["val"]["accuracy"] for record in run.epochs()) >= 0.9
    assert run.epochs()[-1]["train"]["accuracy"] <= 0.1, "it does not answer what the labels say"


def test_a_run_with_a_teacher_goes_on_exactly_without_it(taught, quick: Recipe, tmp_path: Path, killed_after_an_epoch):
    manifest, recipe = taught
    parts = {**quick.model_dump(exclude_unset=True), "augment": {"level": 1, "mixup": 0.2}, "schedule": {"epochs": 2}}
    mixed = recipe(parts, share=0.5)
    whole = train(mixed, manifest, tmp_path / "whole", device="cpu")
    assert not whole.teacher.exists()
    killed_after_an_epoch(lambda: train(mixed, manifest, tmp_path / "halves", device="cpu"))
    (tmp_path / "teacher.npz").unlink()
    halves = train(mixed, manifest, tmp_path / "halves", device="cpu")
    ours, theirs = (state.load(run.last)["parts"]["net"] for run in (halves, whole))
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    with pytest.raises(InputError, match="no such scores file"):
        train(mixed, manifest, tmp_path / "halves", device="cpu", fresh=True)
    assert halves.last.exists(), "nothing was deleted for a run that cannot begin"
