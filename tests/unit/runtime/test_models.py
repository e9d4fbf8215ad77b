"""Names and paths of models."""

import pytest

from mien.errors import ModelError
from mien.runtime import models


@pytest.fixture
def places(tmp_path, monkeypatch):
    for folder in ("shipped", "store"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(models, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path / "store"))
    return tmp_path


def test_the_store_hides_what_ships(places):
    for name in ("shipped/default.onnx", "shipped/small.onnx", "store/default.onnx", "store/notes.txt"):
        (places / name).touch()
    found = models.available()
    assert found == {"default": places / "store/default.onnx", "small": places / "shipped/small.onnx"}
    assert models.locate("small") == places / "shipped/small.onnx"
    assert models.locate(places / "store/notes.txt") == places / "store/notes.txt"


def test_unknown_names_and_missing_files(places):
    (places / "store/smiles.onnx").touch()
    with pytest.raises(ModelError, match="did you mean 'smiles'"):
        models.locate("smile")
    for missing in ("smile.onnx", "runs/first/model"):
        with pytest.raises(ModelError, match=r"no such model file.*mien export"):
            models.locate(missing)


def test_one_or_several(places):
    for name in ("a", "b"):
        (places / f"store/{name}.onnx").touch()
    assert [path.stem for path in models.locate_all("a")] == ["a"]
    assert [path.stem for path in models.locate_all(["b", places / "store/a.onnx"])] == ["b", "a"]
    with pytest.raises(ModelError, match="no model given"):
        models.locate_all([])
