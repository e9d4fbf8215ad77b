"""Every data source gives the same manifest of the same faces, saves it, and refuses what it cannot read."""

import inspect

import numpy as np
import pytest

from mien.data.sources import SOURCES, detect, scan
from mien.data.sources.toy import toy_faces
from mien.errors import InputError, ManifestError, UnknownName
from mien.images import read, write
from mien.labels import Labels
from mien.manifest import Manifest

FER7 = Labels.named("fer7")
COUNT = 14
SPLITS = ["train"] * 7 + ["val"] * 7


@pytest.fixture(scope="module")
def faces():
    drawn = toy_faces(COUNT, labels=FER7, size_px=32, subjects=4)
    return drawn.images[..., 1], drawn.targets


def lay_folder(place, images, targets):
    for row, image in enumerate(images):
        write(place / SPLITS[row] / FER7.names[targets[row]] / f"{row:02d}.png", image)
    return place


def lay_csv(place, images, targets):
    lines = ["file,expression,split"]
    for row, image in enumerate(images):
        write(place / "pictures" / f"{row:02d}.png", image)
        lines.append(f"pictures/{row:02d}.png,{FER7.names[targets[row]]},{SPLITS[row]}")
    (place / "table.csv").write_text("\n".join(lines))
    return place / "table.csv"


def lay_fer2013(place, images, targets):
    usage = {"train": "Training", "val": "PublicTest"}
    rows = [
        f"{targets[row]},{' '.join(map(str, image.ravel()))},{usage[SPLITS[row]]}" for row, image in enumerate(images)
    ]
    (place / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    return place


def lay_npz(place, images, targets):
    names = np.array(FER7.names)[targets]
    np.savez(place / "faces.npz", images=images, labels=names, split=np.array(SPLITS))
    return place / "faces.npz"


LAYERS = {"folder": lay_folder, "csv": lay_csv, "fer2013": lay_fer2013, "npz": lay_npz}


@pytest.fixture
def laid(faces, tmp_path):
    def lay(name):
        (tmp_path / "data").mkdir()
        return LAYERS[name](tmp_path / "data", *faces)

    return lay


def test_every_source_is_tried_here():
    assert set(LAYERS) == set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_has_the_common_arguments(name):
    parameters = inspect.signature(SOURCES.load(name)).parameters
    assert next(iter(parameters)) == "path"
    assert {"out", "labels", "progress", "say"} <= set(parameters)


@pytest.mark.parametrize("name", SOURCES)
def test_pictures_labels_and_splits_arrive(name, laid, faces, tmp_path):
    source = laid(name)
    assert detect(source) == name
    steps = []
    data = scan(source, tmp_path / "out" / "m.csv", domain="drawn", progress=lambda done, total: steps.append(done))
    assert data.labels == FER7
    assert len(data) == COUNT == steps[-1]
    assert set(data.frame["domain"]) == {"drawn"}
    found = sorted(
        (read(path).tobytes(), label, split)
        for path, label, split in zip(data.paths(), data.frame["label"], data.frame["split"], strict=True)
    )
    images, targets = faces
    expected = sorted(
        (read(image).tobytes(), FER7.names[target], split)
        for image, target, split in zip(images, targets, SPLITS, strict=True)
    )
    assert found == expected


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_written_is_what_is_read(name, laid, tmp_path):
    data = scan(laid(name), tmp_path / "m.csv")
    again = Manifest.load(tmp_path / "m.csv")
    assert again.labels == data.labels
    assert again.digest() == data.digest()
    again.check_files()
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".npy") == (
        ["m.npy"] if name in ("fer2013", "npz") else []
    )


@pytest.mark.parametrize("name", SOURCES)
def test_nonsense_is_refused_and_leaves_nothing(name, tmp_path):
    (tmp_path / "in").mkdir()
    nonsense = tmp_path / "in" / "nonsense.bin"
    nonsense.write_bytes(b"\x00\x01nonsense")
    with pytest.raises(InputError, match="nonsense"):
        scan(nonsense, tmp_path / "m.csv", source=name)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("name", SOURCES)
def test_an_unknown_option_is_named(name, tmp_path):
    with pytest.raises(InputError, match="has no option 'colour'"):
        scan(tmp_path, tmp_path / "m.csv", source=name, colour="red")


def test_unknown_things_are_named(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'folder'"):
        scan(tmp_path, tmp_path / "m.csv", source="foldr")
    with pytest.raises(ManifestError, match="no such file"):
        scan(tmp_path / "gone", tmp_path / "m.csv")
    with pytest.raises(ManifestError, match=r"\.csv or \.parquet"):
        scan(tmp_path, tmp_path / "m.txt")
    with pytest.raises(InputError, match="origin"):
        scan(tmp_path, tmp_path / "m.csv", origin="painted")
    write(tmp_path / "a.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(ManifestError, match="one picture is not a data set"):
        detect(tmp_path / "a.png")


def test_the_manifest_never_replaces_its_source(laid):
    table = laid("csv")
    with pytest.raises(ManifestError, match="replace the data"):
        scan(table, table)
