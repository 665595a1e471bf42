"""What an archive does without, and whether there is room for the rest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from database.backup.named import LeftOut, named_bytes, originals_to_leave_out
from database.session import Engine, Session, query
from radiology.errors import BackupNotWritten
from settings.environment import Settings


@dataclass(frozen=True, slots=True)
class WithoutWhat:
    """What an archive is to do without."""

    originals: bool = False
    slices: bool = False


EVERYTHING = WithoutWhat()


def require_room(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], datetime],
    folder: Path,
    without: WithoutWhat,
) -> None:
    """Refuse at once what would end in a full disk.

    Raises
    ------
    BackupNotWritten
        There is less room than the files take that rows know the size of.
    """
    with query(engine) as session:
        needed = named_bytes(session, left_out_now(settings, session, clock(), without))
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupNotWritten(
            f"The archive takes more than {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free "
            "there: make room, or let it be written elsewhere"
        )


def left_out_now(
    settings: Settings, session: Session, now: datetime, without: WithoutWhat
) -> LeftOut:
    """The studies and files that are left out, as the rows are now."""
    treatment = timedelta(days=settings.retention.treatment_days)
    originals = (
        originals_to_leave_out(session, now, treatment=treatment)
        if without.originals
        else frozenset()
    )
    return LeftOut(now, originals, slices=without.slices)
