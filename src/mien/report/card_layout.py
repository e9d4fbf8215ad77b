"""How a model card is laid out, for every kind of model: what was measured, what was not, and what the model is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml

from mien.card import Card
from mien.report.markdown import bullets, table

UNSTATED = "not stated in the model file"


def layout(
    card: Card,
    note: str,
    file: Sequence[tuple[str, str]],
    numbers: Sequence[str],
    unmeasured: Mapping[str, str],
    data: Sequence[tuple[str, str]],
) -> str:
    """The card as Markdown.

    Args:
        card: what the file says of itself.
        note: what its output is, and what it is not.
        file: facts about the file.
        numbers: paragraphs with what was measured.
        unmeasured: what every card of this kind should tell and the file does not hold.
        data: facts about what it learned from.
    """
    parts = [
        f"# Model card: {card.name}",
        card.description or f"What it is: {UNSTATED}.",
        note,
        "## The file",
        table(["", ""], file),
        "## Numbers",
        *numbers,
        "## Not measured",
        bullets(f"**{name}**: {what}" for name, what in unmeasured.items()),
        "## Data",
        table(["", ""], data),
        "## Meant for, and not",
        f"**Meant for**: {card.intended_use}",
        f"**Not for**: {card.forbidden_use}",
        "## Recipe",
        f"```yaml\n{yaml.safe_dump(card.recipe, sort_keys=False).rstrip()}\n```"
        if card.recipe
        else f"{UNSTATED.capitalize()}.",
        "## Made with",
        bullets(f"{name} {version}" for name, version in card.versions.items())
        if card.versions
        else f"{UNSTATED.capitalize()}.",
    ]
    return "\n\n".join(parts) + "\n"


def pictures(card: Card) -> list[tuple[str, str]]:
    """What a card tells of the data of a model that does not answer with classes."""
    rows = ", ".join(f"{name or 'without'} {count:,}" for name, count in (card.data.get("rows") or {}).items())
    return [("pictures by split", rows or UNSTATED), ("licence of the data", card.data_licence)]


def chosen_by(card: Card) -> str:
    """The warning that belongs to numbers of the split that chose the epoch."""
    chosen = card.metrics["selection"]
    return f"On the split `{chosen.get('split')}`, which chose the epoch (rule: {chosen.get('rule')}): it flatters."
