"""The routes: what comes in and what goes out; the work is done elsewhere.

| Route | In | Out |
| --- | --- | --- |
| POST /predict?model&threshold | form with files in `images`, or the bare file | `answers.Prediction` |
| POST /predict/video?model&every&smooth_s | form with one file, or the bare file | 202 `answers.Job`, `Location` |
| GET /predict/video/{job} | | `answers.Job` |
| GET /predict/video/{job}/result | | `answers.Video`; 409 while it is not done |
| DELETE /predict/video/{job} | | 204 |
| WS /live?model&smooth_s | binary messages: one frame each | JSON messages, see `notice.PURPOSE` |
| GET /models, /models/{name}/file | | `answers.Models`; the ONNX file |
| GET /health, /metrics | | `answers.Health`; text for Prometheus |

Every error is `answers.Error`. A picture that cannot be read fails the request when it is the only one, or all are
such; among others it has its reason in their answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.websockets import WebSocket

from mien.runtime.stream import Answer
from mien.runtime.video import SMOOTH_S
from mien.web import answers
from mien.web.limits import Gate
from mien.web.live import Live
from mien.web.metrics import CONTENT_TYPE
from mien.web.notice import NOTICE
from mien.web.pictures import FORMATS
from mien.web.problems import Problem
from mien.web.service import Service
from mien.web.upload import Upload, announced_size, read_uploads

router = APIRouter()

_BINARY = {"type": "string", "format": "binary"}


def _form(files: dict[str, Any], bare: list[str]) -> dict[str, Any]:
    """How a body looks that this project reads itself, for the description."""
    form = {"type": "object", "properties": files, "required": list(files)}
    content = {"multipart/form-data": {"schema": form}, **{name: {"schema": _BINARY} for name in bare}}
    return {"requestBody": {"required": True, "content": content}}


_SAID = {
    400: "the form cannot be read",
    401: "no token, or a wrong one (where the server has one)",
    403: "a page from elsewhere",
    404: "there is no such thing",
    408: "the upload takes too long",
    409: "the video has not been read yet, or could not be",
    413: "too many bytes, pixels or files",
    415: "not in a format that is read here, or not in the one that it is declared as; SVG; animated",
    422: "empty, damaged, or a parameter is wrong",
    429: "too many requests, or no room: try again after `Retry-After` seconds",
}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": answers.Error, "description": _SAID[status]} for status in sorted({401, 403, *statuses})}


ModelName = Annotated[
    str | None, Query(description="one of /models; left out: the first", max_length=200, examples=["default"])
]
SmoothS = Annotated[
    float,
    Query(
        description="time constant in seconds of the smoothing over time; 0 for none", ge=0, le=60, allow_inf_nan=False
    ),
]


def _service(request: Request | WebSocket) -> Service:
    service: Service = request.app.state.service
    return service


@asynccontextmanager
async def _receive(request: Request, gate: Gate, max_mb: float, max_files: int) -> AsyncIterator[list[Upload]]:
    """Take a place, read the body into memory, and give the place back when the answer is ready.

    Raises:
        Problem: there is no place, or the body is refused.
    """
    limit = int(max_mb * 1e6)
    size = announced_size(request, limit + max_files * 1024)
    with gate.hold(limit if size is None else size):
        yield await read_uploads(request, limit, max_files, _service(request).settings.upload_timeout_s)


@router.post(
    "/predict",
    summary="Read pictures",
    response_model=answers.Prediction,
    responses=_errors(400, 404, 408, 413, 415, 422, 429),
    openapi_extra=_form(
        {"images": {"type": "array", "items": _BINARY, "minItems": 1}},
        ["application/octet-stream", *(kinds[0] for _, kinds in FORMATS.values())],
    ),
)
async def predict(
    request: Request,
    model: ModelName = None,
    threshold: Annotated[
        float | None, Query(description="abstain below this confidence", ge=0, le=1, allow_inf_nan=False)
    ] = None,
) -> Response:
    """Find all faces in one or several pictures, and read the expression that people would see in each.

    Send a form with one or several files in the field `images`, or one picture as the body itself.
    """
    service = _service(request)
    engine, settings = service.engine(model), service.settings
    async with _receive(request, service.gate, settings.max_upload_mb, settings.max_images) as uploads:
        found = await engine.read(uploads, threshold)
    problems = [one for one in found if isinstance(one, Problem)]
    if len(problems) == len(found):
        raise problems[0]
    pictures = [
        one if isinstance(one, Answer) else Answer(upload.name, error=one.message)
        for one, upload in zip(found, uploads, strict=True)
    ]
    return JSONResponse(
        {
            "model": [network.card.name for network in engine.recognizer.networks],
            "labels": list(engine.recognizer.labels),
            "pictures": [picture.to_dict() for picture in pictures],
            "notice": NOTICE,
        }
    )


@router.post(
    "/predict/video",
    summary="Send a video",
    status_code=202,
    response_model=answers.Job,
    responses=_errors(400, 404, 408, 413, 415, 422, 429),
    openapi_extra=_form({"video": _BINARY}, ["application/octet-stream", "video/mp4", "video/webm"]),
)
async def send_video(
    request: Request,
    model: ModelName = None,
    every: Annotated[
        str, Query(description="read each one of so many frames (5), or one in so many seconds (0.5s)", max_length=20)
    ] = "1",
    smooth_s: SmoothS = SMOOTH_S,
) -> Response:
    """Take a video; it is read after those that came before. Ask for its progress, get the result, then delete it."""
    service = _service(request)
    engine, settings = service.engine(model), service.settings
    service.jobs.check_room()
    async with _receive(request, service.video_gate, settings.max_video_mb, 1) as (upload,):
        job = service.jobs.add(upload, engine.recognizer, engine.name, every, smooth_s)
    return JSONResponse(job.to_dict(), 202, {"Location": f"/predict/video/{job.id}"})


@router.get(
    "/predict/video/{job}", summary="How far a video is", response_model=answers.Job, responses=_errors(404, 422)
)
async def video_progress(request: Request, job: str) -> Response:
    """State and progress of a video."""
    return JSONResponse(_service(request).jobs.get(job).to_dict())


@router.get(
    "/predict/video/{job}/result",
    summary="What was read in a video",
    response_model=answers.Video,
    responses=_errors(404, 409, 422),
)
def video_result(request: Request, job: str) -> Response:
    """Readings of a video that is done, frame by frame."""
    found = _service(request).jobs.get(job)
    if found.result is None:
        raise Problem(409, "not_finished", f"the video is {found.state}: ask /predict/video/{found.id} how far it is")
    return JSONResponse(found.result)


@router.delete("/predict/video/{job}", summary="Forget a video", status_code=204, responses=_errors(404, 422))
async def delete_video(request: Request, job: str) -> Response:
    """Stop reading a video, and forget it and its result."""
    _service(request).jobs.delete(job)
    return Response(status_code=204)


@router.get("/models", summary="What is served", response_model=answers.Models, responses=_errors())
async def models(request: Request) -> Response:
    """The models that can be asked for, and the limits of this server."""
    return JSONResponse(_service(request).describe())


@router.get(
    "/models/{name}/file",
    summary="A model file",
    response_class=FileResponse,
    responses={**_errors(404, 422), 200: {"content": {"application/octet-stream": {"schema": _BINARY}}}},
)
async def model_file(request: Request, name: str) -> Response:
    """The ONNX file with its card inside, to run it elsewhere, such as in a browser."""
    network = _service(request).engine(name).recognizer.networks[0]
    headers = {"Cache-Control": "no-cache", "ETag": f'"{network.digest}"'}
    return FileResponse(network.path, headers=headers, media_type="application/octet-stream")


@router.get("/health", summary="Whether the server is well", response_model=answers.Health, responses=_errors())
async def health(request: Request) -> Response:
    """For whoever watches the service; needs no token."""
    return JSONResponse(_service(request).health())


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={**_errors(), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Requests, times, pictures, faces per run of the network, cameras and videos."""
    return Response(_service(request).metrics.text(), media_type=CONTENT_TYPE)


@router.websocket("/live")
async def live(socket: WebSocket, model: ModelName = None, smooth_s: SmoothS = SMOOTH_S) -> None:
    """Frames of a camera in, readings out; see the description of the API for the messages."""
    service = _service(socket)
    try:
        engine = service.engine(model)
        with service.live_gate.hold(0), service.metrics.live.track_inprogress():
            await Live(socket, engine, smooth_s, service.settings, service.metrics, service.pool, service.budget).run()
    except Problem as problem:
        await socket.send_denial_response(problem.response())
