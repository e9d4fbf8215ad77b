import json

import numpy as np
import pytest

from mien.bias.objectives import Objective
from mien.bias.tally import Tally
from mien.bias.tune import tune
from mien.errors import InputError, LabelError
from mien.labels import Labels
from mien.runtime.biases import Biases
from mien.scores import Scores

LABELS = Labels(("calm", "glad", "sad"))


def scores(rows: int = 900, seed: int = 0, shift: float = 1.5, **about) -> Scores:
    """Three classes a step apart; the logits of sad, the rarest, are too low by ``shift``."""
    draw = np.random.default_rng(seed)
    targets = draw.choice(3, rows, p=[0.5, 0.4, 0.1])
    logits = draw.normal(size=(rows, 3)) + 2.0 * np.eye(3)[targets] - np.array([0, 0, shift])
    return Scores(
        logits.astype(np.float32), targets, LABELS, np.arange(rows).astype(str),
        splits=np.full(rows, about.get("split", "val")), about={"split": "val", **about},
    )  # fmt: skip


def test_it_finds_what_was_taken_away_and_the_gain_holds_on_other_rows():
    found = tune(scores(), draws=200)
    assert found.by_class["sad"] > 0.5
    assert found.cross_validated is not None
    assert found.cross_validated.gains["macro_recall"].low > 0
    fresh = found.check(scores(3000, seed=9), draws=200)
    assert fresh.gains["macro_recall"].gain == pytest.approx(found.cross_validated.gains["macro_recall"].gain, abs=0.05)
    assert fresh.recall["sad"].low > 0


def test_nothing_to_find_is_shrunk_and_the_honest_gain_is_below_that_in_sample():
    gaps = []
    for seed in range(4):
        found = tune(scores(150, seed=seed, shift=0.0), objective="accuracy", draws=0, seed=seed)
        whole = tune(scores(150, seed=seed, shift=0.0), objective="accuracy", draws=0, seed=seed, shrink=False)
        assert whole.cross_validated is not None
        assert np.abs(found.biases).sum() <= np.abs(whole.biases).sum() + 1e-9
        gaps.append(whole.in_sample.gains["accuracy"].gain - whole.cross_validated.gains["accuracy"].gain)
    assert np.mean(gaps) > 0.01


def test_no_more_accuracy_is_lost_than_allowed():
    options = {"draws": 0, "shrink": False, "folds": 0}
    free, held = tune(scores(), **options), tune(scores(), max_accuracy_loss=0.005, **options)
    assert held.in_sample.gains["accuracy"].gain >= -0.005 - 1e-9
    assert free.in_sample.gains["macro_recall"].after >= held.in_sample.gains["macro_recall"].after


def test_only_the_classes_named_get_a_bias():
    found = tune(scores(), classes=["sadness"], draws=0)
    assert found.classes == ("sad",)
    assert found.by_class["calm"] == found.by_class["glad"] == 0
    with pytest.raises(LabelError, match="glad"):
        tune(scores(), classes=["gladd"])


def test_classes_without_a_picture_are_left_alone():
    wide = Labels((*LABELS, "cross", "shy"))
    data = scores()
    logits = np.concatenate([data.logits, data.logits[:, :2] - 0.5], axis=1)
    found = tune(Scores(logits, data.targets, wide, data.ids), draws=0, folds=0)
    assert found.by_class["cross"] == found.by_class["shy"] == found.by_class["calm"] == 0
    assert found.classes == ("glad", "sad")
    assert "No picture of cross, shy" in found.notes[0]
    assert "cross" in tune(Scores(logits, data.targets, wide, data.ids), classes=["cross"], draws=0, folds=0).classes


def test_a_target_distribution_needs_no_labels():
    data = scores()
    blind = Scores(data.logits, np.full(len(data), -1), LABELS, data.ids)
    found = tune(blind, objective="distribution", target={}, reach=50, draws=50)
    after = found.in_sample.after.sum(axis=0) / len(data)
    np.testing.assert_allclose(after, 1 / 3, atol=0.03)
    with pytest.raises(InputError, match="needs labels"):
        tune(blind)


def test_em_needs_neither_labels_nor_a_target():
    draw = np.random.default_rng(0)
    # what a calibrated model of two classes, alike in number, says of rows of which nine in ten are calm
    value = draw.normal(np.where(draw.random(5000) < 0.1, 1.0, -1.0))
    logits = np.stack([-value, value], axis=1).astype(np.float32)
    blind = Scores(logits, np.full(5000, -1), Labels(("calm", "glad")), np.arange(5000).astype(str))
    found = tune(blind, method="em", prior={"calm": 0.5, "glad": 0.5}, draws=0)
    assert found.objective.shares == pytest.approx([0.9, 0.1], abs=0.02)
    assert found.by_class["calm"] - found.by_class["glad"] == pytest.approx(np.log(9), abs=0.25)
    assert found.share == 1


def test_weights_say_which_recall_counts():
    heavy = tune(scores(shift=0.5), objective="weighted_recall", weights={"sad": 20}, draws=0)
    even = tune(scores(shift=0.5), objective="weighted_recall", weights={"sad": 1}, draws=0)
    assert heavy.by_class["sad"] > even.by_class["sad"]


def test_options_that_do_not_fit_the_objective_are_refused():
    with pytest.raises(InputError, match="target is for the objective distribution"):
        tune(scores(), target={})
    with pytest.raises(InputError, match="needs target"):
        tune(scores(), objective="distribution")
    with pytest.raises(InputError, match="expected a number from 0"):
        tune(scores(), objective="weighted_recall", weights={"sad": -1})
    with pytest.raises(InputError, match="reach is 1"):
        tune(scores(), reach=1)


def test_rows_that_trained_the_model_are_refused_and_a_test_split_is_marked():
    made = {"digest": "d", "train": "train", "val": "val"}
    with pytest.raises(InputError, match=r"trained on the split 'train'.*--split val"):
        tune(scores(split="train", manifest="d", made_from=made))
    other = tune(scores(split="train", manifest="e", made_from=made), folds=0, draws=0)
    assert "of the same name" in other.notes[0]
    marked = tune(scores(split="test", manifest="d", made_from=made), folds=0, draws=0)
    assert "'test'" in marked.notes[0]
    assert not [note for note in tune(scores(), draws=0).notes if "split" in note]


def test_biases_of_the_card_are_set_aside():
    found = tune(scores(biases=[0, 0, 1.5], temperature=2.0), folds=0, draws=0)
    plain = tune(scores(), folds=0, draws=0)
    assert found.in_sample.gains["accuracy"].before == plain.in_sample.gains["accuracy"].before
    assert found.factors["sad"] == pytest.approx(np.exp(found.by_class["sad"] / 2))
    assert any("set aside" in note for note in found.notes)


def test_a_view_over_fewer_classes():
    found = tune(scores(), labels=Labels(("glad", "sad")), draws=0)
    assert set(found.by_class) == {"glad", "sad"}


def test_the_file_holds_all_trials_and_is_what_predict_reads(tmp_path):
    found = tune(scores(), trials=60, draws=20)
    found.save(tmp_path / "bias.json")
    content = json.loads((tmp_path / "bias.json").read_text())
    assert len(content["trials"]) == len(found.values) == 60
    assert content["trials"][0] == [0, 0, 0, pytest.approx(found.in_sample.gains["macro_recall"].before, abs=1e-5)]
    assert content["trial_columns"] == ["calm", "glad", "sad", "value"]
    assert dict(Biases.load(tmp_path / "bias.json").values) == found.by_class


def test_the_same_seed_gives_the_same_and_so_do_more_processes():
    options = {"method": "evolutionary", "trials": 100, "folds": 2, "draws": 0}
    one, two = tune(scores(300), **options), tune(scores(300), jobs=2, **options)
    assert one.to_dict() == two.to_dict()


def test_persons_stay_in_one_fold():
    data = scores(400)
    people = np.array([f"p{row // 4}" for row in range(400)])
    by_person = Scores(data.logits, data.targets, LABELS, data.ids, subjects=people)
    assert tune(by_person, draws=100).cross_validated is not None
    few = Scores(data.logits, data.targets, LABELS, data.ids, subjects=np.array(["p1", "p2"] * 200))
    with pytest.raises(InputError, match="5 folds of 2 persons"):
        tune(few)


def test_the_landscape_is_the_objective_with_two_biases_changed():
    data = scores()
    found = tune(data, folds=0, draws=0)
    across, up, values = found.landscape(data, "glad", "sad", steps=21)
    assert (across[10], up[10], values.shape) == (0, 0, (21, 21))
    tally = Tally(data.logits, data.targets)
    biases = found.biases.copy()
    biases[1:] = across[3], up[17]
    expected = Objective("macro_recall").measure(tally.counts(biases[None]))[0]
    assert values[17, 3] == pytest.approx(expected)


def test_the_prior_of_the_card_is_taken_where_none_is_given():
    told = tune(scores(prior=[0.6, 0.3, 0.1]), method="logit_adjustment", draws=0, folds=0)
    given = tune(scores(), method="logit_adjustment", prior={"calm": 0.6, "glad": 0.3, "sad": 0.1}, draws=0, folds=0)
    counted = tune(scores(), method="logit_adjustment", draws=0, folds=0)
    assert told.by_class == given.by_class
    assert told.by_class != counted.by_class
