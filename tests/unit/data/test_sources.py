"""What is particular to each data source."""

import numpy as np
import pytest

from mien.data.sources import ferplus, scan
from mien.data.sources.arrays import appending
from mien.data.sources.naming import split_name
from mien.errors import InputError, LabelError, ManifestError
from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest

GREY = np.full((8, 8), 99, np.uint8)


def tree(root, *files):
    for number, file in enumerate(files):
        write(root / file, GREY + np.uint8(number))
    return root


@pytest.mark.parametrize(
    ("name", "split"),
    [("Training", "train"), ("validation", "val"), ("valid", "val"), ("PublicTest", "val"), ("PrivateTest", "test"),
     ("Testing", "test"), ("happy", None)],
)  # fmt: skip
def test_names_of_splits(name, split):
    assert split_name(name) == split


def test_folder_aliases_hidden_and_other_files(tmp_path):
    data = tree(tmp_path / "in", "train/Anger/1.png", "train/happiness/1.png", "validation/happy/deep/er/2.jpg")
    (data / "train/Anger/.DS_Store").write_bytes(b"x")
    (data / "train/Anger/notes.txt").write_text("x")
    (data / "train/sad").mkdir()
    (data / "logs").mkdir()
    notes = []
    found = scan(data, tmp_path / "m.csv", say=notes.append)
    assert found.frame[["label", "split"]].values.tolist() == [["angry", "train"], ["happy", "train"], ["happy", "val"]]
    assert notes == [
        "left out: files that are not pictures: *.txt",
        "left out: hidden files",
        "left out: the folder logs beside the split folders",
        "folders without pictures: sad",
    ]


def test_folder_inside_of_a_wrapping_folder(tmp_path):
    found = scan(tree(tmp_path / "in", "set/faces/happy/1.png", "set/faces/sad/1.png"), tmp_path / "m.csv")
    assert found.frame["label"].tolist() == ["happy", "sad"]


def test_folder_of_classes_that_no_set_knows(tmp_path):
    found = scan(tree(tmp_path / "in", "train/Calm/1.png", "test/calm/2.png", "train/loud/3.png"), tmp_path / "m.csv")
    assert sorted(found.frame["label"]) == ["Calm", "Calm", "loud"]


def test_folder_numbers_need_a_label_set(tmp_path):
    data = tree(tmp_path / "in", "0/1.png", "3/1.png")
    with pytest.raises(LabelError, match="--labels"):
        scan(data, tmp_path / "m.csv")
    assert scan(data, tmp_path / "m.csv", labels=Labels.named("fer7")).frame["label"].tolist() == ["angry", "happy"]
    with pytest.raises(LabelError, match="class number 3, but custom has 2 classes"):
        scan(data, tmp_path / "m.csv", labels=Labels(("a", "b")))


def test_folder_layouts_that_make_no_sense(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError, match="no class folder"):
        scan(tmp_path / "empty", tmp_path / "m.csv")
    with pytest.raises(ManifestError, match="2 pictures lie directly in it"):
        scan(tree(tmp_path / "flat", "1.png", "2.png"), tmp_path / "m.csv")
    with pytest.raises(ManifestError, match="only one class folder"):
        scan(tree(tmp_path / "one", "happy/1.png"), tmp_path / "m.csv")
    with pytest.raises(LabelError, match="'sad'"):
        scan(tree(tmp_path / "two", "happy/1.png", "sad/1.png"), tmp_path / "m.csv", labels=Labels(("happy", "angry")))


def test_folder_subjects_from_file_names(tmp_path):
    data = tree(tmp_path / "in", "happy/Ada_L_0001.png", "sad/Ada_L_0002.png", "sad/other.png")
    notes = []
    found = scan(data, tmp_path / "m.csv", subject_from=r"^(.+)_\d+", say=notes.append)
    assert found.frame["subject"].tolist() == ["Ada_L", "Ada_L", ""]
    assert notes == ["no subject found in the names of 1 of 3 files"]
    with pytest.raises(InputError, match="not a regular expression"):
        scan(data, tmp_path / "m.csv", subject_from="(")
    with pytest.raises(InputError, match="matches none"):
        scan(data, tmp_path / "m.csv", subject_from="xyz")


def test_csv_keeps_columns_and_guesses_names(tmp_path):
    tree(tmp_path, "p/a.png", "p/b.png")
    (tmp_path / "t.csv").write_text(
        "\ufeffFilename, Emotion ,Usage,age,Person\na.png,2,Training,31,x\nb.png,,PrivateTest,,y\n"
    )
    notes = []
    labels = Labels.named("fer7")
    found = scan(tmp_path / "t.csv", tmp_path / "m.csv", images=tmp_path / "p", labels=labels, say=notes.append)
    frame = found.frame
    assert frame[["image", "label", "split", "subject"]].values.tolist() == [
        ["p/a.png", "fear", "train", "x"],
        ["p/b.png", "", "test", "y"],
    ]
    assert frame["age"].fillna(0).tolist() == [31, 0]
    assert notes == ["1 of 2 rows have no label"]


def test_csv_mistakes(tmp_path):
    tree(tmp_path, "a.png")
    table = tmp_path / "t.csv"
    table.write_text("image,label\na.png,happy\ngone.png,sad\n")
    notes = []
    scan(table, tmp_path / "m.csv", say=notes.append)
    assert "row 2" in notes[0]
    assert "1 of 2" in notes[0]
    table.write_text("image,label\nx.png,happy\n")
    with pytest.raises(ManifestError, match="--images"):
        scan(table, tmp_path / "m.csv")
    table.write_text("picture,label\na.png,happy\n")
    with pytest.raises(ManifestError, match="no column of images among picture, label; name it with --image"):
        scan(table, tmp_path / "m.csv")
    with pytest.raises(ManifestError, match="did you mean 'picture'"):
        scan(table, tmp_path / "m.csv", image="pictur")
    table.write_text("image,label\n,happy\n")
    with pytest.raises(ManifestError, match="row 1 has no image"):
        scan(table, tmp_path / "m.csv")


def fer(folder, rows, votes=None):
    folder.mkdir(exist_ok=True)
    (folder / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    if votes is not None:
        header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
        (folder / "fer2013new.csv").write_text("\n".join([header, *votes]))
    return folder


def test_fer2013_with_votes(tmp_path):
    rows = ["3,0 1 2 255,Training", "0,9 9 9 9,PublicTest", "6,7 7 7 7,PrivateTest"]
    votes = [
        "Training,a.png,1,7,0,0,0,0,0,2,0,0",
        "PublicTest,b.png,0,0,0,0,4,0,1,0,5,0",
        "PrivateTest,,0,0,0,0,0,0,0,0,0,10",
    ]
    data = fer(tmp_path / "in", rows, votes)
    found = scan(data, tmp_path / "m.csv")
    assert found.frame["label"].tolist() == ["happy", "angry", "neutral"]
    assert found.frame["split"].tolist() == ["train", "val", "test"]
    assert found.labels.id == Manifest.load(tmp_path / "m.csv").labels.id == "ferplus8"
    # ferplus8: angry disgust fear happy sad surprise neutral contempt
    assert found.votes().astype(int).tolist() == [[0, 0, 0, 7, 0, 0, 1, 2], [4, 0, 1, 0, 0, 0, 0, 0], [0] * 8]
    assert found.frame["votes_unknown"].tolist() == [0, 5, 0]
    assert found.frame["votes_not_face"].tolist() == [0, 0, 10]
    assert np.load(tmp_path / "m.npy")[0].tolist() == [[0, 1], [2, 255]]
    notes = []
    majority = scan(data, tmp_path / "m.csv", label="ferplus", say=notes.append)
    assert majority.frame["label"].tolist() == ["happy", "", ""]
    assert notes == ["2 of 3 pictures have no FER+ majority: their label stays empty"]


@pytest.mark.parametrize(
    ("votes", "label"),
    [
        ([6, 1, 0, 0, 1, 0, 0, 0, 2, 0], "neutral"),
        ([0, 0, 0, 0, 0, 0, 0, 4, 3, 3], "contempt"),
        ([4, 4, 0, 0, 1, 0, 0, 0, 1, 0], ""),  # two largest
        ([0, 0, 3, 2, 2, 0, 0, 0, 3, 0], ""),  # as many do not know
        ([0, 0, 3, 2, 1, 0, 0, 0, 0, 4], ""),  # more see no face
        ([0] * 10, ""),
    ],
)
def test_ferplus_majority(votes, label):
    assert ferplus.majority(np.array([votes])) == [label]


@pytest.mark.parametrize(
    ("rows", "votes", "message"),
    [
        (["3,0 1 2,Training"], None, "row 1: 3 pixels"),
        (["3,0 1 2 256,Training"], None, "row 1: 4 pixels; expected a square number of values from 0 to 255"),
        (["3,0 1 2 3,Training", "3,0 1 two 3,Training"], None, "row 2: the pixels are not numbers"),
        (["3,0 1 2 3,Training", "3,0,Training"], None, "row 2: 1 x 1 pixels, the rows before 2"),
        (["9,0 1 2 3,Training"], None, "class number 9"),
        (["3,0 1 2 3,Training"], [], "0 rows of votes for 1 pictures"),
        (["3,0 1 2 3,Training"], ["PublicTest,a,0,0,0,0,0,0,0,0,0,0"], "row 1 is PublicTest, the picture Training"),
    ],
)
def test_fer2013_damage_is_named_and_leaves_nothing(tmp_path, rows, votes, message):
    with pytest.raises(InputError, match=message):
        scan(fer(tmp_path / "in", rows, votes), tmp_path / "m.csv")
    assert not (tmp_path / "m.csv").exists()


def test_fer2013_majority_needs_the_votes(tmp_path):
    with pytest.raises(ManifestError, match="needs the votes"):
        scan(fer(tmp_path / "in", ["3,0 1 2 3,Training"]), tmp_path / "m.csv", label="ferplus")


def test_npz_shapes_floats_numbers_and_votes(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), np.uint8)
    votes = np.zeros((4, 10), np.uint8)
    votes[:, 1] = 9  # happiness, in the order of FER+
    np.savez(
        tmp_path / "a.npz",
        x=images.transpose(0, 3, 1, 2),
        y=np.array([0, 3, 6, 3]),
        split=np.array([0, 1, 2, 0]),
        votes=votes,
    )
    found = scan(tmp_path / "a.npz", tmp_path / "m.csv")
    assert np.array_equal(np.load(tmp_path / "m.npy"), images)
    assert found.frame["label"].tolist() == ["angry", "happy", "neutral", "happy"]
    assert found.frame["split"].tolist() == ["train", "val", "test", "train"]
    assert found.frame["votes.happy"].tolist() == [9] * 4
    assert set(scan(tmp_path / "a.npz", tmp_path / "m.csv", label="ferplus").frame["label"]) == {"happy"}
    np.savez(
        tmp_path / "b.npz",
        images=images[..., :1] / 255,
        label=np.array([[1], [0], [0], [1]]),
        classes=np.array(["b", "a"]),
    )
    found = scan(tmp_path / "b.npz", tmp_path / "m.csv")
    assert np.array_equal(np.load(tmp_path / "m.npy"), images[..., 0])
    assert found.frame["label"].tolist() == ["a", "b", "b", "a"]


def test_npz_mistakes(tmp_path):
    def refuse(message, **arrays):
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(InputError, match=message):
            scan(tmp_path / "a.npz", tmp_path / "m.csv")

    pictures = np.zeros((2, 4, 4), np.uint8)
    refuse("no array of pictures among z", z=pictures)
    refuse("no array of labels among images", images=pictures)
    refuse("classes are numbers", images=pictures, label=np.array([0, 1]))
    refuse("3 rows of label for 2 pictures", images=pictures, label=np.array(["a", "b", "a"]))
    refuse("floats outside of 0 to 1", images=pictures + 7.0, label=np.array(["a", "b"]))
    refuse("expected pictures", images=np.zeros((2, 4), np.uint8), label=np.array(["a", "b"]))
    refuse("not an .npz of plain arrays", images=pictures, label=np.array([{}, {}], object))


def test_appending_is_all_or_nothing(tmp_path):
    def write_two_sizes():
        with appending(tmp_path / "a.npy") as faces:
            faces.append(np.zeros((3, 4, 4), np.uint8))
            faces.append(np.zeros((3, 5, 4), np.uint8))

    with pytest.raises(ManifestError, match="after pictures of"):
        write_two_sizes()
    assert list(tmp_path.iterdir()) == []
