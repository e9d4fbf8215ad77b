"""An evaluation for people, in a terminal."""

from __future__ import annotations

import io
import math
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mien.evaluate.evaluation import Evaluation, Part
from mien.evaluate.members import member_weights
from mien.evaluate.metrics import Metrics, mean
from mien.evaluate.votes import VoteMetrics

#: Name -> attribute of ``Metrics`` and of the interval.
SHARES = {
    "accuracy": "accuracy",
    "balanced accuracy": "balanced_accuracy",
    "macro F1": "macro_f1",
    "weighted F1": "weighted_f1",
    "top-2 accuracy": "top2_accuracy",
}


def summary(evaluation: Evaluation) -> RenderableType:
    """Tables and notes, ready for ``rich``."""
    about = evaluation.scores.about
    speed = f", {about['ms_per_face']:.1f} ms per face" if "ms_per_face" in about else ""
    head = f"{evaluation.title}: {evaluation.raw.metrics.rows:,} pictures, {len(evaluation.viewed.labels)} classes"
    parts: list[RenderableType] = [Text(head + speed, style="bold"), _numbers(evaluation)]
    parts += [Text(), _classes(evaluation.raw.metrics), Text("\nanswers to each label", style="bold")]
    parts += [_confusion(evaluation.raw.metrics), Text()]
    if (weights := member_weights(evaluation.viewed)) is not None:
        parts += [
            Text("mean weight of each net, over all pictures and by label", style="bold"),
            _members(weights),
            Text(),
        ]
    parts += [Text(f"! {note}", style="yellow") for note in evaluation.notes]
    return Group(*parts)


def to_text(evaluation: Evaluation, width: int = 110) -> str:
    """The same as plain text."""
    # plain everywhere: in a notebook rich would show the text instead of writing it, and with FORCE_COLOR colour it
    console = Console(
        file=io.StringIO(), width=width, no_color=True, highlight=False, force_jupyter=False, force_terminal=False
    )
    console.print(summary(evaluation))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def _numbers(evaluation: Evaluation) -> Table:
    parts = {"all": evaluation.raw}
    if evaluation.without_leaks is not None:
        source = evaluation.scores.about["leaked"]["from"]
        parts[f"without leaks from {source}"] = evaluation.without_leaks
    table = Table("", *parts, box=None, pad_edge=False)
    for name, key in SHARES.items():
        table.add_row(name, *(_share(part, key) for part in parts.values()))
    metrics = [part.metrics for part in parts.values()]
    table.add_row("mean ROC-AUC", *(_number(mean(each.roc_auc)) for each in metrics))
    table.add_row("mean PR-AUC", *(_number(mean(each.pr_auc)) for each in metrics))
    table.add_row("negative log-likelihood", *(_number(each.nll) for each in metrics))
    votes = [part.votes for part in parts.values()]
    if any(votes):
        texts = [
            "" if each is None else f"{_percent(each.majority_accuracy)}  (of {each.majority_rows:,})" for each in votes
        ]
        table.add_row("majority of votes", *texts)
        texts = [
            "" if each is None else f"{_number(each.cross_entropy)} (at best {_number(each.entropy)})" for each in votes
        ]
        table.add_row("cross-entropy to votes", *texts)
        table.add_row("agrees with one random person", *(_agreement(each, "tagger_agreement") for each in votes))
        table.add_row("  as others do (human line)", *(_agreement(each, "human_agreement") for each in votes))
    if evaluation.accuracy_with_misses is not None:
        table.add_row("accuracy, no face = wrong", _percent(evaluation.accuracy_with_misses))
    table.add_row("pictures", *(f"{each.rows:,}" for each in metrics))
    return table


def _agreement(votes: VoteMetrics | None, key: str) -> str:
    if votes is None:
        return ""
    interval = votes.intervals.get(key)
    bounds = "" if interval is None else f"  ({100 * interval.low:.1f} to {100 * interval.high:.1f})"
    return _percent(getattr(votes, key)) + bounds


def _share(part: Part, key: str) -> str:
    text = _percent(getattr(part.metrics, key))
    if key in part.intervals:
        interval = part.intervals[key]
        text += f"  ({100 * interval.low:.1f} to {100 * interval.high:.1f})"
    return text


def _classes(metrics: Metrics) -> Table:
    table = Table("class", "pictures", "precision", "recall", "F1", "ROC-AUC", "PR-AUC", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for index, name in enumerate(metrics.labels):
        shares = (_percent(float(values[index])) for values in (metrics.precision, metrics.recall, metrics.f1))
        areas = (_number(float(values[index])) for values in (metrics.roc_auc, metrics.pr_auc))
        table.add_row(name, f"{metrics.support[index]:,}", *shares, *areas)
    return table


def _confusion(metrics: Metrics) -> Table:
    table = Table("label", *metrics.labels, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for index, name in enumerate(metrics.labels):
        cells = []
        for count, percent in zip(metrics.confusion[index], metrics.confusion_percent[index], strict=True):
            cells.append(f"{count} {'–' if math.isnan(percent) else f'{percent:.0f}%'}" if count else "·")
        table.add_row(name, *cells)
    return table


def _members(weights: dict[str, Any]) -> Table:
    table = Table("net", "all", *weights["classes"], box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for index, name in enumerate(weights["names"]):
        table.add_row(name, *(_percent(means[index]) for means in (weights["all"], *weights["classes"].values())))
    return table


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
