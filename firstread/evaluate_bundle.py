"""What every evaluation needs: the bundle that is evaluated, a reader, and where words go."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from evaluation.page import Page, render_page
from models.bundle import Bundle
from models.catalogue import read_catalogue
from models.read_slice import SliceReader
from radiology.errors import BundleRejected, SettingsRefused
from settings.environment import Settings

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""Everything but the one JSON object goes to standard error."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Choice:
    """What the options of a command chose.

    Attributes
    ----------
    bundle : name, or name/version; None for the one in the settings
    bundles : the folder to look in; None for the one in the settings
    report : where the HTML report goes; None for no report
    threads : of the CPU; 0 for one for each core
    """

    bundle: str | None = None
    bundles: Path | None = None
    report: Path | None = None
    threads: int = 0


def choose_bundle(choice: Choice, settings: Settings) -> Bundle:
    """The newest usable bundle of a name, or the version that is named.

    Raises
    ------
    BundleRejected, SettingsRefused
        There is none; the message says what there is.
    """
    folder = choice.bundles or settings.bundles_folder
    if not folder.is_dir():
        raise SettingsRefused(f"There is no folder {folder}; --bundles is the one with the bundles")
    name, _, version = (choice.bundle or settings.bundle).partition("/")
    catalogue = read_catalogue(folder)
    if not version:
        return catalogue.newest(name)
    found = catalogue.bundles.get((name, version))
    if found is None:
        reason = catalogue.refused.get(f"{name}/{version}")
        there = ", ".join("/".join(key) for key in catalogue.bundles) or "none"
        why = f"it was refused: {reason}" if reason else f"there are: {there}"
        raise BundleRejected(f"No usable bundle {name}/{version} in {folder}; {why}")
    return found


def open_slice_reader(bundle: Bundle, choice: Choice, settings: Settings) -> SliceReader:
    """A reader of single slices, as `firstread predict` and the upload page use it."""
    threads = choice.threads or settings.inference_threads
    return SliceReader(bundle, threads=threads, provider=settings.execution_provider)


def shown_progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """Give items one by one and show on standard error how many are done."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task)


def bundle_facts(bundle: Bundle) -> list[tuple[str, str]]:
    """What identifies a bundle in a report."""
    return [("Bundle", bundle.algorithm.label), ("Digest", bundle.digest)]


def bundle_entries(bundle: Bundle) -> dict[str, Any]:
    """What identifies a bundle in the JSON."""
    return {"bundle": f"{bundle.name}/{bundle.version}", "bundle_digest": bundle.digest}


def write_report(path: Path | None, page: Page) -> None:
    """Write the report where one is wanted.

    Raises
    ------
    SettingsRefused
        It cannot be written there.
    """
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_page(page), encoding="utf-8")
    except OSError as error:
        raise SettingsRefused(f"The report {path} cannot be written: {error.strerror}") from error
    console.print(f"Report: {path}")


def print_json(entries: dict[str, Any]) -> None:
    """Print the one object, on one line, on standard output."""
    print(json.dumps(entries, allow_nan=False, ensure_ascii=False))
