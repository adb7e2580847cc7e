"""A progress bar on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from guiado.cli.console import Screen


@contextmanager
def progress_bar(screen: Screen, words: str, total: int | None = None, *, shows: bool = True) -> Generator[Callable[[int], None]]:
    """Show a bar on a terminal; nothing elsewhere.

    Args:
        words: beside it.
        total: how much is to be done; None where nobody knows.
        shows: whether a bar is wanted at all.

    Yields:
        Takes how much is done.
    """
    if not shows or not screen.is_interactive or total == 0:
        yield lambda _done: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen.errors, transient=True) as bar:
        task = bar.add_task(words, total=total)
        yield lambda done: bar.update(task, completed=done)
