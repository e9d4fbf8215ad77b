import json

import numpy as np
import pytest

from mien.bias.pictures import manifest_of
from mien.errors import InputError
from mien.images import write
from mien.labels import Labels

MODEL = Labels(("angry", "happy", "sad"))


@pytest.fixture
def folder(tmp_path):
    for name in ("happy/1", "happy/2", "sad/3"):
        (tmp_path / "classes" / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path / "classes" / f"{name}.png", np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "loose").mkdir()
    for name in ("1", "2", "3"):
        write(tmp_path / "loose" / f"{name}.png", np.zeros((4, 4, 3), np.uint8))
    return tmp_path


def truth(folder, content) -> str:
    path = folder / "truth.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_class_folders(folder):
    found = manifest_of(folder / "classes", None, MODEL)
    assert sorted(found.frame["label"]) == ["happy", "happy", "sad"]
    found.check_files()
    assert not (folder / "classes" / "manifest.csv").exists()


def test_a_json_file_says_which_is_which(folder):
    found = manifest_of(folder / "loose", truth(folder, {"1.png": "sad", "3.png": "happy"}), MODEL)
    assert list(found.frame["label"]) == ["sad", "happy"]
    found.check_files()
    one = manifest_of(folder / "classes", truth(folder, {"happy/1.png": "sad"}), MODEL)
    assert one.labels == MODEL


def test_loose_pictures_have_no_label(folder):
    found = manifest_of(folder / "loose", None, MODEL)
    assert found.labels == MODEL
    assert (found.targets() == -1).all()


def test_what_is_wrong_is_named(folder):
    with pytest.raises(InputError, match="no such folder"):
        manifest_of(folder / "none", None, MODEL)
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match="without pictures"):
        manifest_of(folder / "empty", None, MODEL)
    with pytest.raises(InputError, match=r"'9.png' and 1 more, which is not in"):
        manifest_of(folder / "loose", truth(folder, {"9.png": "sad", "8.png": "sad"}), MODEL)
    for content in ("[]", "{}", '{"1.png": 3}', "no json"):
        with pytest.raises(InputError, match=r"truth\.json"):
            manifest_of(folder / "loose", truth(folder, content), MODEL)
    with pytest.raises(InputError, match="no such file"):
        manifest_of(folder / "loose", folder / "none.json", MODEL)
