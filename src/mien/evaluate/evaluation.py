"""One evaluation: the numbers of a set of scores with their intervals, and what must be said beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.errors import InputError
from mien.evaluate.groups import Groups, measure_groups
from mien.evaluate.interval import Interval, intervals
from mien.evaluate.members import member_weights
from mien.evaluate.metrics import Metrics, measure, plain
from mien.evaluate.view import View, view
from mien.evaluate.votes import VoteMetrics, measure_votes
from mien.labels import Labels
from mien.runtime.prior import told
from mien.scores import Scores


@dataclass(frozen=True, eq=False)
class Part:
    """The numbers of some rows.

    Attributes:
        metrics: against the labels.
        intervals: of accuracy, balanced_accuracy and macro_f1; empty when none were asked for.
        votes: against the votes, or None.
    """

    metrics: Metrics
    intervals: dict[str, Interval]
    votes: VoteMetrics | None

    @classmethod
    def of(cls, scores: Scores, draws: int, seed: int, by_subject: bool) -> Part:
        """Measure scores; ``draws`` of 0 leaves the intervals out."""
        groups = None
        if by_subject:
            if scores.subjects is None or not (scores.subjects != "").any():
                raise InputError("the data name no subjects, so the interval cannot be drawn by subject")
            groups = scores.subjects
        found = intervals(scores, draws=draws, seed=seed, groups=groups) if draws else {}
        return cls(measure(scores), found, measure_votes(scores, draws=draws, seed=seed, groups=groups))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            **self.metrics.to_dict(),
            "intervals": {name: interval.to_dict() for name, interval in self.intervals.items()},
            "votes": None if self.votes is None else self.votes.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model on a data set.

    Attributes:
        scores: as the model gave them; save these.
        viewed: the same over the classes that are measured, calibrated; its rows are those of ``scores``.
        raw: the numbers over all rows.
        without_leaks: the numbers without the rows that another split has as well, or None when nobody looked.
        leaked: how many rows those are.
        accuracy_with_misses: accuracy when a picture without a face found counts as wrong; None without a detector.
        notes: what must be said beside the numbers.
        prior: for which shares of the classes the answers are.
        shares: class -> that share; None where the model's card does not say.
    """

    scores: Scores
    viewed: Scores
    raw: Part
    without_leaks: Part | None
    leaked: int
    accuracy_with_misses: float | None
    notes: tuple[str, ...]
    prior: str = "training"
    shares: dict[str, float] | None = None

    @classmethod
    def of(
        cls,
        scores: Scores,
        *,
        labels: Labels | None = None,
        prior: str = "training",
        draws: int = 1000,
        seed: int = 0,
        by_subject: bool = False,
    ) -> Evaluation:
        """Measure scores, fresh or read from a file.

        Args:
            scores: a data set, scored.
            labels: the classes to answer with; by default those of the data as far as the model knows them.
            prior: one of ``mien.runtime.prior.PRIORS``: for which shares of the classes.
            draws: data sets drawn for the 95 % intervals; 0 for none.
            seed: of the draws.
            by_subject: draw whole persons instead of single rows.

        Raises:
            InputError: nothing to measure, classes that the model does not know, a prior that its card does not allow,
                or no subjects.
        """
        seen = view(scores, labels, prior)
        leaks = scores.about.get("leaked")
        without_leaks, leaked = None, 0
        if leaks is not None:
            is_leaked = np.isin(scores.ids, np.array(leaks["ids"], dtype=str))
            leaked = int(is_leaked.sum())
            if is_leaked[seen.scores.targets >= 0].all():
                raise InputError(
                    f"every labelled picture is also in split {leaks['from']!r}: nothing is left to measure"
                )
            without_leaks = Part.of(seen.scores.take(~is_leaked), draws, seed, by_subject)
        raw = Part.of(seen.scores, draws, seed, by_subject)
        return cls(
            scores,
            seen.scores,
            raw,
            without_leaks,
            leaked,
            _with_misses(raw.metrics, scores.about, seen.scores.labels),
            (
                *_notes_on_choice(scores.about),
                *_note_on_leaks(leaks, leaked),
                *_notes_on_rows(scores.about, seen.not_asked, seen.dropped, raw.metrics),
                *_notes_on_prior(scores, seen, prior),
            ),
            prior,
            None if seen.shares is None else dict(zip(seen.scores.labels, seen.shares.tolist(), strict=True)),
        )

    def by(self, column: str, **options: Any) -> Groups:
        """The numbers of each group of rows.

        Args:
            column: split, domain, subject, origin or any other column of the manifest.
            options: further arguments of :func:`mien.evaluate.groups.measure_groups`.
        """
        return measure_groups(self.viewed, column, **options)

    @property
    def title(self) -> str:
        """Model and split in a few words."""
        split = self.scores.about.get("split")
        return f"{self.scores.model} on {split}" if split else self.scores.model

    def __str__(self) -> str:
        from mien.evaluate.summary import to_text  # which knows this class

        return to_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        about = {name: value for name, value in self.scores.about.items() if name != "leaked"}
        leaks = self.scores.about.get("leaked")
        return {
            "model": self.scores.model,
            "classes": list(self.viewed.labels),
            "notes": list(self.notes),
            "prior": {
                "choice": self.prior,
                "shares": self.shares and {name: plain(share) for name, share in self.shares.items()},
            },
            "raw": self.raw.to_dict(),
            "without_leaks": None
            if self.without_leaks is None or leaks is None
            else {"from": leaks["from"], "leaked": self.leaked, **self.without_leaks.to_dict()},
            "accuracy_with_misses": None if self.accuracy_with_misses is None else plain(self.accuracy_with_misses),
            "member_weights": member_weights(self.viewed),
            "about": about,
        }


def _misses(about: dict[str, Any], labels: Labels) -> int:
    """Pictures in which no face was found, whose label is one of the classes."""
    found = (problem for problem in about.get("problems", []) if problem["kind"] == "no face")
    return sum(labels.find(problem["label"]) is not None for problem in found)


def _with_misses(metrics: Metrics, about: dict[str, Any], labels: Labels) -> float | None:
    if about.get("detector", "whole") == "whole":
        return None
    return float(metrics.confusion.trace() / (metrics.rows + _misses(about, labels)))


def _notes_on_choice(about: dict[str, Any]) -> list[str]:
    """Was the model trained or chosen on these pictures?"""
    made = about.get("made_from") or {}
    split, same = about.get("split"), made.get("digest") and made.get("digest") == about.get("manifest")
    trained, chosen = made.get("train"), made.get("val")
    if same and split is None:
        return [
            f"No split was named: these rows include those that trained ({trained}) and chose ({chosen}) the model."
        ]
    if same and split == trained:
        return [f"The model was trained on this split ({split}): the numbers say how well it remembers."]
    if same and split == chosen:
        return [
            f"This split ({split}) was used to choose the model: expect a little less on pictures it has never seen."
        ]
    if about.get("manifest") in made.get("begun_with", ()):
        return ["What the model began with learned from this manifest: numbers on pictures that it has seen flatter."]
    if split is not None and split in (trained, chosen) and not same:
        what = "trained" if split == trained else "chosen"
        return [
            f"The model was {what} on a split of the same name ({split}) of a manifest that differs from this one: "
            "if the pictures are the same, the numbers flatter."
        ]
    return []


def _note_on_leaks(leaks: dict[str, Any] | None, leaked: int) -> list[str]:
    return [] if leaks is None else [f"{leaked:,} pictures are in {leaks['from']} as well."]


def _notes_on_rows(
    about: dict[str, Any], not_asked: tuple[str, ...], dropped: dict[str, int], metrics: Metrics
) -> list[str]:
    """Which rows and classes do not count?"""
    notes = []
    problems = about.get("problems", [])
    for kind, text in (
        ("unreadable", "{} of {} pictures could not be read and were left out."),
        ("no face", "In {} of {} pictures no face was found; they were left out."),
    ):
        if count := sum(problem["kind"] == kind for problem in problems):
            notes.append(text.format(f"{count:,}", f"{about['rows']:,}"))
    if unlabelled := about.get("unlabelled"):
        notes.append(f"{unlabelled:,} pictures have no label; they count only where votes are measured.")
    if dropped:
        listed = ", ".join(f"{name} {count:,}" for name, count in dropped.items())
        notes.append(f"Labels outside the classes measured; these pictures do not count: {listed}.")
    if not_asked:
        notes.append(f"The model also answers {', '.join(not_asked)}; here it had to choose among the others.")
    if metrics.absent:
        notes.append(f"No picture of {', '.join(metrics.absent)}: left out of every mean over classes.")
    return notes


def _notes_on_prior(scores: Scores, seen: View, prior: str) -> list[str]:
    """For which shares of the classes are the answers, where it is not the model's own?"""
    if prior == "training" or seen.shares is None:
        return []
    if prior == "uniform":
        notes = ["Prior uniform: the answers are those for equally frequent classes."]
    else:
        shares = told(seen.scores.labels, seen.shares)
        notes = [f"Prior auto: shares estimated from these {len(scores):,} pictures, without their labels: {shares}."]
    if any(scores.about.get("biases") or ()):
        notes.append("The biases in the model's card were set aside: they and the prior would say the same twice.")
    return notes
