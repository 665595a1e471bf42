"""Output: one JSON object to standard output, everything else to standard error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from radiology.errors import FirstreadError

console = Console(stderr=True, highlight=False, soft_wrap=True)

REFUSED = 2
"""Exit status; what a shell expects for "you asked for something that cannot be done"."""

Item = TypeVar("Item")


@contextmanager
def errors_to_exit_code() -> Iterator[None]:
    """One line that says what to do, no trace, for what we foresaw."""
    try:
        yield
    except FirstreadError as error:
        console.print(f"[bold red]{error.kind}[/]:", end=" ")
        console.print(error.in_full, markup=False)  # a file may be called [bold]
        raise typer.Exit(REFUSED) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error


_WIDE = 240  # columns: into a pipe or a file nothing is cut off


def table_console() -> Console:
    """Standard output for tables, as wide as what reads it can be; brackets are no markup."""
    wide = Console(highlight=False, markup=False, soft_wrap=False)
    return wide if wide.is_terminal else Console(highlight=False, markup=False, width=_WIDE)


def print_json(entries: dict[str, Any]) -> None:
    """Print the one object, on one line, on standard output."""
    print(json.dumps(entries, allow_nan=False, ensure_ascii=False))


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console)


def shown_progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """Give items one by one and show how many are done."""
    with _progress() as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task)


class Steps:
    """A bar for each of several inputs, and below it one for each step of what it needs."""

    def __init__(self, progress: Progress, what: str, total: int) -> None:
        self._progress = progress
        self._all = progress.add_task(what, total=total, visible=total > 1)
        self._steps: dict[str, TaskID] = {}

    def step(self, name: str, done: int, total: int) -> None:
        """Show how far a step is; see `worker.predict.on_step`."""
        if name not in self._steps:
            self._steps[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._steps[name], completed=done, total=total)

    def next(self) -> None:
        """One input is done; its steps are no longer of interest."""
        for task in self._steps.values():
            self._progress.remove_task(task)
        self._steps.clear()
        self._progress.advance(self._all)


@contextmanager
def shown_steps(what: str, total: int) -> Iterator[Steps]:
    """Show the progress of several inputs, each with steps of its own."""
    with _progress() as progress:
        yield Steps(progress, what, total)
