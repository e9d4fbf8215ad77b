"""The shapes of all answers, for the description (OpenAPI) and for whoever checks against it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.web.notice import NOTICE
from mien.web.problems import Code

_PROBABILITIES = {
    **{"angry": 0.002, "disgust": 0.001, "fear": 0.001, "happy": 0.973},
    **{"sad": 0.004, "surprise": 0.006, "neutral": 0.013},
}
_FACE = {
    "box": [114.2, 62.0, 243.9, 229.4],
    "score": 0.9312,
    "landmarks": [[152.1, 127.4], [211.8, 126.0], [183.3, 160.9], [158.6, 188.0], [208.4, 186.7]],
}
_EXPRESSION = {"label": "happy", "confidence": 0.973, "abstained": False, "probabilities": _PROBABILITIES}
_READING = {"face": _FACE, "expression": _EXPRESSION}
_PICTURE = {"source": "portrait.jpg", "size_px": [358, 450], "reason": None, "faces": [_READING]}


def _example(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": list(examples)})


class Where(BaseModel):
    """Where a face is."""

    model_config = _example(_FACE)

    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in pixels of the upright picture")
    score: float = Field(description="how sure the detector is", ge=0, le=1)
    landmarks: list[tuple[float, float]] | None = Field(
        description="right eye, left eye, nose, right and left corner of the mouth (the person's right), in pixels"
    )


class Expression(BaseModel):
    """What people would see in a face."""

    model_config = _example(_EXPRESSION)

    label: str = Field(description="the likeliest class, also when the answer is to abstain")
    confidence: float = Field(description="its probability", ge=0, le=1)
    abstained: bool = Field(description="true when the confidence is below the threshold: take it as no answer")
    probabilities: dict[str, float] = Field(description="of every class; they add up to 1")


class Reading(BaseModel):
    """A face with its answer."""

    model_config = _example(_READING)

    track: int | None = Field(None, description="in videos: number of the person; not in pictures")
    face: Where
    expression: Expression


class Picture(BaseModel):
    """One picture with its faces, the largest first."""

    model_config = _example(_PICTURE)

    source: str = Field(description="name of the file as it was sent")
    size_px: tuple[int, int] | None = Field(description="width and height, upright; null when it could not be read")
    reason: str | None = Field(description="why there is no reading; null when there is one")
    faces: list[Reading]


class Prediction(BaseModel):
    """Answer of /predict."""

    model_config = _example(
        {"model": ["default"], "labels": list(_PROBABILITIES), "pictures": [_PICTURE], "notice": NOTICE}
    )

    model: list[str]
    labels: list[str] = Field(description="the classes, in the model's order")
    pictures: list[Picture] = Field(description="in the order in which they were sent")
    notice: str


class Problem(BaseModel):
    """What was wrong with a request."""

    model_config = ConfigDict(extra="forbid")

    status: int
    code: Code = Field(description="for programs; stays the same")
    message: str = Field(description="for people: the value, the limit, the way out")
    fields: list[dict[str, str]] = Field([], description="parameters that are wrong, with field and message")


class Error(BaseModel):
    """Every error."""

    model_config = _example(
        {
            "error": {
                "status": 413,
                "code": "too_many_pixels",
                "message": "20000 x 20000 is 400,000,000 pixels, the limit is 25,000,000 and 32,767 a side",
            }
        }
    )

    error: Problem


class Job(BaseModel):
    """A video that is being read."""

    model_config = _example(
        {
            **{"id": "m3Jx0r8vQm2c6yq0cQf8Zg", "source": "clip.mp4", "model": "default", "state": "running"},
            **{"progress": 0.41, "frames": 102, "time_s": 4.08, "duration_s": 10.0, "error": None},
        }
    )

    id: str
    source: str
    model: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: float = Field(description="0 to 1; stays 0 for a video that does not say its length", ge=0, le=1)
    frames: int = Field(description="so many have been read")
    time_s: float = Field(description="of the last one")
    duration_s: float | None
    error: Problem | None = Field(description="why it failed")


class Frame(BaseModel):
    """One frame of a video that was read."""

    model_config = ConfigDict(extra="forbid")

    frame: int = Field(description="its number, from 0")
    time_s: float
    size_px: tuple[int, int]
    reason: str | None
    faces: list[Reading]


class Video(BaseModel):
    """The readings of a video."""

    model_config = _example(
        {
            **{"model": ["default"], "labels": list(_PROBABILITIES), "source": "clip.mp4", "problem": None},
            "frames": [
                {"frame": 0, "time_s": 0.0, "size_px": [640, 480], "reason": None, "faces": [{"track": 1, **_READING}]}
            ],
            "notice": NOTICE,
        }
    )

    model: list[str]
    labels: list[str]
    source: str
    problem: str | None = Field(description="what is wrong with a video of which only a part could be read")
    frames: list[Frame]
    notice: str


class Model(BaseModel):
    """A model that is served."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="ask for it by this name")
    is_default: bool
    description: str
    classes: list[str]
    size_px: int = Field(description="side of the square that the network takes")
    threshold: float = Field(description="confidence below which it abstains")
    licence: str
    intended_use: str
    forbidden_use: str
    sha256: str = Field(description="of the model file")
    bytes: int
    file: str = Field(description="where the model file is")


class Models(BaseModel):
    """What is served."""

    model_config = ConfigDict(extra="forbid")

    models: list[Model]
    limits: dict[str, float] = Field(description="of this server: sizes, numbers and rates")
    notice: str


class Health(BaseModel):
    """Whether the server is well."""

    model_config = _example({"status": "ok", "version": "0.1.0", "models": ["default"], "requests": 2})

    status: Literal["ok"]
    version: str
    models: list[str]
    requests: int = Field(description="with pictures, being served at the moment")
