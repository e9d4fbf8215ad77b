"""A report: one HTML file with everything about one model, or several side by side.

It needs no network and runs no script, follows light and dark, and prints. The words are in ``templates/report.html``,
the looks in ``templates/report.css``; here is what they are filled with.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mien import __version__
from mien.atomic import write_text
from mien.card import FORBIDDEN_USE, INTENDED_USE
from mien.data.stats import stats
from mien.errors import InputError, need
from mien.evaluate.metrics import mean
from mien.manifest import Manifest
from mien.report.contents import MEASURES, cell, contents, number, percent
from mien.report.exhibit import Exhibit
from mien.report.inline import png

TEMPLATES = Path(__file__).parent / "templates"


def write_report(
    exhibits: Sequence[Exhibit],
    path: str | os.PathLike[str],
    *,
    manifest: Manifest | None = None,
    audit: Mapping[str, Any] | None = None,
    title: str = "",
) -> Path:
    """Write a report.

    Args:
        exhibits: the models, see :func:`mien.report.exhibit.exhibit`.
        path: ``.html``.
        manifest: the data, for the data card.
        audit: what ``mien data audit --out audit.json`` wrote.
        title: of the page; by default the models' names.

    Returns:
        The file.

    Raises:
        InputError: no model, or another suffix.
        MissingExtra: jinja2 or matplotlib is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path}: a report is written as .html; a browser prints it to PDF")
    if not exhibits:
        raise InputError("a report needs at least one run, model or scores file")
    jinja2 = need("jinja2", "lab", "a report")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.globals["png"] = png
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    names = _unique([each.name for each in exhibits])
    page = environment.get_template("report.html").render(
        title=title or "Report: " + ", ".join(names),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        version=__version__,
        style=environment.filters["safe"](style),
        exhibits=[
            contents(each, name, f"model-{place}")
            for place, (each, name) in enumerate(zip(exhibits, names, strict=True))
        ],
        has_pictures=any(each.examples for each in exhibits),
        summary=_summary(exhibits),
        is_comparable=_is_comparable(exhibits),
        data=None if manifest is None else _data(manifest),
        audit=None if audit is None else _audit(audit),
        environment=_environment(),
        uses=_uses(exhibits, names),
    )
    write_text(path, page)
    return path


def _unique(names: Sequence[str]) -> list[str]:
    """Names with a number where two are alike."""
    return [
        name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})"
        for place, name in enumerate(names)
    ]


def _summary(exhibits: Sequence[Exhibit]) -> list[dict[str, Any]]:
    """One row per measure, one cell per model; the best is marked where all are comparable."""
    rows: list[dict[str, Any]] = []

    def add(name: str, values: Sequence[float], texts: Sequence[tuple[str, str]], sign: int) -> None:
        known = [sign * value for value in values if np.isfinite(value)]
        best = max(known) if len(known) > 1 and sign and len(set(known)) > 1 and _is_comparable(exhibits) else None
        cells = [
            {"text": text, "range": interval, "is_best": best is not None and sign * value == best}
            for value, (text, interval) in zip(values, texts, strict=True)
        ]
        rows.append({"name": name, "cells": cells})

    evaluations = [each.evaluation for each in exhibits]
    if any(evaluations):
        for name, (key, _, more) in MEASURES.items():
            values = [getattr(each.raw.metrics, key) if each else float("nan") for each in evaluations]
            add(
                name,
                values,
                [cell(each, name) if each else ("not measured", "") for each in evaluations],
                1 if more else -1,
            )
        errors = [each.calibration.ece if each.calibration else float("nan") for each in exhibits]
        add("Calibration error", errors, [(percent(value), "") for value in errors], -1)
        areas = [mean(each.raw.metrics.roc_auc) if each else float("nan") for each in evaluations]
        add("Mean ROC area", areas, [(number(value), "") for value in areas], 1)
        counts = [float(each.raw.metrics.rows) if each else float("nan") for each in evaluations]
        add("Pictures", counts, [("–" if np.isnan(value) else f"{value:,.0f}", "") for value in counts], 0)
    sizes = [float(each.file["bytes"]) / 1e6 if each.file else float("nan") for each in exhibits]
    add("Size, MB", sizes, [(number(value, 1), "") for value in sizes], -1)
    if any(each.history for each in exhibits):
        epochs = [float(len(each.history)) if each.history else float("nan") for each in exhibits]
        add("Epochs", epochs, [(number(value, 0), "") for value in epochs], 0)
        minutes = [sum(record.get("seconds", 0) for record in each.history) / 60 or float("nan") for each in exhibits]
        add("Training, minutes", minutes, [(number(value, 1), "") for value in minutes], 0)
    return rows


def _is_comparable(exhibits: Sequence[Exhibit]) -> bool:
    """Whether all that were measured were measured on the same pictures and classes."""
    measured = [each.evaluation for each in exhibits if each.evaluation]
    seen = {(tuple(sorted(each.viewed.ids.tolist())), tuple(sorted(each.viewed.labels.names))) for each in measured}
    return len(seen) <= 1


def _data(manifest: Manifest) -> dict[str, Any]:
    found = stats(manifest, sample=0)
    facts = [
        ("pictures", f"{found.rows:,}"),
        ("digest", manifest.digest()),
        ("classes", manifest.labels.id),
        ("origin", ", ".join(f"{name} {count:,}" for name, count in found.origins.items())),
    ]
    if found.imbalance is not None:
        facts.append(("largest / smallest class", f"{found.imbalance:.1f}"))
    people = found.subjects
    named = f"{people['people']:,}, named in {people['rows']:,} rows"
    facts.append(("people", named if people["people"] else "not named: whether one is in two splits is not known"))
    if (votes := found.votes) is not None:
        agree = percent(votes["more_than_half_agree"])
        facts.append(("votes", f"{votes['votes_per_picture']:.1f} per picture; more than half agree on {agree}"))
    return {"facts": facts, "classes": found.classes, "splits": found.splits(), "domains": found.domains}


def _audit(audit: Mapping[str, Any]) -> dict[str, Any]:
    if not {"pictures", "counts", "findings"} <= audit.keys():
        raise InputError("this is no audit: `mien data audit MANIFEST --out audit.json` writes one")
    lines = [item["why"] for item in audit["findings"] if item["kind"] == "balance"]
    return {"pictures": audit["pictures"], "counts": audit["counts"], "lines": lines}


def _environment() -> list[tuple[str, str]]:
    return [
        ("program", f"mien {__version__}, numpy {np.__version__}, Python {platform.python_version()}"),
        ("machine", re.sub(r"\s+", " ", f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors")),
    ]


def _uses(exhibits: Sequence[Exhibit], names: Sequence[str]) -> list[list[tuple[str, str]]]:
    """What models are meant for and not, each text once."""
    texts: dict[tuple[str, str], list[str]] = {}
    for each, name in zip(exhibits, names, strict=True):
        card = each.card
        pair = (INTENDED_USE, FORBIDDEN_USE) if card is None else (card.intended_use, card.forbidden_use)
        texts.setdefault(pair, []).append(name)
    return [
        [*([("models", ", ".join(of))] if len(texts) > 1 else []), ("meant for", meant), ("not for", forbidden)]
        for (meant, forbidden), of in texts.items()
    ]
