"""What the teachers answer to the training pictures.

A teacher sees every picture once, as it is, while the student sees it varied anew in each epoch: it costs one pass and
works with answers that were saved before. Beyer et al., "Knowledge distillation: A good teacher is patient and
consistent", 2022, find that students learn more, in long trainings, from a teacher that sees the very same variation;
that costs a pass of the teacher in every step. MixUp and CutMix blend the answers as they blend the targets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mien.atomic import writing
from mien.data.faces import ids_of
from mien.errors import RecipeError
from mien.evaluate.run import score
from mien.labels import Labels
from mien.manifest import Manifest
from mien.parts import Distill
from mien.rundir import RunDir
from mien.runtime.models import locate
from mien.runtime.network import Network
from mien.scores import Scores, softmax

BATCH = 64


def check(recipe: Distill, labels: Labels) -> None:
    """See that each teacher is there and knows all classes, before any work.

    Raises:
        ModelError: there is no such model.
        InputError: there are no such scores.
        RecipeError: a teacher lacks classes; all such teachers are named.
    """
    mistakes = []
    for name in recipe.teachers:
        teacher = _open(name)
        known = teacher.card.labels if isinstance(teacher, Network) else teacher.labels
        if lacking := [label for label in labels if known.find(label) is None]:
            mistakes.append(
                f"distill.teachers: {name} does not know {', '.join(lacking)}, it knows {', '.join(known)}: "
                "take another teacher, or fewer classes (data.labels)"
            )
    if mistakes:
        raise RecipeError("recipe", mistakes)


def answers(
    recipe: Distill,
    manifest: Manifest,
    labels: Labels,
    run: RunDir,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> NDArray[np.float32] | None:
    """Answers of the teachers, softened by the temperature, then averaged.

    They come from the logits as the nets give them: biases and temperature of a model's card are not applied. Classes
    that the student does not learn are left out. The answers are kept in the run folder, and a run that goes on takes
    those it began with, also when a teacher has changed or gone.

    Args:
        recipe: teachers and temperature.
        manifest: the pictures.
        labels: the classes of the student.
        run: where the answers are kept.
        progress: called with pictures done and pictures in all, teacher by teacher.

    Returns:
        (N, C) float32, rows in the manifest's order, summing to one; None without teachers.

    Raises:
        RecipeError: saved scores lack a picture.
        InputError: a teacher cannot be used.
    """
    if not recipe.teachers:
        return None
    ids = ids_of(manifest)
    asked = {
        "recipe": recipe.model_dump(mode="json"),
        "classes": list(labels),
        "pictures": hashlib.sha256("\n".join(ids).encode()).hexdigest(),
    }
    if run.teacher.exists():
        with run.teacher.open("rb") as content, np.load(content, allow_pickle=False) as file:
            about, kept = json.loads(str(file["about"])), file["answers"]
        if about["asked"] == asked and (run.last.exists() or about["files"] == _digests(recipe)):
            return np.asarray(kept, np.float32)
    found = np.zeros((len(ids), len(labels)))
    for name in recipe.teachers:
        teacher = _open(name)
        scores = _ask(teacher, manifest, progress) if isinstance(teacher, Network) else teacher
        logits = scores.logits[_rows(scores, ids, name)]
        found += scores.labels.mapping_to(labels).probabilities(softmax(logits / recipe.temperature))
    mean = (found / len(recipe.teachers)).astype(np.float32)
    about = {"asked": asked, "files": _digests(recipe)}
    with writing(run.teacher) as temporary, temporary.open("wb") as archive:
        np.savez(archive, about=np.array(json.dumps(about)), answers=mean)
    return mean


def _open(teacher: str) -> Scores | Network:
    return Scores.load(teacher) if teacher.endswith(".npz") else Network(teacher, torch.get_num_threads())


def _digests(recipe: Distill) -> list[str]:
    files = [Path(name) if name.endswith(".npz") else locate(name) for name in recipe.teachers]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def _ask(teacher: Network, manifest: Manifest, progress: Callable[[int, int], None]) -> Scores:
    """The teacher's answers to all pictures, each prepared as the teacher wants it."""
    classify = partial(teacher.single_threaded.logits, flip=teacher.card.flip, batch_size=BATCH)
    threads = torch.get_num_threads()
    return score(classify, teacher.card, manifest, batch_size=BATCH, threads=threads, progress=progress)


def _rows(scores: Scores, ids: NDArray[np.str_], teacher: str) -> NDArray[np.intp]:
    """Where in the scores each picture is."""
    place = {id: row for row, id in enumerate(scores.ids.tolist())}
    lacking = [id for id in ids.tolist() if id not in place]
    if lacking:
        advice = "name the model itself, or write them with `mien evaluate MODEL DATA --out SCORES`, of this manifest"
        raise RecipeError(
            "recipe",
            [
                f"distill.teachers: {teacher} has no answer to {len(lacking)} of {len(ids)} training pictures, the "
                f"first is {lacking[0]}: {advice}"
            ],
        )
    return np.array([place[id] for id in ids.tolist()], np.intp)
