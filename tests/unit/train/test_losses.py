"""Every number here is worked out by hand or by the few lines of numpy below, which know nothing of torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mien.errors import RecipeError
from mien.recipe import Recipe
from mien.train import build
from mien.train.tables import LOSSES

LOGITS = torch.tensor([[math.log(3.0), 0.0]])  # probabilities 3/4 and 1/4
FIRST = torch.tensor([[1.0, 0.0]])
SOFT = torch.tensor([[0.4, 0.6]])
EVEN = np.array([10.0, 10.0])
#: 16 pictures of the first class, 4 of the second, 1 of the third, none of the last.
COUNTS = np.array([16.0, 4.0, 1.0, 0.0])


def loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    counts: NDArray[np.float64] = EVEN,
    *,
    teacher: torch.Tensor | None = None,
    distill: dict[str, Any] | None = None,
    **options: Any,
) -> float:
    recipe = Recipe.load({"loss": options, **({"distill": distill} if distill else {})})
    value = build.loss(recipe, counts)(logits, targets, teacher)
    assert value.shape == ()
    assert value.dtype == torch.float32
    return float(value)


def weights_of(counts: NDArray[np.float64] = COUNTS, **options: Any) -> list[float]:
    weights = build.loss(Recipe.load({"loss": options}), counts).weights
    assert weights is not None
    return weights.tolist()


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponent / exponent.sum(axis=1, keepdims=True)


def test_cross_entropy_of_a_hard_and_a_soft_target():
    assert loss(LOGITS, FIRST) == pytest.approx(-math.log(0.75))
    assert loss(LOGITS, SOFT) == pytest.approx(-0.4 * math.log(0.75) - 0.6 * math.log(0.25))


def test_smoothing_by_hand():
    expected = -0.9 * math.log(0.75) - 0.1 * math.log(0.25)  # 0.8 * (1, 0) + 0.2 / 2
    assert loss(LOGITS, FIRST, smoothing=0.2) == pytest.approx(expected)


def test_focal_by_hand():
    assert loss(LOGITS, FIRST, name="focal") == pytest.approx(-(0.25**2) * math.log(0.75))
    assert loss(LOGITS, FIRST, name="focal", gamma=1, alpha=0.25) == pytest.approx(-0.25 * 0.25 * math.log(0.75))
    soft = -0.4 * 0.25**2 * math.log(0.75) - 0.6 * 0.75**2 * math.log(0.25)
    assert loss(LOGITS, SOFT, name="focal") == pytest.approx(soft)


def test_focal_without_focus_is_cross_entropy():
    assert loss(LOGITS, SOFT, name="focal", gamma=0) == pytest.approx(loss(LOGITS, SOFT))


def test_focal_knows_the_probability_before_the_class_weights():
    """Weights of 1/2 and 3/2; taken from the weighted cross-entropy, pt would be 0.75 ** 0.5."""
    counts = np.array([30.0, 10.0])
    found = loss(LOGITS, FIRST, counts, name="focal", class_weights="inverse_frequency")
    assert found == pytest.approx(0.5 * -(0.25**2) * math.log(0.75))
    assert found != pytest.approx(0.5 * -((1 - 0.75**0.5) ** 2) * math.log(0.75), rel=0.1)


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
def test_focal_is_finite_where_the_answer_is_certain(gamma: float):
    for logits in (torch.tensor([[200.0, -200.0]]), torch.tensor([[-200.0, 200.0]])):
        logits.requires_grad_()
        value = build.loss(Recipe.load({"loss": {"name": "focal", "gamma": gamma}}), EVEN)(logits, FIRST)
        value.backward()
        assert torch.isfinite(value)
        assert torch.isfinite(logits.grad).all()


def test_combined_by_hand():
    focal, plain = -(0.25**2) * math.log(0.75), -math.log(0.75)
    assert loss(LOGITS, FIRST, name="combined") == pytest.approx((focal + plain) / 2)
    assert loss(LOGITS, FIRST, name="combined", share=0.8, alpha=0.25) == pytest.approx(
        0.8 * 0.25 * focal + 0.2 * plain
    )


def test_logit_adjustment_by_hand():
    """Three times as many of the first class: 3 * 3 against 1 * 1, hence 9/10."""
    counts = np.array([30.0, 10.0])
    assert loss(LOGITS, FIRST, counts, name="logit_adjusted") == pytest.approx(-math.log(0.9))
    assert loss(LOGITS, FIRST, counts, name="balanced_softmax") == pytest.approx(-math.log(0.9))
    assert loss(LOGITS, FIRST, counts, name="logit_adjusted", tau=2) == pytest.approx(-math.log(27 / 28))


def test_the_rare_class_must_win_by_more():
    counts = np.array([30.0, 10.0])
    even = torch.zeros(1, 2)
    assert loss(even, torch.tensor([[0.0, 1.0]]), counts, name="logit_adjusted") == pytest.approx(math.log(4))
    assert loss(even, FIRST, counts, name="logit_adjusted") == pytest.approx(math.log(4 / 3))


def test_a_class_without_pictures_counts_as_having_one():
    expected = softmax(np.log(np.array([[16.0, 4.0, 1.0, 1.0]])))[0]
    for name in ("logit_adjusted", "balanced_softmax"):
        for index, share in enumerate(expected):
            target = torch.eye(4)[[index]]
            assert loss(torch.zeros(1, 4), target, COUNTS, name=name) == pytest.approx(-math.log(share))


def test_class_weights_by_hand():
    assert weights_of(class_weights="inverse_frequency") == pytest.approx([3 / 21, 12 / 21, 48 / 21, 0])
    assert weights_of(class_weights="square_root") == pytest.approx([3 / 7, 6 / 7, 12 / 7, 0])
    drawn = 1 / np.array([1 - 0.9**16, 1 - 0.9**4, 1 - 0.9])  # Cui et al.: 1 / E_n, E_n = (1 - b^n) / (1 - b)
    assert weights_of(class_weights="effective_number", beta=0.9) == pytest.approx([*(3 * drawn / drawn.sum()), 0])
    usual = 1 / np.array([1 - 0.999**16, 1 - 0.999**4, 1 - 0.999])
    assert weights_of(class_weights="effective_number") == pytest.approx([*(3 * usual / usual.sum()), 0], rel=1e-5)
    assert build.loss(Recipe(), COUNTS).weights is None


def test_less_than_one_picture_weighs_as_one():
    """Votes may leave a class with a hundredth of a picture; it must not outweigh all others a hundredfold."""
    thin = np.array([4.0, 0.01])
    assert weights_of(thin, class_weights="inverse_frequency") == pytest.approx([2 / 5, 8 / 5])


def test_smoothing_does_not_pull_towards_a_class_without_pictures():
    logits = torch.zeros(1, 4, requires_grad=True)
    recipe = Recipe.load({"loss": {"class_weights": "square_root", "smoothing": 0.4}})
    value = build.loss(recipe, COUNTS)(logits, torch.eye(4)[[0]])
    # targets 0.7, 0.1, 0.1, 0.1 times the weights 3/7, 6/7, 12/7, 0; each class has the probability 1/4
    assert float(value.detach()) == pytest.approx((0.7 * 3 + 0.1 * 6 + 0.1 * 12) / 7 * math.log(4))
    value.backward()
    assert logits.grad[0, 3] > 0


REFERENCE = {
    "cross_entropy": lambda p, q, n: -(q * np.log(p)).sum(1).mean(),
    "focal": lambda p, q, n: -(q * (1 - p) ** 2 * np.log(p)).sum(1).mean(),
    "combined": lambda p, q, n: -(q * (0.5 + 0.5 * (1 - p) ** 2) * np.log(p)).sum(1).mean(),
    "logit_adjusted": lambda p, q, n: -(q * np.log(p * n / (p * n).sum(1, keepdims=True))).sum(1).mean(),
    "balanced_softmax": lambda p, q, n: -(q * np.log(p * n / (p * n).sum(1, keepdims=True))).sum(1).mean(),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_against_numpy(name: str, is_weighted: bool):
    """Random logits and soft targets, smoothed and weighted; in bfloat16 as exact as its logits are."""
    draws = np.random.default_rng(5)
    logits, targets = draws.normal(0, 3, (64, 5)), draws.dirichlet(np.full(5, 0.4), 64)
    counts = targets.sum(axis=0) * np.array([9, 5, 3, 2, 1])
    assert (counts > 1).all()
    smooth, weights = 0.9 * targets + 0.1 / 5, np.ones(5)
    if is_weighted:
        weights = 5 / counts / (1 / counts).sum()
    options = {"class_weights": "inverse_frequency"} if is_weighted else {}
    for kind, size in ((torch.float32, 1e-5), (torch.bfloat16, 1e-5)):
        given = torch.from_numpy(logits).to(kind)
        expected = REFERENCE[name](softmax(given.double().numpy()), smooth * weights, counts)
        found = loss(given, torch.from_numpy(targets).float(), counts, name=name, smoothing=0.1, **options)
        assert found == pytest.approx(expected, rel=size)


def test_weights_and_smoothing_are_those_of_torch():
    logits, targets = torch.randn(8, 4), torch.softmax(torch.randn(8, 4), dim=1)
    weights = torch.tensor(weights_of(class_weights="square_root"))
    expected = torch.nn.functional.cross_entropy(logits, targets, weight=weights, label_smoothing=0.1)
    found = loss(logits, targets, COUNTS, class_weights="square_root", smoothing=0.1)
    assert found == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 2.0}, "loss: gamma is an option of focal and combined, and the loss is cross_entropy"),
        ({"name": "focal", "share": 0.5}, "loss: share is an option of combined, and the loss is focal"),
        ({"name": "balanced_softmax", "tau": 1.0}, "loss: tau is an option of logit_adjusted"),
        ({"name": "focal", "beta": 0.9}, "loss: beta is an option of class_weights: effective_number"),
        ({"class_weights": "square_root", "beta": 0.9}, "and class_weights is square_root: leave beta out"),
    ],
)
def test_an_option_that_would_do_nothing_is_a_mistake(options: dict[str, Any], message: str):
    with pytest.raises(RecipeError, match=message):
        Recipe.load({"loss": options})


def test_an_option_can_be_taken_back():
    parts = {"loss": {"name": "focal", "gamma": 3}}
    assert Recipe.load(parts, ["loss.name=cross_entropy", "loss.gamma=null"]).loss.name == "cross_entropy"
    phases = [{"name": "a", "epochs": 1, "loss": {"name": "cross_entropy"}}]
    with pytest.raises(RecipeError, match=r"phases.0.loss: gamma is an option"):
        Recipe.load({**parts, "phases": phases})
    assert Recipe.load({"loss": {"name": "focal"}, "phases": phases}).stages()[0].loss.name == "cross_entropy"
