"""Recipes: where values come from, and all mistakes at once with the nearest right names."""

import pytest
import yaml

from mien.errors import RecipeError
from mien.recipe import Recipe, locate, shipped
from mien.table import Table

TABLES = {
    "backbone": Table("backbone", {"plain48": ("m:f", ""), "timm:<name>": ("m:f", "")}),
    "loss": Table("loss", {"cross_entropy": ("m:f", "")}),
    "head": Table("head", {"linear": ("m:f", ""), "mlp": ("m:f", "")}),
}


@pytest.fixture
def written(tmp_path):
    """Write a recipe and give its path."""

    def write(text, name="mine.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def mistakes(*arguments, **tables):
    with pytest.raises(RecipeError) as caught:
        Recipe.load(*arguments, **tables)
    assert str(caught.value).count("\n") == len(caught.value.mistakes)  # a head line, and one line each
    return caught.value.mistakes


def test_an_empty_part_means_the_defaults(written):
    recipe = Recipe.load(written("schedule: {epochs: 3}\n"))
    assert (recipe.name, recipe.schedule.epochs, recipe.runtime.batch) == ("mine", 3, 64)
    assert recipe.model_copy(update={"name": "custom", "schedule": Recipe().schedule}) == Recipe()


def test_all_mistakes_at_once_with_the_nearest_names(written):
    path = written("model: {backbone: plain84}\nloss: {smooting: 0.1}\nruntime: {batch: 1}\nschedul: {epochs: 3}\n")
    found = mistakes(path, tables=TABLES)
    assert len(found) == 4
    lines = {line.split(":")[0]: line for line in found}
    assert lines["model.backbone"] == "model.backbone: unknown backbone 'plain84': did you mean 'plain48'?"
    assert lines["loss.smooting"] == "loss.smooting: unknown key; did you mean smoothing?"
    assert lines["schedul"] == "schedul: unknown key; did you mean schedule?"
    assert "greater than or equal to 2" in lines["runtime.batch"]
    assert lines["runtime.batch"].endswith("got 1")


def test_mistakes_of_overrides_are_told_with_the_others(written):
    path = written("runtime: {precision: half}\n")
    found = mistakes(path, ["epochs", "name.x=1", "schedule.epochs=[", "optimizer.rate=-1"])
    assert [line.split(":")[0] for line in found] == [
        "--set epochs", "--set name.x=1", "--set schedule.epochs=[", "optimizer.rate", "runtime.precision",
    ]  # fmt: skip
    assert "expected part.key=value" in found[0]
    assert "name is a value, not a part" in found[1]
    assert "not valid YAML" in found[2]
    assert "'32', 'bf16' or 'fp16'" in found[4]
    assert "got 'half'" in found[4]


def test_a_key_deep_down_and_one_like_no_other(written):
    path = written("model: {head: {droput: 0.5, zzz: 1}}\npreprocess: {size: 64}\n")
    found = mistakes(path)
    assert found[0] == "preprocess.size: unknown key; did you mean size_px?"
    assert found[1] == "model.head.droput: unknown key; did you mean dropout?"
    assert found[2] == "model.head.zzz: unknown key; known here: name, dropout, hidden, reduction"


def test_names_of_libraries_are_checked_by_their_first_part(written):
    assert Recipe.load(written("model: {backbone: 'timm:anything'}"), tables=TABLES).model.backbone == "timm:anything"
    (line,) = mistakes(written("model: {backbone: 'tim:resnet18'}"), tables=TABLES)
    assert "did you mean 'timm:<name>'" in line


def test_values_of_a_parent_below_those_of_the_file(written):
    written("schedule: {name: cosine, epochs: 9}\nmodel: {head: {name: mlp, hidden: [8]}}\nname: base\n", "base.yaml")
    recipe = Recipe.load(written("extends: base\nname: mine\nschedule: {epochs: 2}\nmodel: {head: {dropout: 0.5}}\n"))
    assert (recipe.schedule.name, recipe.schedule.epochs) == ("cosine", 2)
    assert (recipe.model.head.name, recipe.model.head.hidden, recipe.model.head.dropout) == ("mlp", (8,), 0.5)
    assert recipe.name == "mine"


def test_a_shipped_recipe_can_be_the_parent(written):
    recipe = Recipe.load(written("extends: s3\nschedule: {epochs: 1}\n"))
    assert (recipe.model.backbone, recipe.model.head.hidden, recipe.schedule.epochs) == ("plain48", (512, 256), 1)


def test_one_level_of_parents_only(written):
    written("schedule: {epochs: 9}\n", "a.yaml")
    written("extends: a\n", "b.yaml")
    (line,) = mistakes(written("extends: b\n"))
    assert "only one level" in line
    assert "neither a file nor a shipped recipe" in mistakes(written("extends: nobody\n"))[0]


def test_overrides_win_and_are_yaml(written):
    changes = ["schedule.epochs=5", "augment.policy=none", "runtime.clip=null", "preprocess.mean=[0.1, 0.2, 0.3]"]
    recipe = Recipe.load(written("schedule: {epochs: 3}\nruntime: {clip: 1.0}\n"), [*changes, "model.head.dropout=0.5"])
    assert (recipe.schedule.epochs, recipe.augment.policy, recipe.runtime.clip) == (5, "none", None)
    assert (recipe.preprocess.mean, recipe.model.head.dropout) == ((0.1, 0.2, 0.3), 0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [1", "not valid YAML"), ("- a\n- b\n", "mapping of parts"), ("", "mapping of parts"), ("7", "mapping")],
)
def test_files_that_are_no_recipes(written, text, message):
    (line,) = mistakes(written(text))
    assert message in line


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00\x9c")
    assert "cannot be read" in mistakes(tmp_path / "x.yaml")[0] or "not valid" in mistakes(tmp_path / "x.yaml")[0]


def test_a_part_that_is_a_value(written):
    (line,) = mistakes(written("model: plain48\n"))
    assert line.startswith("model: ")


def test_an_unknown_name_tells_the_shipped_ones():
    with pytest.raises(RecipeError, match="shipped: default"):
        locate("defautl")
    assert locate("s3") == shipped()["s3"]


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_recipes_are_fine_and_resolve_to_themselves(name, tmp_path):
    from mien.train.tables import load_recipe

    recipe = load_recipe(name)
    (tmp_path / f"{name}.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    assert load_recipe(tmp_path / f"{name}.yaml") == recipe
    assert set(yaml.safe_load(recipe.to_yaml())) == set(Recipe.model_fields)


def test_a_recipe_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        Recipe().name = "other"


def test_a_key_in_the_wrong_place_is_shown_the_right_one():
    lines = mistakes({"num_epochs": 3, "dropout": 0.5, "model": {"batch_size": 4}, "loss": {"label_smoothing": 0.1}})
    assert {line.split(":")[0]: line.split("did you mean ")[1] for line in lines} == {
        "num_epochs": "schedule.epochs?",
        "dropout": "model.head.dropout?",
        "model.batch_size": "runtime.batch?",
        "loss.label_smoothing": "smoothing?",
    }


def test_parts_given_as_a_mapping(tmp_path, monkeypatch):
    parts = {"extends": "s3", "schedule": {"epochs": 4}}
    recipe = Recipe.load(parts, ["schedule.epochs=5", "runtime.batch=7"])
    assert (recipe.schedule.epochs, recipe.runtime.batch, recipe.model.head.hidden) == (5, 7, (512, 256))
    assert parts == {"extends": "s3", "schedule": {"epochs": 4}}  # what was given stays as it was
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text("schedule: {epochs: 9}\n")
    assert Recipe.load({"extends": "base"}).schedule.epochs == 9
    with pytest.raises(RecipeError, match=r"recipe: 1 mistake\n  - modl: unknown key; did you mean model\?"):
        Recipe.load({"modl": {}})


def test_a_recipe_given_is_checked_again():
    given = Recipe.model_validate({"name": "mine", "model": {"backbone": "plain84"}, "data": {"labels": ["a", "b"]}})
    assert Recipe.load(given) == given
    assert Recipe.load(given, ["schedule.epochs=2"]).schedule.epochs == 2
    with pytest.raises(RecipeError, match=r"mine: 1 mistake\n  - model.backbone: unknown backbone 'plain84'"):
        Recipe.load(given, tables=TABLES)


def test_overrides_reach_into_lists():
    phases = [{"name": "a", "epochs": 1}, {"name": "b", "epochs": 2}]
    found = Recipe.load({"phases": phases}, ["phases.1.epochs=5", "phases.0.schedule.name=onecycle"])
    assert [phase.epochs for phase in found.phases] == [1, 5]
    assert phases[1]["epochs"] == 2, "what was given has not changed"
    assert found.epochs == 6
    with pytest.raises(RecipeError, match=r"--set phases.2.epochs=1: there are 2 of them, numbered from 0"):
        Recipe.load({"phases": phases}, ["phases.2.epochs=1"])


def test_stages_are_whole_recipes():
    recipe = Recipe.load(
        {
            "optimizer": {"rate": 0.5},
            "augment": {"level": 3},
            "phases": [{"name": "a", "epochs": 2, "augment": {"mixup": 0.1}}, {"name": "b", "epochs": 3}],
        }
    )
    first, second = recipe.stages()
    assert (first.schedule.epochs, first.augment.level, first.augment.mixup, first.optimizer.rate) == (2, 3, 0.1, 0.5)
    assert (second.schedule.epochs, second.augment.mixup, second.phases) == (3, 0, ())
    assert Recipe().stages() == [Recipe()]
