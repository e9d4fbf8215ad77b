"""A model card in Markdown: what the model file says of itself, and nothing else.

Every number in it was measured and written into the file (``mien train``, ``mien evaluate --card``, ``mien bias``,
``mien calibrate``). What was not measured is named as such, never filled in.

Source: M. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, for what a card should tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mien.card import Card
from mien.report.card_layout import UNSTATED, layout
from mien.report.markdown import bullets, table
from mien.runtime.network import Network

UNMEASURED = "not measured"
#: Columns of the table of numbers -> key in the card's metrics.
SHARES = {"Accuracy": "accuracy", "Balanced accuracy": "balanced_accuracy", "Macro F1": "macro_f1"}
#: What every card should tell and a model file does not hold.
OPEN = {
    "other domains": "pictures of other kinds than those above",
    "groups of people": "age, sex, skin and other groups: no numbers by group are in the model file",
    "robustness": "blur, noise, darkness, low resolution, rotation",
}


def model_card(network: Network) -> str:
    """The card of a model as Markdown.

    Args:
        network: an open model.

    Example:
        ``model_card(Network("default")).splitlines()[0]`` is ``"# Model card: default"``.
    """
    card = network.card
    note = "It answers with the *perceived expression*: what people would see in a face, and not what anybody feels."
    return layout(card, note, _file(network), list(_numbers(card)), _open(card), _data(card))


def _file(network: Network) -> list[tuple[str, str]]:
    card, prepare = network.card, network.card.preprocess
    channels = "grey (luminance)" if prepare.channels == 1 else "RGB"
    centre = f", centre moved down by {prepare.shift:g} of its side" if prepare.shift else ""
    scale = f"mean {_values(prepare.mean)}, standard deviation {_values(prepare.std)}"
    biases = ", ".join(f"{name} {value:+.3f}" for name, value in zip(card.classes, card.biases, strict=False))
    prior = ", ".join(f"{name} {share:.1%}" for name, share in zip(card.classes, card.prior, strict=False))
    return [
        ("classes, in the order of the output", ", ".join(card.classes)),
        ("label set", card.label_set),
        *([("members", ", ".join(card.members))] if card.members else []),
        ("input", f"{prepare.size_px} x {prepare.size_px} px, {channels}, values from 0 to 1, {scale}"),
        *([("computes in", f"{card.precision}, made of a float32 file")] if card.precision != "float32" else []),
        ("smaller faces are enlarged by", prepare.enlarge),
        ("framing", f"a square with {1 + prepare.margin:g} times the longer side of the face's box{centre}"),
        ("mirror image", "logits averaged with those of the mirror image" if card.flip else "not used"),
        ("temperature", f"{card.temperature:g}" + ("" if card.temperature != 1 else " (logits as they are)")),
        ("biases", biases or "none"),
        ("shares of the classes in training", prior or UNSTATED),
        ("abstains below a confidence of", f"{card.threshold:g}" if card.threshold else "never"),
        ("licence of the weights", card.licence if card.licence != "unknown" else UNSTATED),
        ("size", f"{network.path.stat().st_size / 1e6:.1f} MB"),
        ("sha256", f"`{network.digest}`"),
    ]


def _numbers(card: Card) -> list[str]:
    """A table of what was measured on which split, and what must be said beside it."""
    rows = []
    for split, found in card.metrics.items():
        if not isinstance(found, Mapping) or not {"rows", "accuracy"} <= found.keys():
            continue
        rows.append((split, found, found.get("date")))
        if isinstance(clean := found.get("without_leaks"), Mapping):
            rows.append((f"{split}, without {clean.get('leaked', '?')} leaked", clean, found.get("date")))
    made = card.recipe.get("data") or {}
    parts = []
    if rows:
        lines = [
            (split, f"{found['rows']:,}", *(_share(found, key) for key in SHARES.values()), date or UNSTATED)
            for split, found, date in rows
        ]
        parts.append(table(["Split", "Pictures", *SHARES, "Date"], lines))
        parts.append("In brackets: 95 % intervals, bootstrap over pictures. They say nothing of other trainings.")
    else:
        parts.append(
            f"On a split of its own: {UNMEASURED}. `mien evaluate MODEL MANIFEST --split test --card` does it."
        )
    if isinstance(chosen := card.metrics.get("selection"), Mapping):
        numbers = ", ".join(
            f"{name[0].lower()}{name[1:]} {_share(chosen, key)}" for name, key in SHARES.items() if key in chosen
        )
        rule = f"the split `{chosen.get('split')}` (rule: {chosen.get('rule')})"
        parts.append(f"The training chose its epoch by {rule}: {numbers}. Numbers on a split that chose flatter.")
    trained = [split for split, _, _ in rows if split == made.get("train")]
    if trained:
        parts.append(f"The model learned from `{trained[0]}`: numbers on it say how well it remembers.")
    for name, found in card.metrics.items():  # of biases, calibration and whatever else was written into the file
        if name != "selection" and isinstance(found, Mapping) and name not in {split for split, _, _ in rows}:
            parts.append(f"**{name}**\n\n{bullets(_lines(found))}")
    return parts


def _open(card: Card) -> dict[str, str]:
    """What is not known of this model."""
    made = card.recipe.get("data") or {}
    measured = {name for name, found in card.metrics.items() if isinstance(found, Mapping) and "rows" in found}
    fresh = measured - {made.get("train"), made.get("val")}
    found = {} if fresh else {"unseen pictures": "no split that neither trained nor chose the model"}
    if "calibration" not in card.metrics and card.temperature == 1:
        found["calibration"] = "whether its confidences are as high as they should be (`mien calibrate`)"
    return {**found, **{name: what for name, what in OPEN.items() if name not in card.metrics}}


def _data(card: Card) -> list[tuple[str, str]]:
    data = card.data
    made = card.recipe.get("data") or {}

    def counts(key: str) -> str:
        return ", ".join(f"{name or 'without'} {count:,}" for name, count in (data.get(key) or {}).items()) or UNSTATED

    return [
        ("digest of the manifest", f"`{data['digest']}`" if data.get("digest") else UNSTATED),
        ("pictures by split", counts("rows")),
        ("origin", counts("origin")),
        ("learned from", str(made.get("train", UNSTATED))),
        (
            "what it learned",
            {"votes": "shares of people's votes", "label": "labels"}.get(made.get("targets", ""), UNSTATED),
        ),
        ("licence of the data", card.data_licence),
        *(
            ("began with", f"{start['name']}, which learned from other data ({start.get('data_licence', UNSTATED)})")
            for start in data.get("begun_with", ())
        ),
        ("people", str(data.get("people", UNSTATED))),
    ]


def _lines(found: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """One line per value, parts of parts included."""
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from _lines(value, f"{above}{name}, ")
        else:
            yield f"{above}{name}: {value}".replace("_", " ")


def _share(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    if not isinstance(value, (int, float)) or math.isnan(value):
        return UNMEASURED
    interval = (found.get("intervals") or {}).get(key)
    between = f" ({100 * interval['low']:.1f} to {100 * interval['high']:.1f})" if interval else ""
    return f"{100 * value:.1f} %{between}"


def _values(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
