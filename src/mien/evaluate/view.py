"""Scores as somebody reads them: calibrated as the model's card says, over the classes that are asked for.

A scores file keeps the logits as the network gave them and the model's own classes, so that every reading of it is
still open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.labels import Labels
from mien.runtime import prior as priors
from mien.scores import Scores, softmax


@dataclass(frozen=True, eq=False)
class View:
    """A reading of scores.

    Attributes:
        scores: logits with biases and temperature applied, over the classes asked for.
        not_asked: classes of the model that were not asked for; their probability is shared out among the others.
        dropped: label -> rows that have it and do not count, because the classes lack it.
        shares: (C,) of the classes asked for, for which the answers are; None where the scores do not say them.
    """

    scores: Scores
    not_asked: tuple[str, ...]
    dropped: dict[str, int]
    shares: NDArray[np.float64] | None = None


def view(scores: Scores, labels: Labels | None = None, prior: str = "training") -> View:
    """Read scores over other classes, with the biases and the temperature of the model's card (in ``scores.about``).

    Args:
        scores: as ``mien evaluate`` saved them.
        labels: the classes to answer with; by default the data set's (``scores.about["classes"]``) as far as the model
            knows them, or the model's own.
        prior: one of ``mien.runtime.prior.PRIORS``; any but ``training`` stands instead of the card's biases, and
            ``auto`` takes the shares of the classes from all rows, without their labels.

    Raises:
        InputError: the model does not know one of the classes asked for, or the scores not what a prior needs.

    Example:
        >>> scores = Scores(np.array([[3.0, 2.0, 1.0]], np.float32), np.array([2]), Labels.of("abc"), np.array(["x"]))
        >>> narrow = view(scores, Labels.of("ab"))
        >>> narrow.scores.logits.tolist(), narrow.scores.targets.tolist(), narrow.dropped
        ([[3.0, 2.0]], [-1], {'c': 1})
    """
    if labels is None:
        labels = _known(scores)
    unknown = [name for name in labels if scores.labels.find(name) is None]
    if unknown:
        raise InputError(
            f"the model does not know {', '.join(unknown)}; it answers with {', '.join(scores.labels)}: "
            "ask for classes among these"
        )
    logits = _logits(scores, prior)
    columns = [scores.labels.index(name) for name in labels]  # names are unique: each class has exactly one source
    shares = None
    if trained := scores.about.get("prior"):
        shares = priors.shares(trained)[columns]
        shares = shares / shares.sum()
    if prior == "uniform":
        shares = np.full(len(labels), 1 / len(labels))
    if prior == "auto" and shares is not None:
        shares = priors.estimate_from_uniform(softmax(logits[:, columns]).astype(np.float64), shares)
        logits[:, columns] += np.log(shares).astype(np.float32)
    dropped = {str(name): int(count) for name, count in scores.about.get("unknown_labels", {}).items()}
    if labels.names == scores.labels.names:
        return View(replace(scores, logits=logits), (), dropped, shares)
    mapping = scores.labels.mapping_to(labels)
    targets = mapping.indices(scores.targets)
    for name in mapping.missing:
        if count := int((scores.targets == scores.labels.index(name)).sum()):
            dropped[name] = count
    votes, other_votes = scores.votes, scores.other_votes
    if votes is not None:
        lost = votes[:, [scores.labels.index(name) for name in mapping.missing]]
        beside = np.zeros(len(scores), np.float32) if other_votes is None else other_votes
        other_votes = np.column_stack([beside, lost]).max(axis=1)  # a row whose majority is gone must not find another
        votes = votes[:, columns]
    mapped = replace(
        scores, logits=logits[:, columns], targets=targets, labels=labels, votes=votes, other_votes=other_votes
    )
    return View(mapped, mapping.missing, dropped, shares)


def _logits(scores: Scores, prior: str) -> NDArray[np.float32]:
    """(N, C) with the biases of the card, or instead of them for equally frequent classes; and its temperature."""
    temperature = scores.about.get("temperature", 1.0)
    trained, biases = scores.about.get("prior"), scores.about.get("biases")
    priors.check(prior, [(scores.model, trained)])
    if prior != "training":
        biases = priors.biases(trained or (), temperature)
    logits = scores.logits + np.asarray(biases, np.float32) if biases is not None and len(biases) else scores.logits
    return logits / np.float32(temperature)


def _known(scores: Scores) -> Labels:
    """The data set's classes as far as the model knows them."""
    classes = scores.about.get("classes")
    if not classes:
        return scores.labels
    data = Labels.of(classes)
    known = [name for name in data if scores.labels.find(name) is not None]
    if len(known) < 2:
        raise InputError(
            f"the model answers with {', '.join(scores.labels)}, the data have {', '.join(data)}: "
            "fewer than two classes in common"
        )
    return data if len(known) == len(data) else Labels.of(known)
