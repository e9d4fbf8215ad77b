"""From a run folder to a model file: the chosen weights and the card that goes with them."""

from __future__ import annotations

from typing import Any, Literal

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
INTENDED_OF_GENERATORS = (
    "Research and engineering on perceived facial expressions: faces of nobody, to add to training data."
)
FORBIDDEN_OF_GENERATORS = (
    "Not to pass drawn faces off as photographs, nor to measure a recognizer on: they show what was learned, with its "
    "biases. Whoever publishes them must say that they are made (EU AI Act, Article 50)."
)
FORBIDDEN_OF_ENHANCERS = "Not evidence of what was there: detail is drawn from other faces. Not for identifying people."


#: Task -> kind of the model, and the part of the task that becomes one.
KINDS: dict[str, Literal["recognizer", "enhancer", "generator"]] = {
    "classify": "recognizer",
    "super_resolve": "enhancer",
    "gan": "generator",
}
EXPORTED = {"classify": "net", "super_resolve": "net", "gan": "generator"}
#: Kind -> what it is for, and what it is not for.
USES = {
    "recognizer": (INTENDED_USE, FORBIDDEN_USE),
    "enhancer": (INTENDED_OF_ENHANCERS, FORBIDDEN_OF_ENHANCERS),
    "generator": (INTENDED_OF_GENERATORS, FORBIDDEN_OF_GENERATORS),
}


def export_run(run: RunDir) -> float:
    """Export the chosen weights of a run to ``run.model``; returns the parity difference of a logit.

    Raises:
        RunError: this is no run folder, or no epoch has ended yet.
        ParityError: the file does not compute what the net does.
    """
    data = run.read_json(run.data)  # says so when this is no run folder
    prior = data.pop("prior", ())  # which a run begun before 0.2 does not say
    recipe = Recipe.load(run.recipe)
    labels = Labels(tuple(data["classes"]), data["label_set"])
    if not run.best.exists():
        raise RunError(f"{run.path}: no epoch has ended yet, so there is nothing to export")
    chosen = state.load(run.best)
    net = build.net(recipe, len(labels))
    net.load_state_dict(chosen["parts"][EXPORTED[recipe.task]])
    record = next(record for record in run.epochs() if record["epoch"] == chosen["epoch"])
    kind = KINDS[recipe.task]
    is_enhancer = kind == "enhancer"
    has_classes = kind == "recognizer" or (kind == "generator" and recipe.gan.conditional)
    intended, forbidden = USES[kind]
    card = Card(
        kind=kind,
        name=recipe.name,
        description=recipe.export.description,
        classes=labels.names if has_classes else (),
        label_set=labels.id if has_classes else "custom",
        scale=recipe.enhance.scale if is_enhancer else 1,
        preprocess=recipe.preprocess,
        prior=tuple(prior) if kind == "recognizer" else (),
        flip=recipe.export.flip,
        members=tuple(member.backbone for member in recipe.model.members),
        recipe=recipe.model_dump(mode="json"),
        data=data,
        metrics={"selection": {"split": recipe.data.val, "rule": recipe.runtime.select, **_plain(record["val"])}},
        licence=recipe.export.licence,
        data_licence=recipe.export.data_licence,
        intended_use=intended,
        forbidden_use=forbidden,
        versions=versions(),
    )
    return export(net, card, run.model)


def _plain(val: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) for name, value in val.items() if isinstance(value, float)}
