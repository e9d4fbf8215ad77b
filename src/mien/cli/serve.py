"""``mien serve``: the models as a web page and an API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mien.errors import need

#: Environment variable with the token.
VARIABLE = "MIEN_TOKEN"


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL]...", help="Names or paths of models; the first is the default."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8000,
    token_file: Annotated[
        Path | None, typer.Option(help=f"File with the token that clients must show; or set {VARIABLE}.")
    ] = None,
    is_open: Annotated[
        bool, typer.Option("--open-to-everyone", help="Listen on other addresses than this machine's without a token.")
    ] = False,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Address under which a proxy offers it, or of a page elsewhere that may use it (repeat)."),
    ] = None,
    proxy: Annotated[
        list[str] | None, typer.Option(help="Address of a proxy whose X-Forwarded-For is believed (repeat).")
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="How faces are found; 'whole' when each picture is one face.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Abstain below this confidence (0 to 1).")] = None,
    max_upload_mb: Annotated[float, typer.Option(help="Of one request with pictures.")] = 20.0,
    max_pixels: Annotated[int, typer.Option(help="Of one picture or frame.", min=1)] = 25_000_000,
    max_images: Annotated[int, typer.Option(help="In one request.", min=1)] = 16,
    max_waiting: Annotated[int, typer.Option(help="Requests at a time; others get 429.", min=1)] = 64,
    max_live: Annotated[int, typer.Option(help="Cameras at a time.", min=1)] = 8,
    max_video_mb: Annotated[float, typer.Option(help="Of one video.")] = 100.0,
    max_video_s: Annotated[float, typer.Option(help="Length of a video, in seconds.")] = 600.0,
    rate: Annotated[float, typer.Option(help="Requests per second and client; 0 for any number.", min=0)] = 100.0,
    batch_wait_ms: Annotated[
        float, typer.Option(help="How long a run of the network waits for other requests; 0 for not.", min=0)
    ] = 4.0,
    threads: Annotated[int, typer.Option(help="CPU threads of the network.", min=1)] = 1,
    device: Annotated[str, typer.Option(help="auto (a CUDA card where there is one), cuda, openvino or cpu.")] = "auto",
    workers: Annotated[
        int | None, typer.Option(help="Threads that decode and find faces; by default one per core.", min=1)
    ] = None,
) -> None:
    """Serve a web page and an API, on this machine only unless told otherwise.

    Pictures are read in memory, and neither kept nor logged. Stops on Ctrl-C or SIGTERM, after the requests that it
    has begun.
    """
    for module in ("fastapi", "uvicorn", "python_multipart", "websockets", "prometheus_client"):
        need(module, "serve", "mien serve")

    from mien.faces import DEFAULT as DEFAULT_DETECTOR
    from mien.runtime.models import DEFAULT as DEFAULT_MODEL
    from mien.web.server import serve as run
    from mien.web.settings import Settings

    settings = Settings(
        host=host,
        port=port,
        models=tuple(models or [DEFAULT_MODEL]),
        detector=detector or DEFAULT_DETECTOR,
        threshold=threshold,
        token=_token(token_file),
        is_open=is_open,
        origins=tuple(origin or ()),
        proxies=tuple(proxy or ()),
        max_upload_mb=max_upload_mb,
        max_held_mb=max(256.0, max_upload_mb),
        max_pixels=max_pixels,
        max_images=max_images,
        max_waiting=max_waiting,
        max_live=max_live,
        max_video_mb=max_video_mb,
        max_video_s=max_video_s,
        rate=rate,
        batch_wait_ms=batch_wait_ms,
        threads=threads,
        device=device,
        workers=workers,
    )

    def ready(address: str) -> None:
        from mien.web.notice import NOTICE
        from mien.web.page import HOW, reads_in_browser

        typer.echo(f"{address}   models: {', '.join(settings.models)}   stop: Ctrl-C")
        typer.echo(NOTICE, err=True)
        if not reads_in_browser():
            typer.echo(HOW, err=True)

    try:
        run(settings, ready)
    except KeyboardInterrupt:  # the server has ended in order, and passes the signal on
        raise typer.Exit from None


def _token(path: Path | None) -> str | None:
    """From the file, else from the environment; never an argument, which all users of the machine can see."""
    if path is None:
        return os.environ.get(VARIABLE, "").strip() or None
    return path.read_text(encoding="utf-8").strip()
