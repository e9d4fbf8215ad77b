"""Numbers for whoever watches the service, as Prometheus reads them. None of them is about a person."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The counters of one app; each app has its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        self.requests = Counter(
            "mien_requests", "Requests answered", ["method", "route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "mien_request_seconds",
            "Time from a request's header to the end of its answer",
            ["method", "route"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self._registry,
        )
        self.in_flight = Gauge("mien_requests_in_flight", "Requests being served", registry=self._registry)
        self.pictures = Counter("mien_pictures", "Pictures, by how they ended", ["outcome"], registry=self._registry)
        self.faces = Counter("mien_faces", "Faces answered for", registry=self._registry)
        self.batch = Histogram(
            "mien_batch_faces",
            "Faces per run of a network",
            ["model"],
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=self._registry,
        )
        self.live = Gauge("mien_live_sessions", "Cameras that are connected", registry=self._registry)
        self.frames = Counter(
            "mien_live_frames", "Frames of cameras, by how they ended", ["outcome"], registry=self._registry
        )
        self.jobs = Gauge("mien_video_jobs", "Videos that wait, are read, or have a result", registry=self._registry)
        self.videos = Counter("mien_videos", "Videos, by how they ended", ["outcome"], registry=self._registry)

    def text(self) -> bytes:
        """The page that Prometheus reads."""
        return generate_latest(self._registry)
