"""``mien watch``: perceived expressions live, in the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mien.cli.answers import Writer
    from mien.prediction import Reading

#: Characters of a bar that is full.
BAR = 20


def watch(
    source: Annotated[
        str, typer.Argument(help="Number of a camera, /dev/video0, a video (played live) or an address (rtsp://…).")
    ] = "0",
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Name or path; repeat it to average several models.")
    ] = None,
    detector: Annotated[str | None, typer.Option(help="How faces are found.")] = None,
    labels: Annotated[str | None, typer.Option(help="Answer over these classes, e.g. fer7.")] = None,
    flip: Annotated[
        bool | None, typer.Option("--flip/--no-flip", help="Average each face with its mirror image, or not.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Abstain below this confidence (0 to 1).")] = None,
    smooth: Annotated[
        float, typer.Option(help="Time constant of the smoothing over time, in seconds; 0: none.", min=0)
    ] = 0.3,
    detect_every: Annotated[
        int, typer.Option(help="Look for faces in each one of so many frames; follow them between.", min=1)
    ] = 1,
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds.", min=0)] = None,
    output: Annotated[
        Path | None, typer.Option(help="File for all readings, written as they come: .jsonl or .csv.")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads of the network.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON per frame, no display.")] = False,
) -> None:
    """Watch a camera or a video live: who is seen, and which expression people would see in each face.

    Pictures are neither kept nor sent anywhere. Frames that come while one is being read are left out. Stop it with
    Ctrl+C. Have those before the camera know of it.
    """
    from mien.cli.answers import Csv, Lines, check_suffix
    from mien.faces import DEFAULT
    from mien.runtime.camera import Newest, open_live
    from mien.runtime.clip import Clip
    from mien.runtime.models import DEFAULT as DEFAULT_MODEL
    from mien.runtime.recognizer import Recognizer
    from mien.runtime.stream import Answer
    from mien.runtime.video import Follower

    if output is not None:
        check_suffix(output, (".jsonl", ".csv"))
    recognizer = Recognizer(
        model or DEFAULT_MODEL,
        detector=detector or DEFAULT,
        labels=labels,
        flip=flip,
        threshold=threshold,
        threads=threads,
    )
    follower = Follower(recognizer, smooth_s=smooth, detect_every=detect_every)
    origin = open_live(source, threads)
    frames, start_s, problem = 0, time.monotonic(), None
    with ExitStack() as stack:
        newest = stack.enter_context(Newest(origin))
        outputs: list[Writer] = [Lines(sys.stdout)] if as_json else []
        files = [sys.stdout] if as_json else []
        if output is not None:
            output.parent.mkdir(parents=True, exist_ok=True)
            # not by way of a temporary file: others read along, and what was seen so far survives whatever happens
            file = stack.enter_context(output.open("w", encoding="utf-8", newline=""))
            files.append(file)
            is_csv = output.suffix == ".csv"
            outputs.append(Csv(file, recognizer.labels.names, has_videos=True) if is_csv else Lines(file))
        display = None if as_json else stack.enter_context(_Display(origin.source))
        try:
            for frame in newest:
                before_s = time.monotonic()
                readings = follower.see(frame.image, frame.time_s, frame=frame.number, source=origin.source)
                size_px = frame.image.shape[1], frame.image.shape[0]
                answer = Answer(origin.source, readings, size_px, frame=frame.number, time_s=frame.time_s)
                frames += 1
                for writer in outputs:
                    writer.add(answer)
                for written in files:
                    written.flush()
                if display is not None:
                    display.show(frame.time_s, readings, time.monotonic() - before_s)
                if duration is not None and time.monotonic() - start_s >= duration:
                    break
        except KeyboardInterrupt:
            pass  # the usual way to end it
        problem = origin.problem if isinstance(origin, Clip) else None
    _tell(frames, newest.dropped, time.monotonic() - start_s, problem, output, as_json)
    if frames == 0:
        sys.exit(2)


def _tell(frames: int, dropped: int, seconds: float, problem: str | None, output: Path | None, as_json: bool) -> None:
    if problem is not None:
        print(f"mien: {problem}", file=sys.stderr)
    if not as_json:
        kept = f"   written: {output}" if output is not None else ""
        typer.echo(f"{frames} {'frame' if frames == 1 else 'frames'} read in {seconds:.1f} s, {dropped} left out{kept}")


class _Display:
    """The live table in a terminal; a line per second where there is none."""

    def __init__(self, source: str) -> None:
        from rich.console import Console
        from rich.live import Live

        self._source = source
        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._shown_s = -1.0
        self._read_s = 0.0

    def __enter__(self) -> _Display:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *why: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, time_s: float, readings: Sequence[Reading], read_s: float) -> None:
        """Show one frame.

        Args:
            time_s: of the frame.
            readings: of the frame.
            read_s: what the reading took, in seconds.
        """
        self._read_s = read_s if self._shown_s < 0 else 0.9 * self._read_s + 0.1 * read_s
        if self._console.is_terminal:
            self._live.update(self._table(time_s, readings), refresh=True)
        elif int(time_s) > int(self._shown_s):
            found = ", ".join(f"{reading.track}: {_name(reading)}" for reading in readings) or "no face"
            print(f"{time_s:7.1f} s  {found}", flush=True)
        self._shown_s = time_s

    def _table(self, time_s: float, readings: Sequence[Reading]) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        head = Text(f"{self._source}  {time_s:.1f} s  {1000 * self._read_s:.0f} ms a frame", style="bold")
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for reading in sorted(readings, key=lambda each: each.track or 0):
            table.add_row(Text(f"{reading.track}", style="bold"), Text(_name(reading), style="bold green"))
            for name, share in reading.prediction.top(3):
                full = round(BAR * share)
                table.add_row("", name, Text("█" * full + "·" * (BAR - full)), f"{share:.0%}")
        if not readings:
            table.add_row(Text("no face", style="yellow"))
        return Group(head, table, Text("Pictures are not kept. Ctrl+C ends.", style="dim"))


def _name(reading: Reading) -> str:
    found = reading.prediction
    return f"({found.label}?)" if found.is_abstained else f"{found.label} {found.confidence:.0%}"
