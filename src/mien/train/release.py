"""From a run folder to a model file: the chosen weights and the card that goes with them."""

from __future__ import annotations

from typing import Any

from mien.card import FORBIDDEN_USE, INTENDED_USE, Card
from mien.errors import RunError
from mien.labels import Labels
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import build, state
from mien.train.export import export, versions

INTENDED_OF_ENHANCERS = (
    "Research and engineering on small pictures of faces: larger input for models, and for people to look at."
)
FORBIDDEN_OF_ENHANCERS = "Not evidence of what was there: detail is drawn from other faces. Not for identifying people."


def export_run(run: RunDir) -> float:
    """Export the chosen weights of a run to ``run.model``; returns the parity difference of a logit.

    Raises:
        RunError: this is no run folder, or no epoch has ended yet.
        ParityError: the file does not compute what the net does.
    """
    data = run.read_json(run.data)  # says so when this is no run folder
    recipe = Recipe.load(run.recipe)
    labels = Labels(tuple(data["classes"]), data["label_set"])
    if not run.best.exists():
        raise RunError(f"{run.path}: no epoch has ended yet, so there is nothing to export")
    chosen = state.load(run.best)
    net = build.net(recipe, len(labels))
    net.load_state_dict(chosen["parts"]["net"])
    record = next(record for record in run.epochs() if record["epoch"] == chosen["epoch"])
    is_enhancer = recipe.task == "super_resolve"
    card = Card(
        kind="enhancer" if is_enhancer else "recognizer",
        name=recipe.name,
        description=recipe.export.description,
        classes=() if is_enhancer else labels.names,
        label_set="custom" if is_enhancer else labels.id,
        scale=recipe.enhance.scale if is_enhancer else 1,
        preprocess=recipe.preprocess,
        flip=recipe.export.flip,
        members=tuple(member.backbone for member in recipe.model.members),
        recipe=recipe.model_dump(mode="json"),
        data=data,
        metrics={"selection": {"split": recipe.data.val, "rule": recipe.runtime.select, **_plain(record["val"])}},
        licence=recipe.export.licence,
        data_licence=recipe.export.data_licence,
        intended_use=INTENDED_OF_ENHANCERS if is_enhancer else INTENDED_USE,
        forbidden_use=FORBIDDEN_OF_ENHANCERS if is_enhancer else FORBIDDEN_USE,
        versions=versions(),
    )
    return export(net, card, run.model)


def _plain(val: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) for name, value in val.items() if isinstance(value, float)}
