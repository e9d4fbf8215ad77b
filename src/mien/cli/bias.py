"""``mien bias``: factors per class that make weak classes heard, chosen on saved scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import scores_file

if TYPE_CHECKING:
    from mien.scores import Scores


def bias(
    source: Annotated[str, typer.Argument(help="Scores (.npz) of mien evaluate, or a model (name or file).")],
    manifest: Annotated[Path | None, typer.Argument(help="With a model: manifest (.csv or .parquet) to score.")] = None,
    split: Annotated[str | None, typer.Option(help="Only this split, e.g. val; not the one that trained.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="With a model: folder of pictures instead of a manifest, in class folders.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help='With --images: JSON file {"file": "class"} instead of class folders.')
    ] = None,
    method: Annotated[
        str,
        typer.Option(help="coordinate, cmaes, evolutionary, optuna, grid, logit_adjustment or em."),
    ] = "coordinate",
    objective: Annotated[
        str,
        typer.Option(
            help="macro_recall, macro_f1, weighted_f1, accuracy, weighted_recall, worst_recall, or distribution, "
            "which needs no labels."
        ),
    ] = "macro_recall",
    max_accuracy_loss: Annotated[
        float | None,
        typer.Option(
            help="Points of accuracy that may be lost; 100 for any. By default 1 where labels are needed.",
            min=0,
            max=100,
        ),
    ] = None,
    classes: Annotated[str | None, typer.Option(help="Only these get a factor, e.g. fear,disgust.")] = None,
    target: Annotated[
        str | None, typer.Option(help="For distribution: uniform, or angry=0.2,happy=0.5,neutral=0.3.")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="For weighted_recall: fear=3,sad=2; the others count 1.")] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            help="For logit_adjustment and em: shares in the training data: pairs, its manifest, or scores (.npz) of "
            "pictures like them, whose mean probabilities count. By default as the model's card says."
        ),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Classes to answer with: a known set (fer7 ...) or names: happy,sad,neutral.")
    ] = None,
    reach: Annotated[float, typer.Option(help="Factors from 1/reach to reach are searched.")] = 8.0,
    trials: Annotated[int, typer.Option(help="Of each search; the zero bias is always one.", min=2)] = 1000,
    folds: Annotated[int, typer.Option(help="Of the cross-validation; 0 for none.", min=0)] = 5,
    shrink: Annotated[
        bool, typer.Option("--shrink/--no-shrink", help="Shrink the biases as far as is best on rows not searched.")
    ] = True,
    jobs: Annotated[int, typer.Option(help="Processes that search; the result is the same.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Of folds, searches and draws.", min=0)] = 0,
    bootstrap: Annotated[int, typer.Option(help="Draws for the 95 % intervals; 0 for none.", min=0)] = 1000,
    check: Annotated[Path | None, typer.Option(help="Other scores (.npz) of the same model to measure on.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write biases, gains and all trials here (.json).")] = None,
    card: Annotated[Path | None, typer.Option(help="Write the biases into the card of this model file.")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder for plots (PNG).")] = None,
    scores_out: Annotated[
        Path | None, typer.Option(help="With a model: save its scores here (.npz).", callback=scores_file)
    ] = None,
    detector: Annotated[str, typer.Option(help="With a model, for rows without a box.")] = "whole",
    threads: Annotated[int | None, typer.Option(help="CPU threads; by default all cores.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Choose factors per class on saved scores: cross-validated, shrunk, with what they gain on rows unseen."""
    from mien.bias.objectives import OBJECTIVES, UNLABELLED
    from mien.bias.search import METHODS
    from mien.bias.tune import tune
    from mien.cli.progress import bar
    from mien.cli.scoring import labels_of
    from mien.scores import Scores

    OBJECTIVES.entry(objective)  # mistakes show before a network runs
    METHODS.entry(method)
    if max_accuracy_loss is None and objective not in UNLABELLED:
        max_accuracy_loss = 1.0
    scores = _scores(source, manifest, split, images, truth, detector, threads, as_json)
    if scores_out is not None:
        scores.save(scores_out)
    with bar("searching", is_quiet=as_json) as step:
        tuning = tune(
            scores,
            method=method,
            objective=objective,
            max_accuracy_loss=None if max_accuracy_loss is None else max_accuracy_loss / 100,
            classes=None if classes is None else [name.strip() for name in classes.split(",")],
            labels=labels_of(labels),
            target=_shares(target, "target"),
            weights=_shares(weights, "weights"),
            prior=_prior(prior),
            reach=reach,
            trials=trials,
            folds=folds,
            shrink=shrink,
            jobs=jobs,
            seed=seed,
            draws=bootstrap,
            progress=lambda done, total: step("searching", done, total),
        )
    checked = None if check is None else tuning.check(Scores.load(check), draws=bootstrap, seed=seed)
    written = [] if scores_out is None else [scores_out]
    if out is not None:
        tuning.save(out)
        written.append(out)
    if card is not None:
        tuning.write_card(card)
        written.append(card)
    if pictures is not None:
        from mien.report.bias import plot_bias

        written += plot_bias(tuning, scores, pictures)
    if as_json:
        content = tuning.to_dict()
        if checked is not None:
            content["checked"] = checked.to_dict(tuning.labels)
        print(json.dumps(content, indent=2, allow_nan=False))
        return
    from rich.console import Console

    from mien.bias.summary import summary

    console = Console()
    console.print(summary(tuning, checked), highlight=False)
    given = ",".join(f"{name}={factor:.3g}" for name, factor in tuning.factors.items() if f"{factor:.3g}" != "1")
    if given:
        console.print(f"try it: mien predict PICTURE --bias {given}", highlight=False, soft_wrap=True, markup=False)
    for path in written:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)
    if card is not None:
        line = f"the card's other numbers were measured without these biases: mien evaluate {card} MANIFEST --card"
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _scores(
    source: str,
    manifest: Path | None,
    split: str | None,
    images: Path | None,
    truth: Path | None,
    detector: str,
    threads: int | None,
    is_quiet: bool,
) -> Scores:
    """Read saved scores, or let the network run, once."""
    from mien.bias.pictures import manifest_of
    from mien.cli.scoring import run_network, scores_of
    from mien.errors import InputError
    from mien.runtime.network import Network

    if truth is not None and images is None:
        raise InputError(f"--truth {truth}: name the folder of its pictures with --images")
    if images is None and manifest is None and not source.endswith(".npz"):
        raise InputError(f"mien bias {source}: name a manifest or --images, or the scores that mien evaluate saved")
    if images is None:
        return scores_of("bias", source, manifest, split, detector, threads, is_quiet=is_quiet)
    if source.endswith(".npz"):
        raise InputError(f"{source} is saved scores: --images cannot change them; name a model instead")
    if manifest is not None:
        raise InputError(f"--images {images}, and the manifest {manifest}: name one of them")
    network = Network(source, threads)
    data = manifest_of(images, truth, network.card.labels)
    return run_network(network, data, split, detector, threads, is_quiet=is_quiet)


def _shares(text: str | None, what: str) -> dict[str, float] | None:
    """Numbers by class; empty for uniform."""
    from mien.runtime.biases import pairs

    if text is None:
        return None
    return {} if text == "uniform" and what == "target" else pairs(text.split(","), what)


def _prior(text: str | None) -> dict[str, float] | None:
    """Shares by class: given, or those of a manifest (of its split train when it has one), or a model's mean answer."""
    if text is not None and text.endswith(".npz"):
        from mien.bias.rows import plain_view
        from mien.scores import Scores, softmax

        scores = Scores.load(text)
        seen = plain_view(scores)
        means = softmax(seen.logits / scores.about.get("temperature", 1.0)).mean(axis=0)
        return dict(zip(seen.labels, means.tolist(), strict=True))
    if text is None or not text.endswith((".csv", ".parquet")):
        return _shares(text, "prior")
    from collections import Counter

    from mien.manifest import Manifest

    frame = Manifest.load(text).frame
    if (frame["split"] == "train").any():
        frame = frame[frame["split"] == "train"]
    return {str(name): float(count) for name, count in Counter(frame["label"]).items() if name}
