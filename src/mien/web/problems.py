"""What a request is answered with that cannot be served: one shape for every error.

    {"error": {"status": 413, "code": "too_many_pixels", "message": "…", "fields": [...]}}

``code`` is for programs and stays; ``message`` is for people and names the value, the limit and the way out;
``fields`` is there only when a parameter of the request is wrong.
"""

from __future__ import annotations

import json
import math
from typing import Any, Literal, get_args

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from mien.errors import MienError

Code = Literal[
    "bad_request",
    "unauthorized",
    "forbidden_origin",
    "not_found",
    "method_not_allowed",
    "upload_timeout",
    "not_finished",
    "upload_too_large",
    "too_many_images",
    "too_many_pixels",
    "too_long",
    "not_an_image",
    "not_a_video",
    "type_mismatch",
    "animated",
    "empty",
    "damaged",
    "invalid",
    "rate_limited",
    "busy",
    "internal",
]

_BY_STATUS: dict[int, Code] = {404: "not_found", 405: "method_not_allowed", 413: "upload_too_large"}


class Problem(MienError):
    """A request that is refused.

    Attributes:
        status: of HTTP, 4xx.
        code: for programs, one of ``Code``.
        message: for people.
        headers: that the answer needs besides.
    """

    def __init__(self, status: int, code: Code, message: str, headers: dict[str, str] | None = None) -> None:
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}
        super().__init__(message)

    @classmethod
    def wait(cls, code: Literal["rate_limited", "busy"], message: str, wait_s: float) -> Problem:
        """429, with the seconds after which to try again."""
        return cls(429, code, message, {"Retry-After": str(max(1, math.ceil(wait_s)))})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return shape(self.status, self.code, self.message)

    def response(self) -> Response:
        """The whole answer."""
        return _json(self.status, self.to_dict(), self.headers)


def shape(status: int, code: Code, message: str, **more: Any) -> dict[str, Any]:
    """The one shape of an error."""
    return {"error": {"status": status, "code": code, "message": message, **more}}


def _json(status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    # ASCII, because a message may hold a lone surrogate that a client sent, which UTF-8 cannot say
    return Response(json.dumps(content), status, headers, media_type="application/json")


def install(app: FastAPI) -> None:
    """Answer every error of an app in the one shape."""

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response()

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _BY_STATUS.get(error.status_code, "bad_request")
        content = shape(error.status_code, code, f"{request.method} {request.url.path}: {error.detail}")
        return _json(error.status_code, content, dict(error.headers or {}))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fields = [
            {"field": ".".join(str(part) for part in item["loc"]), "message": item["msg"]} for item in error.errors()
        ]
        message = "; ".join(f"{item['field']}: {item['message']}" for item in fields)
        return _json(422, shape(422, "invalid", message, fields=fields))

    async def internal(request: Request, error: Exception) -> Response:
        # what went wrong is in the server's log, and nobody else's business
        return _json(500, shape(500, "internal", "the server made a mistake; its log says which"))

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, internal)


assert set(_BY_STATUS.values()) <= set(get_args(Code))
