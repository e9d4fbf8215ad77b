"""Class names, their spellings and their mappings."""

import numpy as np
import pytest

from mien.errors import LabelError
from mien.labels import ALIASES, LABEL_SETS, Labels, key_of


def test_the_orders_that_data_sets_fix():
    assert Labels.named("fer7").names == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert Labels.named("ferplus8").names == (*Labels.named("fer7").names, "contempt")
    assert [len(LABEL_SETS[name]) for name in ("basic4", "mikels8", "interest2")] == [4, 8, 2]


@pytest.mark.parametrize(
    ("name", "index"),
    [("angry", 0), ("Anger", 0), (" HAPPINESS ", 3), ("joy", 3), ("sadness", 4), ("Surprised", 5), ("Neutral", 6)],
)
def test_spellings(name, index):
    assert Labels.named("fer7").index(name) == index


def test_spellings_with_signs_between():
    labels = Labels.named("interest2")
    assert [labels.find(name) for name in ("not_interested", "Not-Interested", "disinterested", "interest")] == [
        0, 0, 0, 1,
    ]  # fmt: skip


def test_aliases_lead_to_names_that_are_no_aliases():
    assert not set(ALIASES.values()) & set(ALIASES)
    assert all(key_of(key_of(name)) == key_of(name) for name in ALIASES)


def test_an_unknown_class_gets_the_nearest():
    with pytest.raises(LabelError, match="did you mean 'surprise'"):
        Labels.named("fer7").index("suprise")
    assert Labels.named("fer7").find("contempt") is None
    with pytest.raises(LabelError, match="'fer7'"):
        Labels.named("fer9")


def test_known_sets_are_recognised_in_any_order_and_spelling():
    assert Labels.of(["sadness", "neutral", "anger", "happiness"]) == Labels.named("basic4")
    assert Labels.of(["b", "a", "b"]) == Labels(("b", "a"))
    assert Labels.of(LABEL_SETS["mikels8"]).id == "mikels8"


@pytest.mark.parametrize("names", [(), ("one",), ("happy", "joy"), ("a", "b", "A")])
def test_sets_that_make_no_sense(names):
    with pytest.raises(LabelError):
        Labels(names)


def test_mapping_probabilities_and_indices():
    eight, seven = Labels.named("ferplus8"), Labels.named("fer7")
    mapping = eight.mapping_to(seven)
    assert mapping.missing == ("contempt",)
    before = np.array([0.1, 0, 0, 0.3, 0, 0, 0.1, 0.5], np.float32)
    assert mapping.probabilities(before) == pytest.approx([0.2, 0, 0, 0.6, 0, 0, 0.2])
    assert mapping.indices(np.array([0, 7, -1, 3])).tolist() == [0, -1, -1, 3]


def test_mapping_to_another_order_and_to_more_classes():
    mapping = Labels(("sadness", "anger")).mapping_to(Labels.named("fer7"))
    assert mapping.missing == ()
    found = mapping.probabilities(np.array([[0.25, 0.75], [1, 0]], np.float32))
    assert found.tolist() == [[0.75, 0, 0, 0, 0.25, 0, 0], [0, 0, 0, 0, 1, 0, 0]]


def test_all_on_a_class_that_is_gone_means_nothing_is_known():
    mapping = Labels(("happy", "sad", "contempt")).mapping_to(Labels(("sad", "happy", "fear")))
    assert mapping.probabilities(np.array([0, 0, 1], np.float32)).tolist() == [0.5, 0.5, 0]


def test_mapping_between_strangers():
    with pytest.raises(LabelError, match="do not overlap"):
        Labels.named("interest2").mapping_to(Labels.named("fer7"))
