"""The model card of a generator in Markdown: what the file says of itself, and nothing else."""

from __future__ import annotations

from mien.report.card_layout import UNSTATED, chosen_by, layout, pictures
from mien.report.markdown import table
from mien.runtime.session import Opened

#: What every card should tell and the file of a generator does not hold.
OPEN = {
    "near-copies": "how many drawn faces repeat one of its training pictures (`mien synth screen` looks for them)",
    "agreement": "how often people see the expression that was asked for",
    "faces of people": "which ages, skins and faces it draws less often or less well than others",
    "use": "whether training with drawn faces helps: measure it on real ones (`mien arms`)",
}


def generator_card(opened: Opened) -> str:
    """The card of a generator as Markdown.

    Args:
        opened: a model file of kind ``generator``.
    """
    card = opened.card
    chosen = card.metrics.get("selection") or {}
    features = (card.recipe.get("gan") or {}).get("features", "?")
    numbers = [
        (name, f"{chosen[key]:{shape}}")
        for name, key, shape in (("FID", "fid", ".2f"), ("KID", "kid", ".4f"))
        if key in chosen
    ]
    channels = "grey" if card.preprocess.channels == 1 else "RGB"
    file = [
        ("draws", f"faces of {card.preprocess.size_px} px, {channels}"),
        ("classes", ", ".join(card.classes) or "none"),
        ("licence of the weights", card.licence if card.licence != "unknown" else UNSTATED),
        ("size", f"{opened.path.stat().st_size / 1e6:.2f} MB"),
        ("sha256", f"`{opened.digest}`"),
    ]
    note = (
        "It draws faces of nobody. They look like what it learned from, with its biases, and they are no photographs: "
        "whoever passes them on must say so."
    )
    space = f"In the features of the recognizer `{features}`; published numbers are of another network."
    measured = [table(["", ""], numbers), chosen_by(card), space] if numbers else ["Not measured."]
    return layout(card, note, file, measured, OPEN, pictures(card))
