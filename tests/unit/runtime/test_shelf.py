"""Models come into the store whole and checked, and go."""

import hashlib
import json
from datetime import UTC, datetime

import onnx
import pytest

from mien.errors import DownloadError, InputError, ModelError
from mien.evaluate.stamp import change_card
from mien.faces import detector
from mien.faces.yunet import SHIPPED
from mien.runtime import models, shelf
from mien.runtime.download import Limits
from mien.runtime.recognizer import Recognizer
from mien.runtime.session import Opened

QUICK = Limits(wait_s=0.001, timeout_s=0.3, retries=1)


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """An empty model store."""
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path / "store"))
    return tmp_path / "store"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(store):
    """Everything in the store."""
    return sorted(str(path.relative_to(store)) for path in store.rglob("*") if path.is_file())


def test_a_copy_with_a_record(store, colours):
    path = colours("mine.onnx")
    entry = shelf.add(path)
    assert (entry.name, entry.path, entry.is_shipped) == ("mine", store / "mine.onnx", False)
    assert files(store) == ["mine.onnx", "mine.onnx.json"]
    assert entry.path.read_bytes() == path.read_bytes()
    assert json.loads((store / "mine.onnx.json").read_text()) == {
        "format": 1,
        "sha256": digest(path),
        "bytes": path.stat().st_size,
        "kind": "recognizer",
        "source": str(path),
        "added": datetime.now(UTC).date().isoformat(),
    }
    path.unlink()
    assert Recognizer("mine", detector="whole").labels.names == ("angry", "happy", "sad")


def test_names(store, colours):
    path = colours("mine.onnx")
    assert shelf.add(path, "other.v2").path == store / "other.v2.onnx"
    assert shelf.add(path, "third.onnx").path == store / "third.onnx"
    run = path.with_name("model.onnx")
    path.rename(run)
    assert shelf.add(run).name == "mine"  # by its card: every run's file is called model
    for name in ("../mine", "a/b", ".mine", "", "x" * 65, "mine\n"):
        with pytest.raises(ModelError, match="expected up to 64 letters"):
            shelf.add(run, name)
    for name in ("default", "subpixel", "libfacedetection", "bicubic"):
        with pytest.raises(ModelError, match=f"'{name}': mien has something of this name already; --name"):
            shelf.add(run, name)


def test_nothing_is_replaced_unasked(store, colours):
    shelf.add(colours("mine.onnx"))
    other = colours("other.onnx", classes=("a", "b", "c"))
    with pytest.raises(ModelError, match=r"mine\.onnx: there is a model of this name already; --replace"):
        shelf.add(other, "mine")
    assert Opened("mine").card.classes == ("angry", "happy", "sad")
    entry = shelf.add(other, "mine", replace=True)
    assert Opened("mine").card.classes == ("a", "b", "c")
    assert entry.record is not None
    assert entry.record.sha256 == digest(other)


def test_a_file_that_was_copied_by_hand_can_be_recorded(store, colours):
    store.mkdir()
    path = colours("mine.onnx").rename(store / "mine.onnx")
    assert shelf.find("mine").record is None
    assert shelf.add(path).record is not None
    with pytest.raises(ModelError, match="--replace"):
        shelf.add(path)


def test_what_is_no_model_does_not_come_in(store, colours, raw_network, tmp_path):
    with pytest.raises(ModelError, match=r"raw\.onnx: an ONNX file without a mien card"):
        shelf.add(raw_network(None))
    (tmp_path / "notes.onnx").write_text("no network")
    with pytest.raises(ModelError, match=r"notes\.onnx: not a model that ONNX Runtime can open"):
        shelf.add(tmp_path / "notes.onnx")
    with pytest.raises(ModelError, match=r"none\.onnx: no such file"):
        shelf.add(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match=f"its SHA-256 is {digest(colours())}, expected {'0' * 64}"):
        shelf.add(colours(), sha256="0" * 64)
    assert files(store) == []
    assert shelf.add(colours(), sha256=digest(colours()).upper()).name == "colours"


def test_a_model_in_several_files_says_so(store, colours, tmp_path):
    (tmp_path / "split").mkdir()
    path = tmp_path / "split" / "two.onnx"
    onnx.save(onnx.load(colours()), path, save_as_external_data=True, location="two.data", size_threshold=20)
    with pytest.raises(ModelError, match=r"split/two\.onnx: .*save it as one file"):
        shelf.add(path)
    assert files(store) == []


def test_a_detector_is_found_by_its_name(store, tmp_path):
    with pytest.raises(ModelError, match=r"is a face detector.*--name face_detection_yunet_new"):
        shelf.add(SHIPPED, "new")
    entry = shelf.add(SHIPPED, "face_detection_yunet_2023mar")
    assert entry.record is not None
    assert entry.record.kind == "detector"
    assert detector("yunet", min_score=0.63).min_score == 0.63  # not one that was built before


def test_remove(store, colours):
    shelf.add(colours("mine.onnx"))
    with pytest.raises(ModelError, match="did you mean 'mine'"):
        shelf.remove("mime")
    with pytest.raises(ModelError, match="ships with mien"):
        shelf.remove("default")
    shelf.remove("mine")
    assert files(store) == []
    with pytest.raises(ModelError, match="there are none in it"):
        shelf.remove("mine")


def test_entries_and_find(store, colours):
    shelf.add(colours("mine.onnx"))
    (store / ".half.onnx").write_bytes(b"still being written")
    names = {entry.name: entry.is_shipped for entry in shelf.entries()}
    assert names["default"]
    assert names["libfacedetection"]
    assert not names["mine"]
    assert ".half" not in names
    assert ".half" not in models.available()
    assert shelf.find(store / "mine.onnx") == shelf.find("mine")
    assert shelf.find(models.SHIPPED / "default.onnx").is_shipped
    elsewhere = shelf.find(colours("else.onnx"))
    assert (elsewhere.name, elsewhere.record) == ("else", None)
    with pytest.raises(ModelError, match="did you mean 'mine'"):
        shelf.find("mime")


def test_a_record_that_cannot_be_read(store, colours):
    entry = shelf.add(colours("mine.onnx"))
    (store / "mine.onnx.json").write_text("{")
    with pytest.raises(ModelError, match=r"mine\.onnx\.json: not a record of mien"):
        _ = entry.record


def test_a_changed_card_changes_the_record(store, colours):
    entry = shelf.add(colours("mine.onnx"))
    before = entry.record
    change_card("mine", temperature=2.0)
    assert before is not None
    assert entry.record is not None
    assert entry.record.sha256 == digest(entry.path) != before.sha256
    assert entry.record.source == before.source


def test_what_ships_is_not_changed(store):
    before = digest(models.SHIPPED / "srcnn.onnx")
    for model in ("srcnn", models.SHIPPED / "srcnn.onnx"):
        with pytest.raises(ModelError, match=r"srcnn\.onnx: comes with mien and stays as it is.*mien models add"):
            change_card(model, temperature=2.0)
    assert digest(models.SHIPPED / "srcnn.onnx") == before


def test_get(store, colours, file_server):
    path = colours("mine.onnx")
    file_server.content = path.read_bytes()
    entry = shelf.get(f"{file_server.url}/models/mine.onnx?key=secret", digest(path), limits=QUICK)
    assert (entry.name, files(store)) == ("mine", ["mine.onnx", "mine.onnx.json"])
    assert entry.record is not None
    assert entry.record.source == f"{file_server.url}/models/mine.onnx"
    assert entry.record.sha256 == digest(path)
    assert entry.path.stat().st_mode & 0o777 == path.stat().st_mode & 0o777
    assert len(file_server.asked) == 1
    again = shelf.get(f"{file_server.url}/models/mine.onnx", f"sha256:{digest(path)}", limits=QUICK)
    assert again == entry
    assert len(file_server.asked) == 1  # it is there already
    (store / "mine.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="--replace"):
        shelf.get(f"{file_server.url}/models/mine.onnx", digest(path), limits=QUICK)
    shelf.get(f"{file_server.url}/models/mine.onnx", digest(path), replace=True, limits=QUICK)
    assert digest(store / "mine.onnx") == digest(path)


def test_get_asks_for_nothing_when_the_name_is_taken(store, colours, file_server):
    shelf.add(colours("mine.onnx"))
    for name in ("mine", "default", "a b"):
        with pytest.raises(ModelError):
            shelf.get(f"{file_server.url}/x.onnx", "0" * 64, name, limits=QUICK)
    with pytest.raises(ModelError, match="--name"):
        shelf.get(f"{file_server.url}/", "0" * 64, limits=QUICK)
    with pytest.raises(DownloadError, match="64 hexadecimal"):
        shelf.get(f"{file_server.url}/x.onnx", "0", limits=QUICK)
    assert file_server.asked == []


def test_get_keeps_nothing_that_is_no_model(store, file_server, raw_network):
    path = raw_network(None)
    file_server.content = path.read_bytes()
    with pytest.raises(ModelError, match=rf"{file_server.url}/raw.onnx: an ONNX file without a mien card"):
        shelf.get(f"{file_server.url}/raw.onnx", digest(path), limits=QUICK)
    file_server.ways = [404]
    with pytest.raises(DownloadError, match="404"):
        shelf.get(f"{file_server.url}/raw.onnx", digest(path), limits=QUICK)
    assert files(store) == []


def test_a_folder_that_is_a_file(tmp_path, monkeypatch, colours):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path / "file"))
    with pytest.raises((InputError, OSError)) as caught:
        shelf.add(colours())
    assert isinstance(caught.value, InputError) or caught.value.filename is not None
