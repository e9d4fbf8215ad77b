"""Choose biases on saved scores so that they hold on other rows.

A search makes the most of the rows it sees, and with 14 pictures of a class much of that is chance. So biases are
shrunk: multiplied by a number from 0 to 1 that is best on rows which the search has not seen. What the whole procedure
gains, shrinking included, is measured on folds that took part in neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mien.bias.gain import Effect, effect
from mien.bias.objectives import SHARES, Objective
from mien.bias.rows import notes_on_rows, plain_view
from mien.bias.search import METHODS, search
from mien.bias.tuning import Tuning
from mien.bias.validate import Part, Settings, cross_validate
from mien.errors import InputError
from mien.labels import Labels
from mien.runtime.prior import estimate
from mien.scores import Scores, softmax

#: Methods whose biases follow from shares of classes, however large.
PRIORS = ("logit_adjustment", "em")


def tune(
    scores: Scores,
    *,
    method: str = "coordinate",
    objective: str = "macro_recall",
    max_accuracy_loss: float | None = None,
    classes: Sequence[str] | None = None,
    labels: Labels | None = None,
    target: dict[str, float] | None = None,
    weights: dict[str, float] | None = None,
    prior: dict[str, float] | None = None,
    reach: float = 8.0,
    trials: int = 1000,
    folds: int = 5,
    shrink: bool = True,
    jobs: int = 1,
    seed: int = 0,
    draws: int = 1000,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tuning:
    """Choose a bias for every class.

    Args:
        scores: of a model on rows that did not train it.
        method: an entry of ``mien.bias.search.METHODS``.
        objective: an entry of ``mien.bias.objectives.OBJECTIVES``.
        max_accuracy_loss: no more than this share of the rows may be lost in accuracy (0.01 = 1 point).
        classes: only these get a bias; the others stay 0. None for all.
        labels: the classes to answer with; None for those of the data as far as the model knows them.
        target: share by class name, for the objective ``distribution``; empty for all classes alike.
        weights: weight by class name, for ``weighted_recall``; classes without one count 1.
        prior: share by class name in the data that trained the model, for ``logit_adjustment`` and ``em``; None for
            that of the model's card, where it says one.
        reach: a probability is multiplied by 1/reach to reach.
        trials: of each search, the zero bias included.
        folds: for shrinking and for the honest numbers; 0 for neither.
        shrink: multiply the biases by the share that is best on rows not searched; False keeps them whole.
        jobs: processes that search; the result does not depend on it.
        seed: of folds, searches and draws.
        draws: data sets drawn for the 95 % intervals; 0 for none.
        progress: called with searches done and in all.

    Raises:
        InputError: rows that trained the model, no labels where they are needed, or settings that make no sense.
        UnknownName: no such method or objective.
        LabelError: a class that the model does not answer with.

    Example:
        ``tune(Scores.load("val.npz"), max_accuracy_loss=0.01).save("bias.json")``
    """
    METHODS.entry(method)
    notes = notes_on_rows(scores)
    seen = plain_view(scores, labels)
    temperature = float(scores.about.get("temperature", 1.0))
    if prior is None and method in PRIORS and (stated := scores.about.get("prior")):
        pairs = zip(scores.labels, stated, strict=True)
        prior = {name: share for name, share in pairs if seen.labels.find(name) is not None}
    known = None if prior is None else _vector(seen.labels, prior, 0.0, "prior")
    if method == "em" and known is not None and target is None and not (seen.targets >= 0).any():
        # without labels and target there is nothing but the estimate to aim at, and nothing to shrink by
        objective, max_accuracy_loss, shrink = "distribution", None, False
        found = estimate(softmax(seen.logits / np.float32(temperature)).astype(np.float64), known)
        target = dict(zip(seen.labels, found.tolist(), strict=True))
    shares = _shares(objective, seen.labels, target, weights)
    wanted = Objective(objective, shares, max_accuracy_loss)
    if wanted.needs_labels:
        seen = seen.labelled()
    if not len(seen):
        raise InputError(
            f"the objective {objective} needs labels, and no row has one: "
            "--objective distribution with --target, or the method em with it, work without"
        )
    if reach <= 1:
        raise InputError(f"reach is {reach}: expected more than 1, e.g. 8 (a probability times 1/8 to 8)")
    if trials < 2:
        raise InputError(f"{trials} trials: expected at least 2, one of which is the zero bias")
    free = tuple(range(len(seen.labels))) if classes is None else _indices(seen.labels, classes)
    absent = sorted(set(free) - set(seen.targets.tolist())) if wanted.needs_labels else []
    if absent and classes is None:
        free = _present(seen, absent)
        names = ", ".join(seen.labels.names[index] for index in absent)
        notes.append(f"No picture of {names}: no bias was searched for these classes.")
    settings = Settings(method, wanted, free, temperature * float(np.log(reach)), trials, known, temperature, seed)
    everything = Part(seen.logits, seen.targets, settings)
    problem = everything.problem()
    found = search(problem, method, seed)
    share, honest = 1.0, None
    if folds:
        share, after = cross_validate(everything, seen.subjects, folds, shrink, jobs, progress)
        before = problem.tally.answers(np.zeros((1, len(seen.labels))))[0]
        honest = _effect(seen, before, after, wanted, draws, seed)
        if share == 0:
            notes.append("On rows that did not choose them no biases were better than none: all are 0.")
    else:
        notes.append("Not cross-validated: the gain is that of the rows that chose the biases, and flatters.")
    if method == "em":
        notes.append("The method em looks at no label; what it gains depends on how well the model is calibrated.")
    if method not in PRIORS and (np.abs(found) > 0.98 * settings.reach).any():
        ends = [name for name, bias in zip(seen.labels, found, strict=True) if abs(bias) > 0.98 * settings.reach]
        notes.append(f"At the end of what was searched: {', '.join(ends)}. A larger reach may find more.")
    biases = share * found
    answers = problem.tally.answers(np.stack([np.zeros_like(biases), biases]))
    return Tuning(
        labels=seen.labels,
        biases=biases,
        classes=tuple(seen.labels.names[index] for index in problem.free),
        method=method,
        objective=wanted,
        share=share,
        temperature=temperature,
        in_sample=_effect(seen, answers[0], answers[1], wanted, draws, seed),
        cross_validated=honest,
        folds=folds,
        trials=problem.expand(problem.points),
        values=problem.values,
        notes=tuple(notes),
        about={
            "model": scores.model,
            "manifest": scores.about.get("manifest"),
            "split": scores.about.get("split"),
            "seed": seed,
            "reach": reach,
        },
    )


def _effect(
    seen: Scores, before: NDArray[np.uint8], after: NDArray[np.uint8], objective: Objective, draws: int, seed: int
) -> Effect:
    return effect(seen.targets, before, after, seen.labels, objective, draws=draws, seed=seed, groups=seen.subjects)


def _indices(labels: Labels, names: Sequence[str]) -> tuple[int, ...]:
    found = sorted({labels.index(name) for name in names})
    if not found:
        raise InputError("no class to search a bias for: name at least one")
    return tuple(found)


def _present(seen: Scores, absent: Sequence[int]) -> tuple[int, ...]:
    """The classes that have rows, but for the one answered most.

    Without it to hold them, all would rise together, which costs nothing here and silences the absent classes.
    """
    present = [index for index in range(len(seen.labels)) if index not in absent]
    answered = np.bincount(seen.logits.argmax(axis=1), minlength=len(seen.labels))
    most = max(present, key=lambda index: answered[index])
    return tuple(index for index in present if index != most) or tuple(present)


def _shares(
    objective: str, labels: Labels, target: dict[str, float] | None, weights: dict[str, float] | None
) -> NDArray[np.float64] | None:
    """What the objective takes; what it does not take is refused, not ignored."""
    given = {name: value for name, value in (("target", target), ("weights", weights)) if value is not None}
    option = SHARES.get(objective)
    wrong = [name for name in given if name != option]
    if wrong:
        fitting = next(name for name, taken in SHARES.items() if taken == wrong[0])
        raise InputError(f"{wrong[0]} is for the objective {fitting}; the objective is {objective}")
    if option is None:
        return None
    if option not in given:
        raise InputError(f"the objective {objective} needs {option}: NAME=SHARE for each class, or uniform")
    if option == "weights":
        return _vector(labels, given[option], 1.0, option, is_scaled=False)
    return _vector(labels, given[option] or dict.fromkeys(labels, 1.0), 0.0, option)


def _vector(
    labels: Labels, values: dict[str, float], missing: float, what: str, *, is_scaled: bool = True
) -> NDArray[np.float64]:
    """(C,) numbers by class name."""
    vector = np.full(len(labels), missing)
    for name, value in values.items():
        if not (np.isfinite(value) and value >= 0):
            raise InputError(f"{what} {name}={value:g}: expected a number from 0")
        vector[labels.index(name)] = value
    if vector.sum() <= 0:
        raise InputError(f"{what}: all shares are 0")
    return vector / vector.sum() if is_scaled else vector
