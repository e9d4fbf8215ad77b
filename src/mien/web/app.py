"""The app: routes, errors in one shape, and the guard around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from starlette.middleware.cors import CORSMiddleware

from mien import __version__
from mien.faces import DEFAULT
from mien.web import answers, page, problems
from mien.web.guard import Guard
from mien.web.notice import PURPOSE
from mien.web.routes import router
from mien.web.service import Service
from mien.web.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the app, with its models loaded and warm.

    Args:
        settings: left out: the defaults.

    Raises:
        ModelError: a model cannot be used.
        InputError: two models have the same name.
    """
    settings = settings or Settings()
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await service.close()

    # the token is checked by the guard; this only says so in the description
    wants_token = [Depends(HTTPBearer(auto_error=False))] if settings.token is not None else []
    app = FastAPI(
        title="mien",
        summary="Read the expression that people would see in a face.",
        description=PURPOSE,
        version=__version__,
        license_info={"name": "MIT"},
        lifespan=lifespan,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.include_router(router, dependencies=wants_token)
    page.mount(app, finds_faces=settings.detector == DEFAULT)
    problems.install(app)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Location", "Retry-After"],
        )
    app.add_middleware(Guard, settings=settings, metrics=service.metrics)
    _keep_nulls(app)
    return app


def _keep_nulls(app: FastAPI) -> None:
    """Put the examples of answers into the description as they are: FastAPI leaves out what is null in them."""
    schemas = app.openapi()["components"]["schemas"]
    for name, schema in schemas.items():
        if "examples" in schema:
            schema["examples"] = getattr(answers, name).model_config["json_schema_extra"]["examples"]
