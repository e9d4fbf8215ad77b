"""All that the routes share: the models, the counters, the limits and the videos of one server."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mien import __version__
from mien.errors import InputError
from mien.table import did_you_mean
from mien.web.engine import Engine, make_pool
from mien.web.jobs import Jobs
from mien.web.limits import Budget, Gate
from mien.web.metrics import Metrics
from mien.web.notice import NOTICE
from mien.web.problems import Problem
from mien.web.settings import Settings

#: Videos that are being sent at a time.
MAX_VIDEO_UPLOADS = 2


class Service:
    """One server's models and limits. Models are loaded, and have run once, when it has been made.

    Raises:
        ModelError: a model cannot be used.
        InputError: two models have the same name.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.pool = make_pool(settings)
        # one of the largest pictures at a time, or many small ones: memory does not depend on the number of threads
        self.budget = Budget(settings.max_pixels)
        self.engines: dict[str, Engine] = {}
        for model in settings.models:
            engine = Engine(model, settings, self.metrics, self.pool, self.budget)
            if engine.name in self.engines:
                raise InputError(f"two models are called {engine.name!r}: rename one of the files")
            self.engines[engine.name] = engine
        self.gate = Gate(settings.max_waiting, int(settings.max_held_mb * 1e6) + 100_000)
        video_bytes = int(settings.max_video_mb * 1e6) + 100_000
        self.video_gate = Gate(MAX_VIDEO_UPLOADS, MAX_VIDEO_UPLOADS * video_bytes)
        self.live_gate = Gate(settings.max_live, 0)
        self.jobs = Jobs(settings, self.metrics)

    def engine(self, name: str | None) -> Engine:
        """A model by the name that a request gives; the first for None.

        Raises:
            Problem: 404, it is not served.
        """
        if name is None:
            return next(iter(self.engines.values()))
        if name not in self.engines:
            raise Problem(
                404, "not_found", f"unknown model {name[:80]!r}: {did_you_mean(name[:80], list(self.engines))}"
            )
        return self.engines[name]

    def describe(self) -> dict[str, Any]:
        """Answer of /models."""
        limits = {
            name: value
            for name, value in asdict(self.settings).items()
            if name.startswith("max_") or name in ("rate", "keep_s", "upload_timeout_s")
        }
        return {"models": [self._model(engine) for engine in self.engines.values()], "limits": limits, "notice": NOTICE}

    def _model(self, engine: Engine) -> dict[str, Any]:
        network, card = engine.recognizer.networks[0], engine.recognizer.card
        return {
            "name": engine.name,
            "is_default": engine is self.engine(None),
            "description": card.description,
            "classes": list(card.classes),
            "size_px": card.preprocess.size_px,
            "threshold": engine.recognizer.threshold,
            "licence": card.licence,
            "intended_use": card.intended_use,
            "forbidden_use": card.forbidden_use,
            "sha256": network.digest,
            "bytes": network.path.stat().st_size,
            "file": f"/models/{engine.name}/file",
        }

    def health(self) -> dict[str, Any]:
        """Answer of /health."""
        return {"status": "ok", "version": __version__, "models": list(self.engines), "requests": self.gate.count}

    async def close(self) -> None:
        """Finish what is being answered, and stop the videos."""
        self.jobs.close()
        for engine in self.engines.values():
            await engine.close()
        self.pool.shutdown()
