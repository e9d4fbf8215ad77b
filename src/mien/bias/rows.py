"""Rows to choose biases on. Those that trained the model are refused, those of a test split are marked."""

from __future__ import annotations

from dataclasses import replace

from mien.errors import InputError
from mien.evaluate.view import view
from mien.labels import Labels
from mien.scores import Scores

#: Names under which a split is kept for the last measurement; PrivateTest is FER2013's.
TEST = ("test", "testing", "privatetest", "private test")


def plain_view(scores: Scores, labels: Labels | None = None) -> Scores:
    """The scores over the classes asked for, without the biases and the temperature of the model's card."""
    return view(replace(scores, about={**scores.about, "biases": [], "temperature": 1.0}), labels).scores


def notes_on_rows(scores: Scores) -> list[str]:
    """What must be said of biases that are chosen on these rows.

    Raises:
        InputError: the model was trained on rows among them, so its answers there are surer than they will be.
    """
    about = scores.about
    made = about.get("made_from") or {}
    trained, is_same = made.get("train"), bool(made.get("digest")) and made.get("digest") == about.get("manifest")
    found = set() if scores.splits is None else set(scores.splits.tolist())
    splits = {name for name in found | {about.get("split") or ""} if name}
    if trained in splits and is_same:
        raise InputError(
            f"the model was trained on the split {trained!r}, which is among these rows: its answers there say nothing "
            "of new pictures. Score another one: --split val"
        )
    notes = []
    if trained in splits:
        notes.append(
            f"The model was trained on a split of the same name ({trained}) of another manifest: "
            "if the pictures are the same, these biases are of no use."
        )
    for name in sorted(splits):
        if name.lower() in TEST:
            notes.append(
                f"Chosen on the split {name!r}: from now on, numbers of this model on that split flatter. "
                "Biases are better chosen on val."
            )
    if about.get("biases"):
        notes.append("The biases in the model's card were set aside: the new ones are meant instead of them.")
    return notes
