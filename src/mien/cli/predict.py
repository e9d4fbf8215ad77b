"""``mien predict``: pictures, folders, patterns and videos to perceived expressions."""

from __future__ import annotations

import glob
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.options import Prior

if TYPE_CHECKING:
    from mien.cli.clips import Clips
    from mien.runtime.engines import Read
    from mien.runtime.recognizer import Recognizer
    from mien.runtime.stream import Answer

#: Rows that the table on the screen shows; --json, --output and --annotated have them all.
SHOWN = 200
#: From so many pictures on there is a progress bar; with videos always.
MANY = 10


def predict(
    sources: Annotated[list[str], typer.Argument(help="Pictures, videos, folders or patterns such as 'photos/*.jpg'.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Name or path; repeat it to average several models.")
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="How faces are found; 'whole' when each picture is one face.")
    ] = None,
    labels: Annotated[str | None, typer.Option(help="Answer over these classes, e.g. fer7.")] = None,
    flip: Annotated[
        bool | None, typer.Option("--flip/--no-flip", help="Average each face with its mirror image, or not.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Abstain below this confidence (0 to 1).")] = None,
    bias: Annotated[
        list[str] | None,
        typer.Option(
            help="What the probability of a class is multiplied by: angry=4.5,neutral=2.8 (or repeated, or further "
            "words); or a file of mien bias. Instead of the biases in the model's card."
        ),
    ] = None,
    prior: Prior = "training",
    annotated: Annotated[
        Path | None, typer.Option(help="Folder for pictures and videos with boxes and answers, or the file for one.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="File for all results: .json, .jsonl or .csv.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads of a run of the network.", min=1)] = None,
    device: Annotated[str, typer.Option(help="auto (a CUDA card where there is one), cuda, openvino or cpu.")] = "auto",
    batch_size: Annotated[int, typer.Option(help="Faces per run of the network, at most.", min=1)] = 32,
    engine: Annotated[str, typer.Option(help="Who reads pictures: threads, or ray: a Ray cluster.")] = "threads",
    workers: Annotated[
        int | None,
        typer.Option(help="Pictures read (ray: calls made) at the same time; by default one per core.", min=1),
    ] = None,
    every: Annotated[
        str, typer.Option(help="Of a video read each one of so many frames (5), or one in so many seconds (0.5s).")
    ] = "1",
    start: Annotated[str | None, typer.Option(help="Begin videos here: 90, 1:30 or 0:01:30.5.")] = None,
    end: Annotated[str | None, typer.Option(help="Stop videos before this time.")] = None,
    smooth: Annotated[
        float, typer.Option(help="Time constant of the smoothing of videos over time, in seconds; 0: none.", min=0)
    ] = 0.3,
    detect_every: Annotated[
        int,
        typer.Option(help="Look for faces in each one of so many frames read; follow them between.", min=1),
    ] = 1,
    timeline: Annotated[
        Path | None,
        typer.Option(help="Picture of each person's expressions over a video: .png, .svg, .pdf, or a folder."),
    ] = None,
    top: Annotated[int | None, typer.Option(help="Show only so many of the likeliest classes.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Read the expression that people would see in every face.

    A file that cannot be read, and a picture without a face, becomes a row with its reason; the others are answered
    all the same. Of a damaged video all that can be read is kept. Exit code 2 only when nothing at all could be read.
    """
    from mien.cli.answers import check_suffix, writers
    from mien.cli.clips import Clips, check_plot, seconds
    from mien.cli.progress import bar
    from mien.cli.shown import Shown
    from mien.errors import InputError
    from mien.faces import DEFAULT
    from mien.runtime.biases import Biases
    from mien.runtime.clip import is_video
    from mien.runtime.engines import ENGINES
    from mien.runtime.models import DEFAULT as DEFAULT_MODEL
    from mien.runtime.recognizer import Recognizer
    from mien.runtime.video import Every

    if output is not None:
        check_suffix(output)
    opened = ENGINES.load(engine)
    start_s, end_s = seconds(start, "--start") or 0.0, seconds(end, "--end")
    if end_s is not None and end_s <= start_s:
        raise InputError(f"--end {end}: expected a time after the start ({start_s:g} s)")
    frames = Every.parse(every)
    biases = None
    if bias:
        sources, further = _split_off_biases(sources)
        biases = Biases.parse([*bias, *further])
    paths = list(_expand(sources))
    if annotated is not None:
        _check_annotated(annotated, paths)
    if prior == "auto" and (videos := [path for path in paths if is_video(path)]):
        raise InputError(
            f"--prior auto: {videos[0]} is a video, whose frames are answered as they come, and auto needs all faces "
            "before the first answer; choose uniform, or cut its faces out with `mien data frames`"
        )
    if timeline is not None:
        check_plot(timeline, sum(map(is_video, paths)))
    recognizer = Recognizer(
        model or DEFAULT_MODEL,
        detector=detector or DEFAULT,
        labels=labels,
        flip=flip,
        threshold=threshold,
        threads=threads,
        batch_size=batch_size,
        biases=biases,
        prior=prior,
        device=device,
    )
    head: dict[str, Any] = {
        "model": [network.card.name for network in recognizer.networks],
        "labels": list(recognizer.labels),
    }
    if biases is not None:
        head["biases"] = {"factors" if biases.are_factors else "logits": dict(biases.values)}
    shown = Shown(recognizer.labels.names, recognizer.threshold, SHOWN)
    clips = Clips(recognizer, frames, start_s, end_s, smooth, detect_every, threads, shown.add_video)
    has_videos = any(map(is_video, paths))
    is_any_read = False
    with (
        opened(recognizer, workers) as read,
        writers(output, as_json, head, recognizer.labels.names, has_videos) as outputs,
        bar("reading faces", is_quiet=as_json or (len(paths) < MANY and not has_videos)) as step,
    ):
        for answer in _answers(read, clips, paths, annotated, timeline, step):
            if "prior" not in head:  # by the first answer auto has its shares
                head["prior"] = _prior(recognizer)
            is_any_read = is_any_read or answer.error is None
            if not is_video(answer.source):
                shown.add(answer)
            for writer in outputs:
                writer.add(answer)
        for writer in outputs:
            writer.end([video.about for video in clips.watched])
    if not as_json:
        shown.note = _note_on_prior(recognizer, shown.faces)
        shown.show([path for path in (annotated, output, timeline) if path is not None], top)
    if not is_any_read:
        sys.exit(2)


def _prior(recognizer: Recognizer) -> dict[str, Any]:
    """The prior that was chosen and the shares it stands for, as far as they are known."""
    shares = recognizer.shares
    known = None if shares is None else zip(recognizer.labels, shares.tolist(), strict=True)
    return {"choice": recognizer.prior, "shares": known and {name: round(share, 6) for name, share in known}}


def _note_on_prior(recognizer: Recognizer, faces: int) -> str:
    """What the table says of it; nothing of the one that needs no words."""
    from mien.runtime.prior import FACES, told

    if recognizer.prior == "training" or recognizer.shares is None:
        return ""
    if recognizer.prior == "uniform":
        return "prior uniform: the answers are those for equally frequent classes"
    few = f" (with {FACES} more as in training: so few faces say little)" if faces < 10 * FACES else ""
    return f"prior auto: shares estimated from {faces} faces{few}: {told(recognizer.labels, recognizer.shares)}"


def _split_off_biases(sources: list[str]) -> tuple[list[str], list[str]]:
    """The words after ``--bias angry=4.5 neutral=2.8`` come as sources; no picture has such a name."""
    further = [word for word in sources if re.fullmatch(r"[^=/]+=[-+.\deE]+", word) and not os.path.exists(word)]
    rest = [word for word in sources if word not in further]
    if not rest:
        from mien.errors import InputError

        raise InputError(f"no picture among {' '.join(sources)}: name pictures, folders or patterns")
    return rest, further


def _check_annotated(path: Path, paths: Sequence[str]) -> None:
    """One file is for one source of its kind; else it is a folder."""
    from mien.errors import InputError
    from mien.images import SUFFIXES as PICTURES
    from mien.runtime.annotated import SUFFIXES as VIDEOS
    from mien.runtime.clip import is_video

    suffix = path.suffix.lower()
    if path.is_dir() or suffix not in PICTURES | VIDEOS:
        return
    if len(paths) != 1:
        things = "sources" if any(map(is_video, paths)) or suffix in VIDEOS else "pictures"
        raise InputError(f"--annotated {path}: one file for {len(paths)} {things}; give a folder")
    if (suffix in VIDEOS) != is_video(paths[0]):
        kind, allowed = ("video", VIDEOS) if is_video(paths[0]) else ("picture", PICTURES)
        raise InputError(f"--annotated {path}: {paths[0]} is a {kind}; give a folder or {', '.join(sorted(allowed))}")


def _expand(sources: Sequence[str]) -> Iterator[str]:
    """Files stay, folders become the pictures and videos below them, patterns what they match; each file once."""
    from mien.errors import InputError
    from mien.images import SUFFIXES as PICTURES
    from mien.images import find
    from mien.runtime.clip import SUFFIXES as VIDEOS

    seen: set[str] = set()
    for source in sources:
        if os.path.isdir(source):
            found = [str(path) for path in find(source, PICTURES | VIDEOS)]
            if not found:
                raise InputError(f"{source}: a folder without pictures and videos")
        elif any(sign in source for sign in "*?[") and "://" not in source and not os.path.exists(source):
            found = [path for path in sorted(glob.glob(source, recursive=True)) if os.path.isfile(path)]
            if not found:
                raise InputError(f"{source}: matches no file")
        else:
            found = [source]
        for path in found:
            if path not in seen:
                seen.add(path)
                yield path


def _answers(
    read: Read,
    clips: Clips,
    paths: Sequence[str],
    annotated: Path | None,
    timeline: Path | None,
    step: Callable[[str, int, int], None],
) -> Iterator[Answer]:
    """All answers in the order of the sources; pictures beside each other are read together."""
    from mien.cli.clips import PLOTS
    from mien.images import SUFFIXES
    from mien.runtime.annotated import SUFFIXES as VIDEOS
    from mien.runtime.clip import is_video
    from mien.runtime.threads import Threads

    drawn, plots = _Names(annotated, SUFFIXES | VIDEOS), _Names(timeline, frozenset(PLOTS))
    total, done = sum(not is_video(path) for path in paths), 0
    for is_clip, group in itertools.groupby(paths, is_video):
        if is_clip:
            for path in group:
                yield from clips.read(path, drawn.of(path, ".mp4"), plots.of(path, ".png"), step)
            continue
        with Threads() as threads:
            named = ((answer, None if answer.error else drawn.of(answer.source, ".jpg")) for answer in read(group))
            for answer in threads.map(_annotate, named, 2 * threads.workers):
                done += 1
                step("reading faces", done, total)
                yield answer


class _Names:
    """Names of files that are made of sources: those of the sources, with a number where two are alike.

    Args:
        target: a folder, or one file for one source, or None.
        suffixes: those of a file.
    """

    def __init__(self, target: Path | None, suffixes: frozenset[str]) -> None:
        self._target = target
        self._is_file = target is not None and target.suffix.lower() in suffixes and not target.is_dir()
        self._taken: set[str] = set()

    def of(self, source: str, suffix: str) -> Path | None:
        if self._target is None or self._is_file:
            return self._target
        stem = Path(source.replace(".npy#", "-")).stem or "video"
        name, number = stem + suffix, 2
        while name in self._taken:
            name, number = f"{stem}-{number}{suffix}", number + 1
        self._taken.add(name)
        return self._target / name


def _annotate(named: tuple[Answer, Path | None]) -> Answer:
    from mien.images import read, write
    from mien.runtime.draw import annotate

    answer, target = named
    if target is not None:
        write(target, annotate(read(answer.source), answer.readings))
    return answer
