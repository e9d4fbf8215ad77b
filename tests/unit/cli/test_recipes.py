"""``mien recipes``."""

import json

import pytest

from mien.recipe import shipped


def test_list_has_every_recipe_with_one_line(mien):
    done = mien("recipes", "list")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == list(shipped())
    found = json.loads(mien("recipes", "list", "--json").out)
    assert set(found) == set(shipped())
    assert all(line and not line.startswith("#") for line in found.values())


def test_show_gives_the_file_or_all_values(mien):
    done = mien("recipes", "show", "s3")
    assert done == (0, shipped()["s3"].read_text(encoding="utf-8"), "")
    resolved = mien("recipes", "show", "s3", "--resolved")
    assert resolved.code == 0
    assert "patience: 3" in resolved.out
    assert "smoothing: 0.0" in resolved.out  # a default, not in the file


def test_copy_never_writes_over_a_file(mien, tmp_path):
    assert mien("recipes", "copy", "toy", "new/mine.yaml").code == 0
    assert (tmp_path / "new/mine.yaml").read_bytes() == shipped()["toy"].read_bytes()
    (tmp_path / "new/mine.yaml").write_text("mine")
    done = mien("recipes", "copy", "toy", "new/mine.yaml")
    assert done.code == 2
    assert done.err == "mien: new/mine.yaml: exists already; choose another name\n"
    assert (tmp_path / "new/mine.yaml").read_text() == "mine"


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_recipes_pass_their_own_check(mien, name):
    done = mien("recipes", "check", name)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{name}: fine (")


def test_check_names_all_mistakes(mien, tmp_path):
    (tmp_path / "mine.yaml").write_text("model: {backbone: plain84}\nloss: {smooting: 0.1}\n")
    done = mien("recipes", "check", "mine.yaml", "--set", "schedule.name=cosin", "--set", "runtime.batch=0")
    assert (done.code, done.out) == (2, "")
    head, *lines = done.err.splitlines()
    assert head == "mien: mine.yaml: 4 mistakes"
    assert all(line.startswith("  - ") for line in lines)
    assert "did you mean 'plain48'" in done.err
    assert "did you mean smoothing" in done.err
    assert "did you mean 'cosine'" in done.err
    assert "runtime.batch: " in done.err


def test_check_takes_changes(mien):
    done = mien("recipes", "check", "toy", "--set", "schedule.epochs=8")
    assert (done.code, done.out) == (0, "toy: fine (timm:test_resnet, 8 epochs)\n")


@pytest.mark.parametrize("verb", ["show", "check"])
def test_an_unknown_name(mien, verb):
    done = mien("recipes", verb, "defautl")
    assert done.code == 2
    assert "shipped: default" in done.err
    assert "Traceback" not in done.err


def test_preview_draws_a_sheet(mien, tmp_path):
    assert mien("data", "toy", "--out", "toy", "--count", 40, "--labels", "basic4").code == 0
    assert mien("data", "split", "toy/faces.csv").code == 0
    arguments = ("--data", "toy/faces.csv", "--draws", 2, "--tile-px", 24)
    assert mien("recipes", "preview", "toy", *arguments, "--out", "a.png") == (0, "written: a.png\n", "")
    changed = mien("recipes", "preview", "toy", *arguments, "--out", "b.png", "--set", "augment.level=3")
    assert changed.code == 0
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()
    assert mien("recipes", "preview", "toy", *arguments, "--out", "c.png", "--levels").code == 0
    wrong = mien("recipes", "preview", "toy", *arguments, "--out", "d.png", "--set", "augment.levle=3")
    assert wrong.code == 2
    assert "did you mean level" in wrong.err
