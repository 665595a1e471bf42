"""`firstread retention`: what would go and what is held back; or all of that, now."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from firstread.data_folder import open_database
from firstread.say import console, print_json, table_console
from settings.environment import Settings
from worker.retention.survey import Survey, survey
from worker.retention.turn import retention_turn

_MOST_LINES = 50
_GIGABYTE = 1_000_000_000
_MEGABYTE = 1_000_000


def print_retention(settings: Settings, *, as_json: bool) -> None:
    """Say what would go now, why, what is held back, and how long the disk will last."""
    engine = open_database(settings)
    found = survey(settings, engine, datetime.now(UTC))
    if as_json:
        print_json(_facts(found))
    else:
        _print(found)


def remove_and_print(settings: Settings) -> None:
    """Do it, as the housekeeping would within the next minutes."""
    engine = open_database(settings)
    while True:
        outcome = retention_turn(settings, engine, datetime.now(UTC), most_s=5.0)
        console.print(
            f"Removed: images of {outcome.studies} studies, slices of {outcome.slices} results, "
            f"files of {outcome.results} results, {outcome.quarantined} objects in quarantine, "
            f"{outcome.events} events; {outcome.removed.files} files, "
            f"{outcome.removed.size_bytes / _MEGABYTE:.1f} MB"
        )
        if outcome.ended:
            return


def _facts(found: Survey) -> dict[str, Any]:
    return {
        "disk": {
            "free_bytes": found.room.free_bytes,
            "total_bytes": found.room.total_bytes,
            "removing_begins_below_bytes": found.marks.high_free_bytes,
            "removing_ends_at_bytes": found.marks.low_free_bytes,
            "studies_are_refused_below_bytes": found.min_free_bytes,
            "days_left": found.days_left,
        },
        "would_go": [
            {
                "kind": one.kind,
                "of": one.of,
                "size_bytes": one.size_bytes,
                "because": one.because.value,
            }
            for one in found.going
        ],
        "held_back": [
            {"study_instance_uid": one.study_instance_uid, "reason": one.reason.value}
            for one in found.held
        ],
    }


def _print(found: Survey) -> None:
    out = table_console()
    gigabytes = {
        "free": found.room.free_bytes,
        "removing begins below": found.marks.high_free_bytes,
        "and ends at": found.marks.low_free_bytes,
        "studies are refused below": found.min_free_bytes,
    }
    said = ", ".join(f"{name} {size / _GIGABYTE:.1f} GB" for name, size in gigabytes.items())
    out.print(f"Disk of {found.room.total_bytes / _GIGABYTE:.1f} GB: {said}")
    if found.days_left is None:
        out.print("At the rate of the last days the disk does not fill, or it is not known yet.")
    else:
        out.print(f"At the rate of the last days the disk lasts {found.days_left:.0f} days.")
    total = sum(one.size_bytes for one in found.going)
    out.print(f"Would go: {len(found.going)} things, {total / _MEGABYTE:.1f} MB")
    table = Table("Kind", "Of", "MB", "Because")
    for one in found.going[:_MOST_LINES]:
        table.add_row(one.kind, one.of, f"{one.size_bytes / _MEGABYTE:.1f}", one.because.value)
    if found.going:
        out.print(table)
    if len(found.going) > _MOST_LINES:
        out.print(f"… and {len(found.going) - _MOST_LINES} more: --json lists all")
    for reason, count in Counter(one.reason for one in found.held).most_common():
        out.print(f"Held back: {count} studies: {reason.value}")
