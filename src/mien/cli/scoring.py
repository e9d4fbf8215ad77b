"""Scores for the verbs that analyse them: read, or made by running the network once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.evaluate.paired import Arm
    from mien.labels import Labels
    from mien.manifest import Manifest
    from mien.runtime.network import Network
    from mien.scores import Scores


def scores_of(
    verb: str,
    source: str,
    manifest: Path | None,
    split: str | None,
    detector: str = "whole",
    threads: int | None = None,
    *,
    is_quiet: bool = False,
) -> Scores:
    """Read saved scores, or run a model over a manifest.

    Args:
        verb: for messages.
        source: file of scores, or a model by name or path.
        manifest: with a model.
        split: only these rows.
        detector: with a model, for rows without a box.
        threads: of the network.
        is_quiet: show no progress.

    Raises:
        InputError: no manifest for a model, one for scores, or no rows of that split.
    """
    from mien.errors import InputError
    from mien.scores import Scores

    if source.endswith(".npz"):
        if manifest is not None:
            raise InputError(f"{source} is saved scores: a manifest cannot change them; name a model instead")
        scores = Scores.load(source)
        return scores if split is None else _of_split(scores, split, source)
    if manifest is None:
        raise InputError(f"mien {verb} {source}: name a manifest too, or the scores that mien evaluate saved")
    from mien.manifest import Manifest
    from mien.runtime.network import Network

    return run_network(Network(source, threads), Manifest.load(manifest), split, detector, threads, is_quiet=is_quiet)


def run_network(
    network: Network, data: Manifest, split: str | None, detector: str, threads: int | None, *, is_quiet: bool = False
) -> Scores:
    """Let a network answer, once, and show how far it is."""
    from mien.cli.progress import bar
    from mien.evaluate.run import score_model

    with bar("classifying", is_quiet=is_quiet) as step:
        return score_model(network, data, split=split, detector=detector, threads=threads, progress=step)


def arm_of(
    name: str,
    paths: list[str],
    manifest: Path | None,
    split: str | None,
    detector: str = "whole",
    threads: int | None = None,
    *,
    keep: Path | None = None,
    is_quiet: bool = False,
) -> tuple[Arm, list[list[dict[str, Any]]]]:
    """One side of a comparison, from saved scores, run folders and models.

    Args:
        name: of the arm.
        paths: of its trainings.
        manifest: to score models and runs on; a run without it is taken at the scores that lie in its folder.
        split: only these rows.
        detector: for rows without a box.
        threads: of the network.
        keep: folder for scores that had to be made.
        is_quiet: show no progress.

    Returns:
        The arm, and the logs of its run folders.

    Raises:
        InputError: something is neither scores, a run that ended, nor a model.
    """
    import re

    from mien.errors import InputError
    from mien.evaluate.paired import Arm
    from mien.rundir import RunDir

    runs: list[Scores] = []
    logs, seconds = [], []
    for number, path in enumerate(paths):
        source = path
        if Path(path).is_dir():
            run = RunDir(path)
            logs.append(run.epochs())
            seconds.append(run.seconds())
            source = str(run.scores if manifest is None and run.scores.exists() else run.model)
            if not Path(source).exists():
                raise InputError(f"{path}: the run has no {run.model.name}; `mien export {path}` makes it")
        is_saved = source.endswith(".npz")
        data = None if is_saved else manifest  # saved scores may stand beside a model that needs data
        runs.append(scores_of("compare", source, data, split, detector, threads, is_quiet=is_quiet))
        if keep is not None and not is_saved:
            stem = re.sub("[^A-Za-z0-9.-]+", "-", name).strip("-")
            runs[-1].save(keep / f"{stem}{f'-{number}' if len(paths) > 1 else ''}.npz")
    return Arm(name, tuple(runs), sum(seconds) / len(seconds) if seconds else None), logs


def _of_split(scores: Scores, split: str, source: str) -> Scores:
    from dataclasses import replace

    import numpy as np

    from mien.errors import InputError
    from mien.table import did_you_mean

    known = [] if scores.splits is None else sorted(set(scores.splits.tolist()))
    if scores.splits is None or split not in known:
        raise InputError(f"{source}: has no rows of split {split!r}: {did_you_mean(split, known)}")
    rows = scores.take(np.flatnonzero(scores.splits == split))
    return replace(rows, about={**scores.about, "split": split})


def labels_of(text: str | None) -> Labels | None:
    """The classes asked for: a known set, or names between commas."""
    from mien.labels import Labels

    names = [name.strip() for name in text.split(",")] if text else []
    return None if not names else Labels.named(names[0]) if len(names) == 1 else Labels(tuple(names))


def seeds_of(text: str) -> list[int]:
    """Seeds between commas.

    Raises:
        InputError: not whole numbers of 0 or more, or one twice.
    """
    from mien.errors import InputError

    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts) or len({int(part) for part in parts}) < len(parts):
        raise InputError(f"--seeds {text}: expected different whole numbers of 0 or more, e.g. 0,1,2")
    return [int(part) for part in parts]
