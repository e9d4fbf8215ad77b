"""The progress bar of long work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(first: str, *, is_quiet: bool = False, in_bytes: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar on standard error while the block runs; none where nobody looks (a pipe, a log).

    Args:
        first: name of the first step.
        is_quiet: show nothing.
        in_bytes: what is counted are bytes, as of a download.

    Yields:
        A function of step, things done and things in all (0: not known).
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn() if in_bytes else MofNCompleteColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    hidden = is_quiet or not console.is_terminal
    with Progress(*columns, *times, console=console, transient=True, disable=hidden) as progress:
        tasks = {first: progress.add_task(first, total=None)}

        def step(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name)
            progress.update(tasks[name], completed=done, total=total or None)

        yield step
