"""The parts of a recipe, and what each value means.

Long because every key of a recipe is looked up in one place.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from mien.errors import UnknownName


def in_table(kind: str) -> AfterValidator:
    """A name that must be in the table of this kind, when the caller of :meth:`Recipe.load` gave one."""

    def check(name: str, info: ValidationInfo) -> str:
        table = (info.context or {}).get(kind)
        if table is not None:
            try:
                table.entry(name.split(":")[0] + ":<name>" if ":" in name else name)
            except UnknownName as error:
                raise ValueError(str(error)) from None
        return name

    return AfterValidator(check)


class Part(BaseModel):
    """Base of all parts of a recipe: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Part):
    """What is learned from the manifest.

    Attributes:
        train: split to learn from.
        val: split to choose on; never the test split.
        labels: id of the label set or a list of classes; None = the manifest's own.
        targets: ``label`` = the column, ``votes`` = the shares of the votes (soft targets).
        min_votes: with ``votes``, rows whose classes got fewer votes are left out.
        vote_floor: with ``votes``, a class with fewer votes than this counts as having none (2 drops lone votes, as
            Barsoum et al., 2016, did for FER+).
        per_class: learn from at most so many rows of each class (drawn with ``runtime.seed``); None = all.
    """

    train: str = "train"
    val: str = "val"
    labels: str | tuple[str, ...] | None = None
    targets: Literal["label", "votes"] = "label"
    min_votes: float = Field(default=1, gt=0)
    vote_floor: float = Field(default=0, ge=0)
    per_class: int | None = Field(default=None, ge=1)


class Head(Part):
    """From features to logits.

    Attributes:
        dropout: share of the features that is left out before a linear layer; each further layer of ``attention`` has
            half of the one before.
        hidden: widths of the hidden layers; ``attention`` has 1024 and 512 when none are given, ``linear`` takes none.
        reduction: ``attention``: the layer in between has so many times fewer channels than the features.
    """

    name: Annotated[str, in_table("head")] = "linear"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = ()
    reduction: int = Field(default=16, ge=1)


#: Weights that another classifier learned: ``run:<best.pt>``, ``model:<name or file>``.
GOES_ON = ("run:", "model:")


class Member(Part):
    """One net among several.

    Attributes:
        backbone: ``plain48``, ``xception``, ``timm:<name>``, ``shallow:<name>`` or ``torchvision:<name>``.
        weights: ``none``, ``pretrained`` (the library's own), a file, ``package:<module>/<file>``: a weights file
            inside an installed package, ``run:<best.pt>``: the chosen weights of another run, without its head, or
            ``model:<name or file>``: those of an exported model.
        options: passed on to the backbone, e.g. ``{drop_path_rate: 0.1}``.
    """

    backbone: Annotated[str, in_table("backbone")]
    weights: str = "none"
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def goes_on(self) -> bool:
        """It begins with what another classifier learned."""
        return self.weights.startswith(GOES_ON)


class Model(Part):
    """The network.

    Attributes:
        backbone: ``plain48``, ``xception``, ``timm:<name>``, ``shallow:<name>``, ``torchvision:<name>``, or ``fused``:
            several nets.
        weights: ``none``, ``pretrained`` (the library's own), a file, ``package:<module>/<file>``: a weights file
            inside an installed package, ``run:<best.pt>``: the chosen weights of another run, or ``model:<name or
            file>``: those of an exported model; of both the head too if it has the same layers, class by class by name.
        head: from features to logits.
        options: passed on to the backbone, e.g. ``{drop_path_rate: 0.1}``; ``{keep: [1, 2, 2, 3, 1]}`` of ``shallow``:
            blocks that each stage keeps.
        members: the nets of ``fused``.
    """

    backbone: Annotated[str, in_table("backbone")] = "plain48"
    weights: str = "none"
    head: Head = Head()
    options: dict[str, Any] = Field(default_factory=dict)
    members: tuple[Member, ...] = ()

    @model_validator(mode="after")
    def _members_are_of_a_fused_net(self) -> Model:
        if self.backbone != "fused":
            if self.members:
                raise ValueError(f"members belong to backbone: fused, and the backbone is {self.backbone}")
            return self
        if len(self.members) < 2:
            raise ValueError(f"fused needs two members or more, got {len(self.members)}")
        if any(member.backbone == "fused" for member in self.members):
            raise ValueError("a member cannot be fused itself: name its nets as members")
        if self.weights == "pretrained":
            raise ValueError("a fused net has no pretrained weights, its members have: members.<number>.weights")
        return self

    @property
    def goes_on(self) -> bool:
        """It begins with what another classifier learned."""
        return self.weights.startswith(GOES_ON)

    @property
    def starts(self) -> tuple[str, ...]:
        """Where weights come from: the net's, then its members'."""
        return (self.weights, *(member.weights for member in self.members))

    def without_weights(self) -> Model:
        """The same net before any weights are read: for a checkpoint that holds them all."""
        members = tuple(member.model_copy(update={"weights": "none"}) for member in self.members)
        return self.model_copy(update={"weights": "none", "members": members})


#: Option of a loss -> the losses that have it, and its value when none is given.
LOSS_OPTIONS: dict[str, tuple[tuple[str, ...], float]] = {
    "gamma": (("focal", "combined"), 2.0),
    "alpha": (("focal", "combined"), 1.0),
    "share": (("combined",), 0.5),
    "tau": (("logit_adjusted",), 1.0),
}


class Loss(Part):
    """What is minimised.

    Attributes:
        smoothing: share of every target that is spread evenly over all classes; goes with any loss.
        class_weights: how much a picture counts, by how many pictures its class has; goes with any loss.
        beta: of ``effective_number``; None = 0.999.
        gamma: ``focal``, ``combined``: how little pictures count that are answered well already; None = 2.
        alpha: ``focal``, ``combined``: factor on the focal loss; None = 1.
        share: ``combined``: share of the focal loss, the rest is cross-entropy; None = 0.5.
        tau: ``logit_adjusted``: how strongly; None = 1.
    """

    name: Annotated[str, in_table("loss")] = "cross_entropy"
    smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weights: Literal["none", "inverse_frequency", "square_root", "effective_number"] = "none"
    beta: float | None = Field(default=None, ge=0, lt=1)
    gamma: float | None = Field(default=None, ge=0)
    alpha: float | None = Field(default=None, gt=0)
    share: float | None = Field(default=None, gt=0, lt=1)
    tau: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _only_options_that_count(self) -> Loss:
        for key, (names, _) in LOSS_OPTIONS.items():
            if getattr(self, key) is not None and self.name not in names:
                raise ValueError(
                    f"{key} is an option of {' and '.join(names)}, and the loss is {self.name}: leave {key} out or set "
                    "it to null"
                )
        if self.beta is not None and self.class_weights != "effective_number":
            raise ValueError(
                f"beta is an option of class_weights: effective_number, and class_weights is {self.class_weights}: "
                "leave beta out or set it to null"
            )
        return self

    def option(self, key: str) -> float:
        """The value of an option, or the usual one when none is given."""
        given = getattr(self, key)
        return LOSS_OPTIONS[key][1] if given is None else float(given)


class Distill(Part):
    """Learn from the answers of other models as well.

    Attributes:
        teachers: models (name or ``.onnx``), or scores (``.npz``) of the training pictures; their answers are averaged.
        share: of the loss that looks at the teachers; the rest looks at the targets.
        temperature: both sides are softened by it before they are compared.
    """

    teachers: tuple[str, ...] = ()
    share: float = Field(default=0.5, gt=0, le=1)
    temperature: float = Field(default=2.0, gt=0)

    @model_validator(mode="after")
    def _needs_teachers(self) -> Distill:
        if not self.teachers and self != Distill.model_construct():
            raise ValueError("no teachers: name at least one, e.g. teachers: [default], or leave all of distill out")
        return self


class Sampling(Part):
    """Which training pictures are drawn, and how often.

    Attributes:
        name: how often a class is drawn, as a function of how many pictures it has.
        beta: of ``effective_number``.
        boosts: class -> factor on how often its pictures are drawn, on top of ``name``.
        classes: ``all``; ``weak``: the classes with fewer pictures than an even share; or a list of classes.
    """

    name: Annotated[str, in_table("sampler")] = "shuffle"
    beta: float = Field(default=0.999, ge=0, lt=1)
    boosts: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    classes: Literal["all", "weak"] | tuple[str, ...] = "all"


class Optimizer(Part):
    """How weights move. ``weight_decay`` spares biases and normalisation.

    Attributes:
        rate: highest learning rate; the schedule multiplies it.
        momentum: of ``sgd``.
        betas: of ``adam`` and ``adamw``: decay of the means of the gradient and of its square.
        freeze: parts of the net that do not move, by their path: ``backbone``, ``backbone.layer1``, ``head``.
        rates: path -> highest rate of that part, in place of ``rate``; the longest path that fits counts.
        layer_decay: each layer of the backbone gets this share of the rate of the layer above it; None = all the same
            (Clark et al., "ELECTRA", 2020).
        sam: radius of sharpness-aware minimisation; 0 = off. Costs a second pass (Foret et al., 2021).
    """

    name: Annotated[str, in_table("optimizer")] = "adamw"
    rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)
    freeze: tuple[str, ...] = ()
    rates: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    layer_decay: float | None = Field(default=None, gt=0, le=1)
    sam: float = Field(default=0.0, ge=0)


class Schedule(Part):
    """How the rate changes, counted in optimiser steps (plateau: in epochs).

    Attributes:
        epochs: passes over the training split.
        warmup: share of all steps with a growing rate (cosine, onecycle).
        start: onecycle: first rate as a share of the highest.
        floor: last rate as a share of the highest (cosine, restarts, exponential, onecycle), least one (plateau).
        patience: plateau: epochs without progress before the rate is cut.
        factor: plateau: what it is multiplied with.
        period: restarts: epochs of the first cycle.
        growth: restarts: each cycle is so many times as long as the one before.
    """

    name: Annotated[str, in_table("schedule")] = "cosine"
    epochs: int = Field(default=30, ge=1)
    warmup: float = Field(default=0.0, ge=0, lt=1)
    start: float = Field(default=0.04, gt=0, le=1)
    floor: float = Field(default=0.0, ge=0, le=1)
    patience: int = Field(default=3, ge=1)
    factor: float = Field(default=0.5, gt=0, lt=1)
    period: int = Field(default=10, ge=1)
    growth: float = Field(default=2.0, ge=1)

    @model_validator(mode="after")
    def _exponential_needs_a_floor(self) -> Schedule:
        if self.name == "exponential" and not self.floor:
            raise ValueError("exponential needs a floor above 0, e.g. floor: 0.01")
        return self


class Augment(Part):
    """How training images are varied.

    Attributes:
        level: 0 nothing, 1 mild, 2 medium, 3 strong (geometry and light).
        rare_level: a stronger level for the classes with fewer training pictures than an even share; None = ``level``.
        rotate_deg: largest rotation; None = the level's, as with the next two.
        shift: largest translation, as a fraction of the side.
        scale: largest zoom: factors from 1 / (1 + scale) to 1 + scale.
        perspective: each corner moves inwards by up to this fraction of half the side.
        jitter: brightness, contrast and, in colour, saturation: factors of 1 ± jitter; None = the level's.
        hue: largest turn of the colours, in whole turns.
        coarse: share of the images that lose resolution, down to half and back; None = the level's.
        noise: share of the images that get noise, each of its own sigma up to 0.2 of the full range.
        policy: one of torchvision's policies, applied before the geometry.
        erasing: share of the images that lose a rectangle.
        erasing_holes: rectangles that such an image loses; together they cover as much as one would.
        mixup: alpha of MixUp; 0 = off.
        cutmix: alpha of CutMix; 0 = off. With both, each batch draws one of the two.
        mix_share: share of the batches that are mixed.
        small_px: side of the training images in the first epochs, a cheap start; 0 = full size throughout (Tan and
            Le, "EfficientNetV2", 2021, progressive learning).
        small_share: share of the epochs at that size.
    """

    level: int = Field(default=1, ge=0, le=3)
    rare_level: int | None = Field(default=None, ge=1, le=3)
    rotate_deg: float | None = Field(default=None, ge=0, le=180)
    shift: float | None = Field(default=None, ge=0, le=0.5)
    scale: float | None = Field(default=None, ge=0, le=1)
    perspective: float = Field(default=0.0, ge=0, le=0.45)
    jitter: float | None = Field(default=None, ge=0, le=1)
    hue: float = Field(default=0.0, ge=0, le=0.5)
    coarse: float | None = Field(default=None, ge=0, le=1)
    noise: float = Field(default=0.0, ge=0, le=1)
    policy: Annotated[str, in_table("policy")] = "none"
    erasing: float = Field(default=0.0, ge=0, le=1)
    erasing_holes: int = Field(default=1, ge=1, le=32)
    mixup: float = Field(default=0.0, ge=0)
    cutmix: float = Field(default=0.0, ge=0)
    mix_share: float = Field(default=1.0, ge=0, le=1)
    small_px: int = Field(default=0, ge=0)
    small_share: float = Field(default=0.5, gt=0, lt=1)

    @model_validator(mode="after")
    def _options_have_an_effect(self) -> Augment:
        """What was written down does something; a main value that was set to 0 is meant (in a phase, or in a sweep)."""
        if self.rare_level is not None and self.rare_level <= self.level:
            raise ValueError(f"rare_level {self.rare_level} must be stronger than level {self.level}")
        for key, mains in (("erasing_holes", "erasing"), ("mix_share", "mixup cutmix"), ("small_share", "small_px")):
            if key in self.model_fields_set and not self.model_fields_set.intersection(mains.split()):
                raise ValueError(f"{key} does nothing without {mains.replace(' ', ' or ')}")
        return self


class Degrade(Part):
    """How small pictures are made from large ones to learn from; what is drawn for each lies between 0 and these.

    Attributes:
        clean: share of the pictures that are shrunk by area averaging and nothing else.
        blur_px: largest sigma of the blur, in pixels of the small picture, along each axis by itself.
        noise: largest sigma of the noise, values from 0 to 1.
        jpeg_share: share of the others that go through JPEG.
        jpeg_quality: lowest quality.
    """

    clean: float = Field(default=0.4, ge=0, le=1)
    blur_px: float = Field(default=0.7, ge=0, le=1)
    noise: float = Field(default=0.03, ge=0, le=0.5)
    jpeg_share: float = Field(default=0.5, ge=0, le=1)
    jpeg_quality: int = Field(default=50, ge=5, le=98)


class Enhance(Part):
    """A net that enlarges faces, and what it is asked for (``task: super_resolve``).

    Attributes:
        net: ``srcnn``, ``enhanced_srcnn`` or ``subpixel``.
        scale: of its output.
        options: passed on to the net, e.g. ``{blocks: 8}``.
        weights: ``none``, or the ``best.pt`` of another run of the same net to go on from.
        patch_px: learn from squares of this side, cut out of the small pictures; 0 = whole faces.
        degrade: how the small pictures are made.
        structure: share of the loss that is 1 - SSIM; the rest is the Charbonnier loss.
        judge: folder of a run whose recognizer should answer the same before and after; empty = none.
        consistency: how much that counts, beside a loss of 1.
    """

    net: Annotated[str, in_table("enhancer")] = "subpixel"
    scale: Literal[2, 4] = 4
    options: dict[str, Any] = Field(default_factory=dict)
    weights: str = "none"
    patch_px: int = Field(default=0, ge=0)
    degrade: Degrade = Degrade()
    structure: float = Field(default=0.1, ge=0, lt=1)
    judge: str = ""
    consistency: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _a_judge_that_counts(self) -> Enhance:
        if bool(self.judge) != bool(self.consistency):
            raise ValueError("judge and consistency need each other: name a run folder and a number, or leave both out")
        if self.judge and self.patch_px:
            raise ValueError("a judge sees whole faces: patch_px must be 0 with it")
        return self


class Gan(Part):
    """A generator of faces, and what it learns against (``task: gan``).

    Attributes:
        conditional: faces of the class that is asked for; otherwise labels do not matter.
        latents: numbers that decide a face.
        styles: numbers of its style, which every layer sees.
        depth: layers from latents to style.
        capacity: both networks have ``capacity / side`` channels where pictures have that side ...
        widest: ... but not more than this.
        mixing: share of the faces that get the styles of two latents.
        r1: strength of the penalty on steep answers to real faces.
        r1_every: steps between two of them; each counts so many times.
        ada: how sure the critic may be of real faces, 0 to 1, before augmentation grows; 0 = never augment.
        ada_images: pictures in which the augmentation may go from none to always.
        features: recognizer in whose features drawn faces are compared with real ones (FID, KID).
    """

    conditional: bool = True
    latents: int = Field(default=128, ge=1)
    styles: int = Field(default=128, ge=1)
    depth: int = Field(default=4, ge=1)
    capacity: int = Field(default=768, ge=8)
    widest: int = Field(default=128, ge=1)
    mixing: float = Field(default=0.9, ge=0, le=1)
    r1: float = Field(default=0.05, ge=0)
    r1_every: int = Field(default=16, ge=1)
    ada: float = Field(default=0.6, ge=0, lt=1)
    ada_images: int = Field(default=500_000, ge=1)
    features: str = "default"


class Runtime(Part):
    """How the training runs.

    Attributes:
        batch: images per step, over all devices together.
        accumulate: steps per optimiser step.
        precision: ``32``, ``bf16`` or ``fp16`` (mixed).
        clip: largest gradient norm; None = no clipping.
        ema: decay of the moving average of the weights per optimiser step; None = off.
        swa: the result is the mean of the weights after each of the last so many epochs; None = off (Izmailov et al.,
            "Averaging Weights Leads to Wider Optima", 2018).
        early_stop: epochs without progress before the run ends; None = never.
        stop_after: end after this epoch, although the schedule goes on (for a run that another goes on from).
        select: ``best`` = the epoch with the best ``metric`` on val, ``last`` = the last epoch.
        metric: what ``best``, plateau and early stopping look at; ``psnr`` and ``ssim`` belong to enhancers, ``fid``
            and ``kid`` (lower is better) to generators.
        seed: of everything that is drawn.
    """

    batch: int = Field(default=64, ge=2)
    accumulate: int = Field(default=1, ge=1)
    precision: Literal["32", "bf16", "fp16"] = "32"
    clip: float | None = Field(default=None, gt=0)
    ema: float | None = Field(default=None, gt=0, lt=1)
    swa: int | None = Field(default=None, ge=2)
    early_stop: int | None = Field(default=None, ge=1)
    stop_after: int | None = Field(default=None, ge=1)
    select: Literal["best", "last"] = "best"
    metric: Literal["accuracy", "balanced_accuracy", "macro_f1", "psnr", "ssim", "fid", "kid"] = "accuracy"
    seed: int = 0

    @model_validator(mode="after")
    def _one_end(self) -> Runtime:
        for key in ("ema", "early_stop", "stop_after"):
            if self.swa is not None and getattr(self, key) is not None:
                raise ValueError(
                    f"swa and {key} do not go together: swa averages the last epochs of the whole schedule"
                )
        return self


class Phase(Part):
    """One stretch of a training: what is different in it.

    It starts from the chosen weights of the phase before. What is not said here is as in the recipe.

    Attributes:
        name: for the log.
        epochs: passes over the training pictures in this phase; ``schedule`` runs from start to end within them.
    """

    name: str
    epochs: int = Field(ge=1)
    loss: dict[str, Any] = Field(default_factory=dict)
    sampling: dict[str, Any] = Field(default_factory=dict)
    optimizer: dict[str, Any] = Field(default_factory=dict)
    schedule: dict[str, Any] = Field(default_factory=dict)
    augment: dict[str, Any] = Field(default_factory=dict)
    runtime: dict[str, Any] = Field(default_factory=dict)


class Export(Part):
    """What goes into the card of the exported model.

    Attributes:
        flip: average the logits of a face and its mirror image when predicting.
        description: one line.
        licence: of the weights.
        data_licence: of the pictures and labels that it learned from, in words.
    """

    flip: bool = False
    description: str = ""
    licence: str = "unknown"
    data_licence: str = "unknown"
