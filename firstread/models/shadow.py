"""`firstread models shadow`: answers of bundles in shadow, beside those that were shown."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from rich.console import Console
from rich.table import Table

from database.results.shadow import ShadowLine, shadow_lines
from database.session import query
from firstread.data_folder import open_database
from radiology.errors import SettingsRefused
from settings.environment import Settings

_MOST_SHOWN = 50


def print_shadow(settings: Settings, bundle: str | None, to: Path | None) -> None:
    """Print how often the answers agree, and the newest of them.

    Parameters
    ----------
    bundle : whose answers; None for all
    to : a file that all of them are written to, as CSV; None for none

    Raises
    ------
    SettingsRefused
        The file cannot be written.
    """
    engine = open_database(settings)
    with query(engine) as session:
        lines = shadow_lines(session, bundle)
    console = Console(highlight=False, soft_wrap=True)
    alike = sum(one.urgency == one.shown for one in lines if one.shown is not None)
    beside = sum(one.shown is not None for one in lines)
    console.print(
        f"{len(lines)} answers in shadow; {beside} beside one that was shown, "
        f"{alike} of them of the same urgency"
    )
    if lines:
        console.print(_table(lines[:_MOST_SHOWN]), markup=False)
    if to is not None:
        _write(lines, to)
        console.print(f"Written: {to}", markup=False)


def _table(lines: Sequence[ShadowLine]) -> Table:
    table = Table("At", "Study Instance UID", "Bundle", "Outcome", "Urgency", "Suspicion", "Shown")
    for line in lines:
        table.add_row(
            f"{line.created_at:%Y-%m-%d %H:%M}",
            line.study_instance_uid,
            f"{line.bundle}/{line.bundle_version}",
            line.outcome.value,
            line.urgency.value if line.urgency else "none",
            "none" if line.suspicion is None else f"{line.suspicion:.3f}",
            line.shown.value if line.shown else "none",
        )
    return table


def _write(lines: Sequence[ShadowLine], to: Path) -> None:
    names = [one.name for one in fields(ShadowLine)]
    try:
        with to.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(asdict(one) for one in lines)
    except OSError as error:
        raise SettingsRefused(f"{to} cannot be written: {error.strerror}") from error
