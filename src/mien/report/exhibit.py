"""What a report knows of one model: a run, a model file or saved scores, with everything that was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from mien.card import Card
from mien.errors import InputError, MienError
from mien.evaluate.calibration import Calibration, measure_calibration
from mien.evaluate.evaluation import Evaluation
from mien.evaluate.run import evaluate
from mien.manifest import Manifest
from mien.report.examples import Example, Explain, examples
from mien.rundir import RunDir
from mien.runtime.network import Network
from mien.scores import Scores

Progress: TypeAlias = Callable[[str, int, int], None]
#: Makes the function that explains the answers of a run; raises when the run has no weights.
Explainer: TypeAlias = Callable[[RunDir], Explain]


@dataclass(frozen=True, eq=False)
class Exhibit:
    """One model.

    Attributes:
        name: short, unique in the report.
        source: as it was named.
        card: what the model file says, or None for scores alone.
        file: size and digest of the model file.
        run: the run folder, or None.
        history: one record per epoch; empty without a run.
        evaluation: of the scores, or None when there are none.
        calibration: of the same, or None.
        examples: faces with answers; empty when there are no pictures.
        remarks: what could not be shown, and why.
    """

    name: str
    source: str
    card: Card | None = None
    file: dict[str, Any] | None = None
    run: RunDir | None = None
    history: tuple[dict[str, Any], ...] = ()
    evaluation: Evaluation | None = None
    calibration: Calibration | None = None
    examples: tuple[Example, ...] = ()
    remarks: tuple[str, ...] = ()


def exhibit(
    source: str,
    *,
    saved: Sequence[Scores] = (),
    manifest: Manifest | None = None,
    split: str | None = None,
    pictures: bool = True,
    explainer: Explainer | None = None,
    threads: int | None = None,
    draws: int = 1000,
    progress: Progress = lambda step, done, total: None,
) -> Exhibit:
    """Gather what is known of one model.

    Args:
        source: run folder, model (name or file), or saved scores (``.npz``).
        saved: scores; those of this model are used, so that the network does not run.
        manifest: the data: what the model is scored on when there are no scores, and where the pictures are.
        split: the split that is scored.
        pictures: show faces.
        explainer: for runs that still have their weights.
        threads: of the network.
        draws: for the intervals.
        progress: called while the network runs.

    Raises:
        InputError: no such run, model or scores, or they do not fit together.
    """
    if source.endswith(".npz"):
        scores = Scores.load(source)
        return _measured(Exhibit(scores.model or Path(source).stem, source), scores, draws)
    run, history = None, []
    if Path(source).is_dir():
        run = RunDir(source)
        history = run.epochs()
        if not run.model.exists():
            raise InputError(f"{source}: the run has no {run.model.name}; `mien export {source}` makes it")
    network = Network(run.model if run is not None else source, threads)
    file = {"bytes": network.path.stat().st_size, "sha256": network.digest}
    name = run.path.name if run is not None else network.card.name
    found = Exhibit(name, source, network.card, file, run, tuple(history))
    own = [scores for scores in saved if scores.about.get("model_sha256") == network.digest]
    if own:
        found = _measured(found, own[0], draws)
    elif manifest is not None:
        fresh = evaluate(network, manifest, split=split, threads=threads, draws=draws, progress=progress)
        found = _calibrated(replace(found, evaluation=fresh))
    if found.evaluation is None:
        remark = "Not measured here: name data (--data, --split) or saved scores (--scores)."
        return replace(found, remarks=(*found.remarks, remark))
    if manifest is None:
        return found
    digest = found.evaluation.scores.about.get("manifest")
    if digest != manifest.digest():
        remark = f"Measured on a manifest ({digest}) that is not the one named with --data ({manifest.digest()})."
        found = replace(found, remarks=(*found.remarks, remark))
    return _with_examples(found, manifest, explainer) if pictures else found


def _measured(found: Exhibit, scores: Scores, draws: int) -> Exhibit:
    return _calibrated(replace(found, evaluation=Evaluation.of(scores, draws=draws)))


def _calibrated(found: Exhibit) -> Exhibit:
    assert found.evaluation is not None
    return replace(found, calibration=measure_calibration(found.evaluation.viewed, draws=0))


def _with_examples(found: Exhibit, manifest: Manifest, explainer: Explainer | None) -> Exhibit:
    assert found.evaluation is not None
    assert found.card is not None
    explain, remarks = None, list(found.remarks)
    if found.run is None:
        remarks.append("No run folder, so no map of where the answers come from.")
    elif explainer is not None:
        try:
            explain = explainer(found.run)
        except MienError as error:
            remarks.append(f"No map of where the answers come from: {error}")
    drawn = examples(found.evaluation, manifest, found.card, explain)
    return replace(found, examples=drawn, remarks=tuple(remarks))
