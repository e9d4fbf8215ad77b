"""What a sweep may search: forms, all mistakes at once, and values that go into a recipe and come out again."""

import subprocess
import sys

import pytest
import yaml

from mien.errors import RecipeError, UnknownName
from mien.recipe import Recipe
from mien.train.sweep.space import Choice, Range, Space, check_method, text_of


def test_all_mistakes_are_told_at_once():
    searches = [
        "optimizer.rate",
        "optimzer.rate=log(1e-4, 1e-2)",
        "loss.smooting=uniform(0, 1)",
        "loss.smoothing=uniform(0, 1)",
        "augment.level=int(0, 9)",
        "model.backbone=choice(plain48, plain84)",
        "runtime.batch=lgo(1, 2)",
        "runtime.metric=choice(accuracy, macro_f1)",
        "schedule.epochs=int(5, 1)",
        "optimizer.momentum=log(0, 0.9)",
        "runtime.accumulate=uniform(1, 8)",
        "augment.mixup=uniform(0, 1, 0.3)",
        "runtime.clip=log(1)",
        "augment.cutmix=choice(0.2)",
    ]
    with pytest.raises(RecipeError) as caught:
        Space.read(Recipe(), searches)
    assert caught.value.mistakes == [
        "--search optimizer.rate: expected part.key=form, e.g. optimizer.rate=log(1e-4, 1e-2)",
        *[line for line in caught.value.mistakes[1:3]],
        "loss.smoothing: Input should be less than 1, got 1.0",
        "augment.level: Input should be less than or equal to 3, got 9",
        "model.backbone: unknown backbone 'plain84': did you mean 'plain48'?",
        "runtime.batch: unknown form 'lgo': did you mean 'log'?",
        "runtime.metric: cannot be searched, since trials are compared by it",
        "schedule.epochs: int(5, 1): 5 is not below 1",
        "optimizer.momentum: log(0, 0.9): a logarithm needs numbers above 0",
        "runtime.accumulate: Input should be a valid integer, got a number with a fractional part, got 3.674",
        "augment.mixup: uniform(0, 1, 0.3): steps of 0.3 do not lead from 0 to 1",
        "runtime.clip: log(1): expected log(1e-4, 1e-2)",
        "augment.cutmix: choice(0.2): expected two values or more, all different",
    ]
    assert "optimzer: unknown key" in caught.value.mistakes[1]
    assert "smoothing" in caught.value.mistakes[2]


def test_mistakes_need_neither_torch_nor_optuna():
    script = (
        "import sys\nsys.modules['torch'] = sys.modules['optuna'] = None\n"
        "sys.argv = ['mien', 'sweep', 'toy', '--data', 'x.csv', '--search', 'augment.level=int(0, 9)']\n"
        "from mien.cli.app import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "augment.level: Input should be less than or equal to 3" in done.stderr


def test_a_file_and_the_command_line_together(tmp_path):
    file = tmp_path / "space.yaml"
    file.write_text(
        "optimizer:\n  rate: log(1e-4, 1e-2)\n  name: [adamw, sgd]\nmodel.head.hidden: [[], [8, 8]]\n"
        "augment.level: int(0, 3)\n"
    )
    space = Space.read(Recipe(), ["augment.level=choice(1, 2)"], file)
    assert space.dimensions == {
        "optimizer.rate": Range(1e-4, 1e-2, is_log=True),
        "optimizer.name": Choice(("adamw", "sgd")),
        "model.head.hidden": Choice(([], [8, 8])),
        "augment.level": Choice((1, 2)),
    }
    values = {"optimizer.rate": 2e-4, "optimizer.name": "sgd", "model.head.hidden": [8, 8], "augment.level": 2}
    recipe = space.recipe_at(values)
    assert recipe.optimizer.rate == 2e-4
    assert recipe.model.head.hidden == (8, 8)
    assert recipe.model_copy(update={part: getattr(Recipe(), part) for part in ("optimizer", "model", "augment")}) == (
        Recipe()
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "not valid YAML"), ("- a", "expected lines"), (None, "cannot be read"), ("", "expected lines")],
)
def test_a_file_that_is_no_space(tmp_path, text, message):
    if text is not None:
        (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(RecipeError, match=message):
        Space.read(Recipe(), file=tmp_path / "space.yaml")


def test_nothing_to_search():
    with pytest.raises(RecipeError, match="name values"):
        Space.read(Recipe())


@pytest.mark.parametrize(
    ("form", "inside", "outside", "points"),
    [
        ("uniform(0, 0.5)", [0, 0.123, 0.5], [0.6, -0.1, "0.1", True, None], None),
        ("uniform(0, 0.6, 0.2)", [0, 0.2, 0.4, 0.6], [0.1], [0.0, 0.2, 0.4, 0.6]),
        ("log(1e-4, 1e-2)", [1e-4, 0.0033], [0], None),
        ("int(0, 3)", [0, 2], [2.5, 4], [0, 1, 2, 3]),
        ("int(16, 64, 16)", [16, 48], [17], [16, 32, 48, 64]),
        ("logint(1, 4)", [3], [5], [1, 2, 3, 4]),
        ("choice(0, 1e-4, true, null)", [0.0, 0.0001, True, None], [1, False, "null"], [0, 1e-4, True, None]),
    ],
)
def test_what_lies_in_a_dimension(form, inside, outside, points):
    dimension = Space.read(Recipe(), [f"model.options.x={form}"]).dimensions["model.options.x"]
    assert all(map(dimension.holds, inside))
    assert not any(map(dimension.holds, outside))
    assert dimension.points() == points
    again = Space.read(Recipe(), [f"model.options.x={dimension}"]).dimensions["model.options.x"]
    assert again == dimension


@pytest.mark.parametrize("value", [1e-5, "cross_entropy", None, True, [8, 16], "a: b", "null", "1", 0.5, 3, {"a": 1}])
def test_a_value_is_read_back_as_it_is(value):
    text = text_of(value)
    assert "\n" not in text
    assert yaml.safe_load(text) == value


def test_the_start_is_the_recipe_when_it_lies_in_the_space():
    assert Space.read(Recipe(), ["loss.smoothing=choice(0, 0.1)"]).start() == {"loss.smoothing": 0.0}
    assert Space.read(Recipe(), ["optimizer.rate=log(1e-2, 1e-1)"]).start() is None


def test_a_value_that_every_phase_sets_is_no_search():
    phases = [{"name": "a", "epochs": 1, "loss": {"smoothing": 0.1}}, {"name": "b", "epochs": 1}]
    searches = ["loss.smoothing=uniform(0, 0.5)", "schedule.epochs=int(1, 9)"]
    with pytest.raises(RecipeError) as caught:
        Space.read(Recipe.model_validate({"phases": phases}), searches)
    assert caught.value.mistakes == [
        "schedule.epochs: searching it changes nothing, since every phase of the recipe sets it"
    ]


def test_a_method_that_cannot_search_the_space():
    space = Space.read(Recipe(), ["loss.smoothing=uniform(0, 0.5)", "optimizer.name=choice(adamw, sgd)"])
    with pytest.raises(RecipeError, match=r"loss\.smoothing: give a step"):
        check_method(space, "grid", "none")
    with pytest.raises(RecipeError, match="two ranges"):
        check_method(space, "cmaes", "none")
    with pytest.raises(UnknownName, match="'tpe'"):
        check_method(space, "tpee", "none")
    with pytest.raises(UnknownName, match="'median'"):
        check_method(space, "tpe", "medain")
