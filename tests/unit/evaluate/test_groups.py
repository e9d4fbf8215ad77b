"""Groups: by hand, planted differences, and how often chance alone is called a difference."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency
from sklearn.metrics import balanced_accuracy_score, f1_score

from mien.errors import InputError
from mien.evaluate.groups import measure_groups
from mien.evaluate.groups_summary import summary
from mien.evaluate.join import with_columns
from mien.evaluate.permutation import holm, permute
from mien.labels import Labels
from mien.manifest import Manifest
from mien.scores import Scores

ABC = Labels(("a", "b", "c"))
RECALL = np.array([0.9, 0.7, 0.5])


def scores_of(targets, answers, **more) -> Scores:
    logits = 2 * np.eye(3, dtype=np.float32)[np.asarray(answers)]
    ids = np.array([f"{row}.png" for row in range(len(logits))])
    return Scores(logits, np.asarray(targets, np.int64), ABC, ids, **more)


def drawn(count, generator, recall=RECALL):
    targets = generator.integers(0, 3, count)
    is_right = generator.random(count) < np.asarray(recall)[targets]
    return targets, np.where(is_right, targets, (targets + 1) % 3)


def test_numbers_by_hand():
    targets, answers = [0] * 4 + [1] * 4 + [0] * 4, [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    scores = scores_of(targets, answers, columns={"place": np.array(["in"] * 8 + ["out"] * 4)})
    found = measure_groups(scores, "place", smallest=4, draws=50, permutations=200)
    inside, outside = found.groups
    assert (inside.name, inside.rows, inside.accuracy) == ("in", 8, 5 / 8)
    assert (outside.name, outside.rows, outside.accuracy) == ("out", 4, 1.0)
    assert inside.recall == {"a": 0.75, "b": 0.5}
    assert inside.expected == pytest.approx((4 * 7 / 8 + 4 * 0.5) / 8)
    assert outside.expected == pytest.approx(7 / 8)
    assert inside.balanced_accuracy == pytest.approx(0.625)
    assert inside.confidence == pytest.approx(np.exp(2) / (np.exp(2) + 2))
    assert found.worst is inside
    assert found.spread == pytest.approx(3 / 8)
    assert inside.intervals["accuracy"].low < 5 / 8 < inside.intervals["accuracy"].high


def test_the_same_as_scikit_learn():
    generator = np.random.default_rng(1)
    targets, answers = drawn(500, generator)
    where = generator.choice(["web", "press"], 500)
    for group in measure_groups(scores_of(targets, answers, domains=where), "domain", draws=0).groups:
        rows = where == group.name
        assert group.balanced_accuracy == pytest.approx(balanced_accuracy_score(targets[rows], answers[rows]))
        assert group.macro_f1 == pytest.approx(f1_score(targets[rows], answers[rows], average="macro"))


def test_another_mix_of_classes_is_no_difference():
    generator = np.random.default_rng(2)
    targets = np.r_[generator.choice(3, 600, p=[0.8, 0.1, 0.1]), generator.choice(3, 600, p=[0.1, 0.1, 0.8])]
    answers = np.where(generator.random(1200) < RECALL[targets], targets, (targets + 1) % 3)
    where = np.repeat(["easy", "hard"], 600)
    found = measure_groups(scores_of(targets, answers, domains=where), "domain", draws=0, permutations=2000)
    assert found.spread > 0.15
    assert found.p_value > 0.05


def test_a_planted_difference_is_found():
    generator = np.random.default_rng(3)
    parts = [drawn(400, generator), drawn(400, generator), drawn(400, generator, RECALL - 0.2)]
    targets, answers = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    where = np.repeat(["one", "two", "worse"], 400)
    found = measure_groups(scores_of(targets, answers, domains=where), "domain", draws=0, permutations=2000)
    assert found.p_value < 0.01
    assert found.worst is not None
    assert (found.worst.name, found.worst.adjusted < 0.01) == ("worse", True)
    assert all(group.adjusted >= group.p_value for group in found.groups)


def test_one_class_is_the_test_of_a_table():
    generator = np.random.default_rng(4)
    group = np.repeat([0, 1], 300)
    is_right = generator.random(600) < np.where(group == 0, 0.8, 0.73)
    table = [[(is_right & (group == place)).sum(), (~is_right & (group == place)).sum()] for place in (0, 1)]
    each, together = permute(is_right, np.zeros(600, np.int64), group, None, 20_000, 0)
    assert together == pytest.approx(chi2_contingency(table).pvalue, abs=0.015)
    assert each == pytest.approx([together, together])


def test_chance_is_seldom_called_a_difference():
    generator, alone, together = np.random.default_rng(5), [], []
    for seed in range(120):
        person = generator.integers(0, 40, 200)
        group = generator.integers(0, 2, 40)[person]
        group[:2] = 0, 1
        targets = generator.integers(0, 3, 200)
        skill = generator.normal(0, 0.25, 40)[person]
        is_right = generator.random(200) < (RECALL[targets] + skill).clip(0, 1)
        alone.append(permute(is_right, targets, group, None, 200, seed)[1] < 0.05)
        together.append(permute(is_right, targets, group, person, 200, seed)[1] < 0.05)
    assert np.mean(together) < 0.12  # 0.05 is meant; 120 tries leave it between 0.01 and 0.1
    assert np.mean(alone) > 1.5 * np.mean(together)  # persons taken as independent pictures


def test_small_groups_are_shown_but_not_judged():
    scores = scores_of([0] * 100, [0] * 95 + [1] * 5, domains=np.array(["big"] * 60 + ["mid"] * 35 + ["tiny"] * 5))
    found = measure_groups(scores, "domain", draws=0, permutations=100)
    tiny = found.groups[-1]
    assert (tiny.name, tiny.is_small, tiny.accuracy) == ("tiny", True, 0.0)
    assert np.isnan(tiny.p_value)
    assert tiny.to_dict()["p_value"] is None
    assert found.worst is not tiny
    assert len(found.tested) == 2
    only = measure_groups(scores, "domain", smallest=50, draws=0)
    assert np.isnan(only.p_value)
    assert summary(only)


def test_wrong_columns():
    scores = scores_of([0, 1], [0, 1], columns={"origin": np.array(["real", "real"])})
    with pytest.raises(InputError, match="no column 'orgin': did you mean 'origin'"):
        measure_groups(scores, "orgin")
    with pytest.raises(InputError, match="name no subjects"):
        measure_groups(scores, "origin", by_subject=True)
    many = scores_of([0] * 300, [0] * 300, columns={"id": np.arange(300).astype(str)})
    with pytest.raises(InputError, match="300 values"):
        measure_groups(many, "id")


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.02, 0.03, 0.5])) == pytest.approx([0.04, 0.06, 0.06, 0.5])
    assert holm(np.array([0.6, 0.7])) == pytest.approx([1.0, 1.0])


def test_columns_of_a_later_manifest(tmp_path):
    scores = scores_of([0, 1], [0, 1])
    manifest = Manifest.of(
        image=["2.png", "1.png", "0.png"], label=["a", "b", "a"], domain=["x", "y", "z"], age=[3, 4, None]
    )
    found = with_columns(scores, manifest)
    assert found.column("domain").tolist() == ["z", "y"]
    assert found.column("age").tolist() == ["", "4.0"]
    found.save(tmp_path / "s.npz")
    assert Scores.load(tmp_path / "s.npz").column("age").tolist() == ["", "4.0"]
    assert found.take(np.array([1])).column("origin").tolist() == ["real"]
    with pytest.raises(InputError, match=r"1 of 2 scored pictures are not in the manifest, the first: 1\.png"):
        with_columns(scores, manifest.take(np.array([0, 2])))
