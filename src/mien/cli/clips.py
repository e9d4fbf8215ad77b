"""Videos among the sources of ``mien predict``: read, drawn and summed up in one pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.runtime.clip import Clip
    from mien.runtime.recognizer import Recognizer
    from mien.runtime.stream import Answer
    from mien.runtime.timeline import Timeline
    from mien.runtime.video import Every

PLOTS = (".png", ".svg", ".pdf")


@dataclass
class Watched:
    """One video that has been read.

    Attributes:
        source: as it was given.
        timeline: what was seen.
        about: what goes into the JSON.
        frames: how many were read.
        problem: what is wrong with it, or None.
    """

    source: str
    timeline: Timeline
    about: dict[str, Any]
    frames: int
    problem: str | None


@dataclass
class Clips:
    """How videos are read, and what is made of them.

    Attributes:
        recognizer: detector and networks.
        every: which frames.
        start_s: from where.
        end_s: to where.
        smooth_s: time constant.
        detect_every: how often faces are looked for.
        threads: of decoder and encoder, and for looking; None = one per core.
        told: is called with each video when it has been read.
        watched: the videos that have been read.
    """

    recognizer: Recognizer
    every: Every
    start_s: float
    end_s: float | None
    smooth_s: float
    detect_every: int
    threads: int | None = None
    told: Callable[[Watched], None] = lambda watched: None
    watched: list[Watched] = field(default_factory=list)

    def read(
        self, source: str, annotated: Path | None, timeline: Path | None, step: Callable[[str, int, int], None]
    ) -> Iterator[Answer]:
        """Read one video; a last answer says what was wrong with it, if something was."""
        from mien.errors import VideoError
        from mien.runtime.clip import Clip
        from mien.runtime.stream import Answer
        from mien.runtime.timeline import Timeline

        seen, frames = Timeline(self.recognizer.labels), 0
        about: dict[str, Any] = {"source": source}
        problem = None
        try:
            with Clip(source, self.threads) as clip:
                for answer in self._read(clip, annotated, step):
                    seen.add(answer.readings)
                    frames += 1
                    yield answer
                problem = clip.problem
                size = None if clip.size_px is None else list(clip.size_px)
                about |= {"size_px": size, "rate": round(clip.rate, 6), "duration_s": clip.duration_s}
        except VideoError as error:
            problem = str(error)
        if timeline is not None and seen.tracks:
            from mien.report.timeline import plot_timeline

            plot_timeline(seen, timeline, Path(source).name)
        about |= {"frames_read": frames, "problem": problem, "tracks": seen.summary()}
        self.watched.append(Watched(source, seen, about, frames, problem))
        self.told(self.watched[-1])
        if problem is not None:
            yield Answer(source, error=problem)

    def _read(self, clip: Clip, annotated: Path | None, step: Callable[[str, int, int], None]) -> Iterator[Answer]:
        from mien.atomic import writing
        from mien.runtime.annotated import AnnotatedVideo
        from mien.runtime.video import read_clip

        name, total, first = Path(clip.source).name, self._total(clip), None
        with ExitStack() as stack:
            video = None
            if annotated is not None:
                path = stack.enter_context(writing(annotated))
                video = stack.enter_context(AnnotatedVideo(path, clip, self.start_s, self.threads))
            pairs = read_clip(
                self.recognizer,
                clip,
                every=self.every,
                start_s=self.start_s,
                end_s=self.end_s,
                smooth_s=self.smooth_s,
                detect_every=self.detect_every,
                also=None if video is None else video.copy_sound,
                workers=self.threads,
            )
            held: Answer | None = None
            for frame, answer in pairs:
                first = frame.number if first is None else first
                step(name, frame.number + 1 - first, total)
                held = answer or held
                if video is not None:
                    video.write(frame, held.readings if held is not None else ())
                if answer is not None:
                    yield answer
            if clip.size_px is None:  # nothing was read: leave no empty video behind
                from mien.errors import VideoError

                raise VideoError(clip.problem or f"{clip.source}: has no frame between {self.span}")

    @property
    def span(self) -> str:
        """The part that is read, for messages."""
        return f"{self.start_s:g} s and {'its end' if self.end_s is None else f'{self.end_s:g} s'}"

    def _total(self, clip: Clip) -> int:
        """Frames that there are to go through, as far as it is known; 0 when it is not."""
        if clip.frame_count is None or clip.duration_s is None:
            return 0
        end_s = clip.duration_s if self.end_s is None else min(self.end_s, clip.duration_s)
        return max(0, round((end_s - self.start_s) * clip.rate))


def seconds(text: str | None, option: str) -> float | None:
    """Read a time: ``90``, ``1:30`` or ``0:01:30.5``.

    Raises:
        InputError: it is none.
    """
    from mien.errors import InputError

    if text is None:
        return None
    if re.fullmatch(r"(\d+:){0,2}\d*\.?\d+", text) is None:
        raise InputError(f"{option} {text}: expected a time such as 90, 1:30 or 0:01:30.5")
    total = 0.0
    for part in text.split(":"):
        total = 60 * total + float(part)
    return total


def check_plot(path: Path, count: int) -> None:
    """See that a timeline can be written.

    Raises:
        InputError: there is no video, or one file for several.
        MissingExtra: matplotlib is not installed.
    """
    from mien.errors import InputError, need

    if count == 0:
        raise InputError(f"--timeline {path}: there is no video among the sources")
    if count > 1 and path.suffix.lower() in PLOTS and not path.is_dir():
        raise InputError(f"--timeline {path}: one file for {count} videos; give a folder")
    need("matplotlib", "lab", "drawing a plot")
