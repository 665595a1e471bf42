"""The AE title under which the doctor sends its phantom: nobody else can know it.

The settings name no such peer, and no other caller gets in by it: the title is drawn by chance for
one run, stands in a row that only Firstread can write, and is worth nothing when the run has ended.
`firstread serve` asks its node in the same way whether it answers.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from database.process_signs import STARTING
from database.tables.operation.doctor import DoctorRun
from database.tables.readers.upload import ProcessSign

SILENT_AFTER: Final = timedelta(seconds=60)
"""A run says more often than this that it is under way; one that does not was broken off."""

PREFIX: Final = "FR-DR-"
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_DRAWN: Final = 10  # of 32 letters: 50 bits, for some minutes
_TICKET: Final = re.compile(rf"{PREFIX}[{_LETTERS}]{{{_DRAWN}}}")


def new_ticket() -> str:
    """A title that nobody has had before."""
    return PREFIX + "".join(secrets.choice(_LETTERS) for _ in range(_DRAWN))


def is_ticket(ae_title: str) -> bool:
    """Whether a title has the form of a ticket: what came under it is a phantom of the doctor."""
    return _TICKET.fullmatch(ae_title) is not None


def is_in_force(session: Session, ae_title: str, now: datetime) -> bool:
    """Whether a run that is under way, or a start, goes by this title."""
    found = session.scalar(
        select(DoctorRun.id).where(
            DoctorRun.ticket == ae_title,
            DoctorRun.ended_at.is_(None),
            DoctorRun.seen_at > now - SILENT_AFTER,
        )
    )
    return found is not None or _knocks(session, ae_title, now)


def knock(session: Session, ticket: str, now: datetime) -> None:
    """Let a start ask the node by this title, for as long as it says so again."""
    session.merge(ProcessSign(name=ticket, part=STARTING, started_at=now, seen_at=now))


def stop_knocking(session: Session, ticket: str) -> None:
    """The title is worth nothing from now on."""
    session.execute(
        delete(ProcessSign).where(ProcessSign.name == ticket, ProcessSign.part == STARTING)
    )


def _knocks(session: Session, ae_title: str, now: datetime) -> bool:
    found = session.scalar(
        select(ProcessSign.name).where(
            ProcessSign.name == ae_title,
            ProcessSign.part == STARTING,
            ProcessSign.seen_at > now - SILENT_AFTER,
        )
    )
    return found is not None
