"""FID, KID, precision and recall against second implementations and what can be worked out by hand."""

import numpy as np
import pytest
import scipy.linalg

from mien.errors import InputError
from mien.synth.distance import frechet, kernel, precision_recall


def normal(rows, columns, seed=0, shift=0.0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(rows, columns)) @ generator.normal(size=(columns, columns)) + shift


def by_square_root(first, second):
    """The formula of the paper, word by word."""
    covariances = [np.cov(part, rowvar=False) for part in (first, second)]
    gap = first.mean(axis=0) - second.mean(axis=0)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    return gap @ gap + np.trace(covariances[0] + covariances[1] - 2 * root)


@pytest.mark.parametrize(("rows", "others"), [(300, 200), (300, 41), (60, 500)])
def test_frechet_is_the_papers_formula(rows, others):
    first, second = normal(rows, 12, 1), normal(others, 12, 2, shift=0.4)
    assert frechet(first, second) == pytest.approx(by_square_root(first, second), rel=1e-6)


def test_frechet_with_fewer_faces_than_features():
    first, second = normal(20, 30, 1), normal(25, 30, 2)
    jitter = 1e-9 * np.eye(30)  # so that the square root of a singular matrix exists
    covariances = [np.cov(part, rowvar=False) + jitter for part in (first, second)]
    gap = first.mean(axis=0) - second.mean(axis=0)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = gap @ gap + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet(first, second) == pytest.approx(expected, rel=1e-4)
    assert frechet(np.tile(first, (4, 1)), second) > 0  # the other way to a root


def test_frechet_of_one_set_with_itself_is_zero():
    drawn = normal(100, 8)
    assert frechet(drawn, drawn) == pytest.approx(0, abs=1e-9)
    assert frechet(drawn, drawn[::-1]) == pytest.approx(0, abs=1e-9)


def test_frechet_by_hand():
    # one number per face: means 0 and 3, deviations 1 and 2 (n - 1): 3^2 + (2 - 1)^2
    first, second = np.array([[-1.0], [0.0], [1.0]]), np.array([[1.0], [3.0], [5.0]])
    assert frechet(first, second) == pytest.approx(10)


def by_loops(first, second):
    """The unbiased estimate, pair by pair."""

    def k(x, y):
        return (float(np.dot(x, y)) / len(x) + 1) ** 3

    own = [
        np.mean([k(x, y) for i, x in enumerate(part) for j, y in enumerate(part) if i != j]) for part in (first, second)
    ]
    return own[0] + own[1] - 2 * np.mean([k(x, y) for x in first for y in second])


def test_kernel_is_the_mean_of_unbiased_estimates():
    first, second = normal(12, 5, 1), normal(14, 5, 2, shift=0.5)
    # six blocks, cut here again from the same shuffles
    generator = np.random.default_rng(7)
    cut = [np.array_split(generator.permutation(len(part)), 6) for part in (first, second)]
    blocks = [by_loops(first[one], second[other]) for one, other in zip(*cut, strict=True)]
    found = kernel(first, second, blocks=6, seed=7)
    assert found.mean == pytest.approx(np.mean(blocks))
    assert found.deviation == pytest.approx(np.std(blocks, ddof=1))
    assert found.high - found.mean == pytest.approx(
        2.571 * np.std(blocks, ddof=1) / np.sqrt(6), rel=0.01
    )  # t, 5 degrees
    assert (found.blocks, found.size) == (6, 2)
    assert float(found) == found.mean


def test_kernel_has_no_bias_and_its_interval_holds():
    held = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        found = kernel(generator.normal(size=(400, 4)), generator.normal(size=(300, 4)), seed=seed)
        held += found.low <= 0 <= found.high
    assert held >= 35  # 95 % of 40 is 38


def test_kernel_sees_a_difference():
    generator = np.random.default_rng(0)
    found = kernel(generator.normal(size=(400, 4)), generator.normal(size=(400, 4)) + 0.5)
    assert found.low > 0


def test_blocks_are_as_large_as_they_may_be():
    many = np.random.default_rng(0).normal(size=(5000, 2))
    assert (kernel(many, many, block=100).blocks, kernel(many, many, block=100).size) == (50, 100)
    assert (kernel(many[:10], many).blocks, kernel(many[:10], many).size) == (5, 2)


def test_precision_and_recall_by_hand():
    # balls to the nearest neighbour: around 0 and 1 with radius 1, around 10 with radius 9
    real = np.array([[0.0], [1.0], [10.0]])
    drawn = np.array([[-0.5], [-1.5], [30.0], [31.0]])
    # -0.5 lies within 1 of 0; -1.5 does not, but within 9 of 10? no (11.5); 30 and 31 are 20 away
    # drawn balls: -0.5 and -1.5 with radius 1, 30 and 31 with radius 1: 0 lies in the first, the others in none
    assert precision_recall(real, drawn, neighbours=1) == (0.25, pytest.approx(1 / 3))


def test_precision_and_recall_in_pieces(monkeypatch):
    first, second = normal(70, 3, 1), normal(50, 3, 2)
    whole = precision_recall(first, second)
    monkeypatch.setattr("mien.synth.distance.ROWS", 7)
    assert precision_recall(first, second) == whole
    far = np.linalg.norm(first[:, None] - first[None], axis=2)
    radii = np.sort(far, axis=1)[:, 3]
    inside = (np.linalg.norm(second[:, None] - first[None], axis=2) <= radii).any(axis=1)
    assert whole[0] == pytest.approx(inside.mean())


@pytest.mark.parametrize("measure", [frechet, kernel, precision_recall])
def test_what_makes_no_sense_is_refused(measure):
    good = normal(10, 3)
    with pytest.raises(InputError, match=r"shapes \(10, 3\) and \(10, 4\)"):
        measure(good, normal(10, 4))
    with pytest.raises(InputError, match="expected \\(N, D\\)"):
        measure(good, good[0])
    with pytest.raises(InputError, match="10 and 1 pictures"):
        measure(good, good[:1])
    with pytest.raises(InputError, match="not finite"):
        measure(good, np.full((10, 3), np.nan))


def test_options_that_make_no_sense_are_refused():
    good = normal(10, 3)
    with pytest.raises(InputError, match="block=1"):
        kernel(good, good, block=1)
    with pytest.raises(InputError, match="neighbours is 0"):
        precision_recall(good, good, neighbours=0)
