"""What a model file says of itself.

The card is JSON in the ONNX metadata, under the key ``mien.card``. A model file without a card is not a mien model.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mien.errors import ModelError
from mien.labels import Labels
from mien.preprocess import Preprocess

#: Key of the card in the ONNX metadata.
KEY = "mien.card"

INTENDED_USE = "Research and engineering on perceived facial expressions: what people would see in a face."
FORBIDDEN_USE = (
    "Not a measure of what a person feels. Not for decisions about people, and not where the law bans or restricts "
    "emotion recognition (EU AI Act, Article 5(1)(f) and Annex III)."
)


class Card(BaseModel):
    """The facts about one model file.

    Attributes:
        kind: what the network does.
        name: short name.
        description: one line.
        classes: class names in the order of the outputs.
        members: of a fused net, in the order of its second output, the weights per face; empty for a single net.
        label_set: id of the label set.
        preprocess: the input contract; an enhancer takes pictures of any size, and this is the one it was trained for.
        precision: numbers that the network computes in; how far a smaller file lies from the original stands in
            ``metrics["precision"]``.
        scale: of an enhancer: how many times larger its output is than its input.
        biases: added to the logits, one per class; empty means zero.
        prior: shares of the classes in what the network was taught, one per class, adding up to one: what its answers,
            without the biases, take for granted. Empty means unknown.
        temperature: the logits are divided by it.
        threshold: confidence below which the answer is to abstain.
        flip: average the logits of the face and its mirror image when predicting.
        recipe: the resolved recipe that made it.
        data: manifest digest, counts and origin of the training data.
        metrics: measured numbers, each with its split.
        licence: of the weights.
        data_licence: of the pictures and labels that it learned from.
        versions: of the packages that made it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    kind: Literal["recognizer", "enhancer", "generator"] = "recognizer"
    name: str
    description: str = ""
    classes: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    label_set: str = "custom"
    preprocess: Preprocess = Field(default_factory=Preprocess)
    precision: Literal["float32", "fp16", "int8"] = "float32"
    scale: int = Field(default=1, ge=1)
    biases: tuple[float, ...] = ()
    prior: tuple[Annotated[float, Field(ge=0, le=1)], ...] = ()
    temperature: float = Field(default=1.0, gt=0)
    threshold: float = Field(default=0.0, ge=0, le=1)
    flip: bool = False
    recipe: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    licence: str = "unknown"
    data_licence: str = "unknown"
    intended_use: str = INTENDED_USE
    forbidden_use: str = FORBIDDEN_USE
    versions: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_number_per_class(self) -> Card:
        for what in ("biases", "prior"):
            numbers = getattr(self, what)
            if numbers and len(numbers) != len(self.classes):
                raise ValueError(f"{len(numbers)} {what} for {len(self.classes)} classes")
        if self.prior and abs(sum(self.prior) - 1) > 1e-3:
            raise ValueError(f"the shares of the prior add up to {sum(self.prior):g}, not to 1")
        return self

    @property
    def labels(self) -> Labels:
        """The classes as a label set."""
        return Labels(self.classes, self.label_set)

    def to_json(self) -> str:
        """The text that goes into the model file."""
        return self.model_dump_json()

    @classmethod
    def from_metadata(cls, metadata: dict[str, str], where: str) -> Card:
        """Read the card from ONNX metadata.

        Raises:
            ModelError: there is no card, or one that this version cannot read.
        """
        if KEY not in metadata:
            raise ModelError(
                f"{where}: an ONNX file without a mien card, so its classes and pre-processing are unknown: "
                "use a file written by `mien export`"
            )
        try:
            return cls.model_validate_json(metadata[KEY])
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            what = f"{place}: {first['msg']}" if place else first["msg"]
            raise ModelError(f"{where}: its card cannot be read ({what})") from None
