"""Run a model over a manifest, once: everything else reads the scores.

scores = score(recognizer.logits, card, manifest)      the network runs here, and only here
evaluation = Evaluation.of(scores)                     milliseconds
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien import __version__
from mien.card import Card
from mien.data.faces import NoFace, ids_of, looker, rows_of
from mien.errors import InputError, ManifestError
from mien.evaluate.evaluation import Evaluation
from mien.evaluate.leaks import leaked_rows
from mien.evaluate.spread import Classify, Station, clocked, spread, spread_faces
from mien.images import Pixels
from mien.labels import Labels
from mien.manifest import OTHER_VOTES, VOTES, Manifest
from mien.runtime import prior as priors
from mien.runtime.cluster import Cluster
from mien.runtime.engines import ENGINES
from mien.runtime.network import Answers, Network
from mien.runtime.threads import Threads
from mien.scores import Scores

Progress: TypeAlias = Callable[[str, int, int], None]


def evaluate(
    model: str | os.PathLike[str] | Network,
    manifest: Manifest,
    *,
    split: str | None = None,
    detector: str = "whole",
    batch_size: int = 64,
    threads: int | None = None,
    device: str = "auto",
    flip: bool | None = None,
    labels: Labels | None = None,
    prior: str = "training",
    without_leaks_from: str | None = None,
    near: bool = True,
    draws: int = 1000,
    seed: int = 0,
    by_subject: bool = False,
    out: str | os.PathLike[str] | None = None,
    engine: str = "threads",
    workers: int | None = None,
    progress: Progress = lambda step, done, total: None,
) -> Evaluation:
    """Run a model over a manifest and measure its answers.

    Args:
        model: name, path, or a network that is open already.
        manifest: the data.
        split: only this split; None for all rows.
        detector: for rows without a box: an entry of ``mien.faces.DETECTORS``.
        batch_size: faces per run of the network.
        threads: that read pictures and run the network; None for one per core.
        device: what computes, when ``model`` is a name or path: ``auto``, ``cuda``, ``openvino`` or ``cpu``.
        flip: average each face with its mirror image; None as the card says.
        labels: the classes to answer with; None for those of the data as far as the model knows them.
        prior: one of ``mien.runtime.prior.PRIORS``: for which shares of the classes.
        without_leaks_from: measure a second time without the pictures that this split has as well.
        near: count near duplicates too, such as the same photograph mirrored, and not only identical pictures.
        draws: for the 95 % intervals; 0 for none.
        seed: of the draws.
        by_subject: draw whole persons instead of single rows.
        out: save the scores here, before anything is measured.
        engine: an entry of ``mien.runtime.engines.ENGINES``: who reads the pictures and runs the network.
        workers: threads in place of ``threads``, or calls of a cluster at the same time; None for one per core.
        progress: called with the step's name, rows done and rows in all.

    Raises:
        InputError: model, manifest or classes cannot be used.

    Example:
        ``evaluate("model.onnx", Manifest.load("faces.csv"), split="val").raw.metrics.accuracy``
    """
    network = model if isinstance(model, Network) else Network(model, threads, device)
    priors.check(prior, [(network.card.name, network.card.prior)])  # before the work
    scores = score_model(
        network,
        manifest,
        split=split,
        detector=detector,
        batch_size=batch_size,
        threads=threads,
        flip=flip,
        without_leaks_from=without_leaks_from,
        near=near,
        out=out,
        engine=engine,
        workers=workers,
        progress=progress,
    )
    return Evaluation.of(scores, labels=labels, prior=prior, draws=draws, seed=seed, by_subject=by_subject)


def score_model(
    model: str | os.PathLike[str] | Network,
    manifest: Manifest,
    *,
    split: str | None = None,
    detector: str = "whole",
    batch_size: int = 64,
    threads: int | None = None,
    device: str = "auto",
    flip: bool | None = None,
    without_leaks_from: str | None = None,
    near: bool = True,
    out: str | os.PathLike[str] | None = None,
    engine: str = "threads",
    workers: int | None = None,
    progress: Progress = lambda step, done, total: None,
) -> Scores:
    """Run a model over a manifest, whose rows need no labels; the arguments are those of :func:`evaluate`.

    Raises:
        InputError: model or manifest cannot be used, or there is no such engine.
    """
    ENGINES.entry(engine)
    network = model if isinstance(model, Network) else Network(model, threads, device)
    leaked = None
    if without_leaks_from is not None:
        leaked = leaked_rows(manifest, split, without_leaks_from, near=near, threads=threads, progress=progress)
    flips = network.card.flip if flip is None else flip
    station = Station(network.single_threaded, detector, flips, batch_size)
    with spread(station, threads, workers) if engine == "ray" else nullcontext() as cluster:
        scores = score(
            station.answers,
            network.card,
            manifest,
            model=f"{network.card.name} {network.digest[:12]}",
            split=split,
            detector=detector,
            batch_size=batch_size,
            threads=workers or threads,
            leaked=leaked,
            leaks_from=without_leaks_from or "",
            facts={
                "flip": flips,
                "model_sha256": network.digest,
                "model_bytes": network.path.stat().st_size,
                "versions": _versions(),
            },
            cluster=cluster,
            progress=lambda done, total: progress("classifying", done, total),
        )
    if out is not None:
        scores.save(out)
    return scores


def score(
    classify: Classify,
    card: Card,
    manifest: Manifest,
    *,
    model: str = "",
    split: str | None = None,
    detector: str = "whole",
    batch_size: int = 64,
    threads: int | None = None,
    leaked: NDArray[np.intp] | None = None,
    leaks_from: str = "train",
    facts: dict[str, Any] | None = None,
    cluster: Cluster[Station] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scores:
    """Score every picture of a manifest.

    A row's face is its ``box``, cut out with the margin of the model's ``Preprocess``; without a box it is the whole
    picture, or what a detector finds: the largest face. A picture that cannot be read, and one without a face, is
    listed with its reason in ``about["problems"]``; the others are scored all the same.

    Args:
        classify: the network; is called in several threads at once.
        card: what the model says of itself.
        manifest: the data.
        model: name and digest, as they go into the scores.
        split: only this split; None for all rows.
        detector: for rows without a box: an entry of ``mien.faces.DETECTORS``.
        batch_size: faces per call of ``classify``.
        threads: that read pictures and call ``classify``; by default one per core.
        leaked: rows of ``manifest`` (of all of it, counted from 0) whose picture another split has too.
        leaks_from: name of that split.
        facts: anything else for ``about``, ready for JSON.
        cluster: reads the pictures and runs the network, in place of threads and ``classify``.
        progress: called with rows done and rows in all.

    Returns:
        Scores over the model's own classes, one row per face; where the data name a class that the model does not
        know, the target is -1 and ``about["unknown_labels"]`` counts it.

    Raises:
        ManifestError: no such split, missing files, or not one usable picture.
    """
    digest = manifest.digest()
    rows = np.arange(len(manifest))
    if split is not None:
        rows = rows[(manifest.frame["split"] == split).to_numpy()]
        manifest = manifest.split(split)
    truth, unknown = _truth(manifest, card.labels)  # before the work: label sets that do not overlap show at once
    manifest.check_files()
    kept: list[int] = []
    problems: list[dict[str, Any]] = []
    logits: list[NDArray[np.float32]] = []
    member_weights: list[NDArray[np.float32]] = []
    seconds = 0.0

    def batches(found: Iterable[Pixels | InputError]) -> Iterator[list[Pixels]]:
        """Faces for one run each; on the way the rows are told apart: those kept, and those with a problem."""
        batch: list[Pixels] = []
        for row, face in enumerate(found):
            if isinstance(face, InputError):
                kind = "no face" if isinstance(face, NoFace) else "unreadable"
                image, label = str(manifest.frame["image"][row]), str(manifest.frame["label"][row])
                problems.append(
                    {"row": int(rows[row]) + 1, "image": image, "kind": kind, "label": label, "reason": str(face)}
                )
            else:
                kept.append(row)
                batch.append(face)
            if batch and (len(batch) == batch_size or row + 1 == len(manifest)):
                yield batch
                batch = []
            if (row + 1) % batch_size == 0 or row + 1 == len(manifest):
                progress(row + 1, len(manifest))

    with Threads(threads) as here:
        if cluster is None:
            found = here.map(looker(card.preprocess, detector), rows_of(manifest), 2 * batch_size)
            answered = here.map(partial(clocked, classify), batches(found), here.workers + 1)
        else:
            answered = cluster.map(Station.clocked, batches(spread_faces(cluster, manifest)))
        for answers, took in answered:
            if isinstance(answers, Answers):
                member_weights += [] if answers.member_weights is None else [answers.member_weights]
                answers = answers.logits
            logits.append(np.asarray(answers, np.float32))
            seconds += took
    if not kept:
        raise ManifestError(f"none of the {len(manifest)} pictures can be used; the first: {problems[0]['reason']}")
    used = manifest.take(np.array(kept))
    about: dict[str, Any] = {
        "manifest": digest,
        "rows": len(manifest),
        "split": split,
        "classes": list(manifest.labels.names),
        "detector": detector,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "ms_per_face": round(1000 * seconds / len(kept), 3),
        "made_from": _made_from(card),
        "biases": list(card.biases),
        "temperature": card.temperature,
        "prior": list(card.prior),
        "unlabelled": int((used.targets() < 0).sum()),
        "unknown_labels": unknown,
        "problems": problems,
        **(facts or {}),
    }
    ids = ids_of(used)
    if leaked is not None:
        is_leaked = np.isin(rows[kept], leaked)
        about["leaked"] = {"from": leaks_from, "ids": ids[is_leaked].tolist()}
    spoken = used.with_labels(card.labels) if used.vote_classes else None
    return Scores(
        logits=np.concatenate(logits),
        targets=truth[kept],
        labels=card.labels,
        ids=ids,
        votes=None if spoken is None else spoken.votes(),
        other_votes=None if spoken is None else spoken.other_votes(),
        splits=np.array(used.frame["split"].tolist(), dtype=str),
        domains=np.array(used.frame["domain"].tolist(), dtype=str),
        subjects=np.array(used.frame["subject"].tolist(), dtype=str),
        columns=columns_of(used),
        member_weights=np.concatenate(member_weights) if member_weights else None,
        members=card.members if member_weights else (),
        model=model or card.name,
        about=about,
    )


def columns_of(manifest: Manifest) -> dict[str, NDArray[np.str_]]:
    """(N,) text of each column that rows can be grouped by and that scores do not keep by a name of their own."""
    frame = manifest.frame
    kept = [
        str(name)
        for name in frame.columns
        if name not in ("image", "label", "split", "domain", "subject", "box")
        and not str(name).startswith((VOTES, OTHER_VOTES))
    ]
    return {name: np.array(frame[name].astype("string").fillna("").tolist(), dtype=str) for name in kept}


def _truth(manifest: Manifest, labels: Labels) -> tuple[NDArray[np.int64], dict[str, int]]:
    """Targets over the model's classes, and how many rows have a label that it does not know."""
    own = manifest.targets()
    mapping = manifest.labels.mapping_to(labels)
    counts = {name: int((own == manifest.labels.index(name)).sum()) for name in mapping.missing}
    return mapping.indices(own), {name: count for name, count in counts.items() if count}


def _made_from(card: Card) -> dict[str, Any]:
    """Which data trained and chose the model, as far as its card says."""
    data = card.recipe.get("data") or {}
    selection = card.metrics.get("selection") or {}
    found = {
        "digest": card.data.get("digest"),
        "train": data.get("train"),
        "val": selection.get("split", data.get("val")),
        "rule": selection.get("rule"),
        "begun_with": [start.get("data", {}).get("digest") for start in card.data.get("begun_with", ())] or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _versions() -> dict[str, str]:
    """Of what the numbers depend on."""
    found = {"mien": __version__}
    for name in ("numpy", "onnxruntime", "opencv-python-headless"):
        with suppress(PackageNotFoundError):  # OpenCV comes under several names
            found[name] = version(name)
    return found
