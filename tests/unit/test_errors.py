"""The exception tree, and the way out of a missing package."""

import inspect

import pytest

from mien import errors


def test_the_drawing_shows_every_error():
    classes = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and value.__module__ == "mien.errors"
    }
    drawn = {word for word in (errors.__doc__ or "").split() if word in classes}
    assert drawn == classes
    assert all(issubclass(getattr(errors, name), errors.MienError) for name in classes)


def test_all_mistakes_of_a_recipe_in_one_message():
    error = errors.RecipeError("my.yaml", ["first", "second"])
    assert str(error) == "my.yaml: 2 mistakes\n  - first\n  - second"
    assert str(errors.RecipeError("my.yaml", ["only"])).startswith("my.yaml: 1 mistake\n")


def test_need_gives_the_module_or_the_line_that_installs_it():
    assert errors.need("json", "lab", "reading").loads("1") == 1
    with pytest.raises(errors.MissingExtra) as caught:
        errors.need("no_such_package.part", "lab", "reading a manifest")
    assert str(caught.value) == (
        "reading a manifest needs no_such_package, which is not installed: pip install 'mien[lab]'"
    )


def test_a_package_that_is_there_but_broken_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import no_such_thing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_thing"):
        errors.need("broken_package", "lab", "anything")
