"""Two manifests are compared over all faces and class by class, beside what real faces get."""

import numpy as np
import pytest

from mien import images
from mien.errors import ManifestError
from mien.manifest import Manifest
from mien.runtime.features import Features
from mien.synth.distance import frechet, kernel
from mien.synth.measure import measure


def flat(generator, colour):
    """One colour with a little noise: the recognizer of the fixture has the mean colour for its features."""
    return (
        (np.array(colour) + generator.normal(0, 12, (8, 8, 3)) + generator.normal(0, 8, 3))
        .clip(0, 255)
        .astype(np.uint8)
    )


@pytest.fixture
def sets(tmp_path):
    """``sets({"happy": [(r, g, b), count]})`` -> manifest; another seed, other pictures."""

    def write(classes, name, seed=0):
        generator, rows = np.random.default_rng(seed), []
        for label, (colour, count) in classes.items():
            for number in range(count):
                file = f"{name}-{label}{number}.png"
                images.write(tmp_path / file, flat(generator, colour))
                rows.append((file, label))
        return Manifest.of(root=tmp_path, image=[file for file, _ in rows], label=[label for _, label in rows])

    return write


@pytest.fixture
def features(colours):
    return Features(colours(), threads=1)


RED, BLUE = (160, 90, 90), (90, 90, 160)


def test_the_numbers_are_those_of_the_features(sets, features):
    real, drawn = sets({"happy": (RED, 40)}, "real"), sets({"happy": (BLUE, 20)}, "drawn", seed=1)
    found = measure(real, drawn, features=features, threads=1)
    sides = [features([images.read(path) for path in each.paths()]) for each in (real, drawn)]
    (line,) = found.lines
    assert (line.name, line.drawn.real, line.drawn.other) == ("all", 40, 20)
    assert line.drawn.frechet == pytest.approx(frechet(*sides))
    assert line.drawn.kernel == kernel(*sides)
    assert (line.drawn.precision, line.drawn.recall) == (0, 0)
    assert (found.features, found.size) == ("colours", 3)


def test_real_faces_are_the_reference(sets, features):
    real, drawn = sets({"happy": (RED, 60)}, "real"), sets({"happy": (BLUE, 20)}, "drawn", seed=1)
    reference = measure(real, drawn, features=features, threads=1).lines[0].reference
    assert (reference.real, reference.other) == (40, 20)
    assert reference.kernel.low < 0 < reference.kernel.high
    assert reference.precision > 0.7


def test_class_by_class(sets, features):
    real = sets({"happy": (RED, 40), "sad": (BLUE, 40), "fear": (BLUE, 20)}, "real")
    drawn = sets({"Happiness": (RED, 20), "sad": (RED, 20), "fear": (RED, 3)}, "drawn", seed=1)
    found = measure(real, drawn, features=features, per_class=True, threads=1)
    lines = {line.name: line for line in found.lines}
    assert list(lines) == ["all", "happy", "sad"]
    assert lines["happy"].drawn.other == 20
    assert lines["happy"].drawn.frechet < 0.1 * lines["sad"].drawn.frechet
    assert any("fear: left out, 20 real and 3 synthetic" in note for note in found.notes)


def test_what_must_be_said(sets, features, tmp_path):
    real = sets({"happy": (RED, 30), "sad": (BLUE, 10)}, "real")
    drawn = sets({"happy": (RED, 10), "sad": (BLUE, 30)}, "drawn", seed=1)
    (tmp_path / "drawn-sad7.png").write_bytes(b"no picture")
    found = measure(real, drawn, features=features, threads=1)
    assert any("other shares in the two sets" in note for note in found.notes)
    assert any("too few real faces for a reference of the same size: all" in note for note in found.notes)
    assert any("1 pictures could not be read" in note for note in found.notes)
    assert len(found.problems) == 1
    assert not any("no more faces than features" in note for note in found.notes)
    short = measure(real, drawn, features=Features("default", threads=1), threads=1)
    assert any("no more faces than features (1,024): FID is too large for all" in note for note in short.notes)


def test_a_sample_is_drawn_with_the_seed(sets, features):
    real, drawn = sets({"happy": (RED, 60)}, "real"), sets({"happy": (BLUE, 40)}, "drawn", seed=1)
    first, again, other = (
        measure(real, drawn, features=features, sample=20, seed=seed, threads=1).lines[0].drawn for seed in (0, 0, 1)
    )
    assert (first.real, first.other) == (20, 20)
    assert first == again
    assert first.frechet != other.frechet


def test_too_few_faces_are_refused(sets, features):
    real, drawn = sets({"happy": (RED, 20)}, "real"), sets({"happy": (RED, 4)}, "drawn")
    with pytest.raises(ManifestError, match="4 synthetic faces: at least 16"):
        measure(real, drawn, features=features, threads=1)
