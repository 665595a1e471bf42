"""How far the audit repository has been told: the chain is the queue, and a row says how far.

An event is sent when its number is at most `sent_id`. The row is leased like a row of any other
queue, so one process sends at a time and the events go in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from database.audit.seal import chain_ends
from database.lease import claim_first, ended_in_defect, is_free, let_go, postponed, write_held
from database.tables.operation.audit import AuditHead, AuditSending
from database.tables.readers.account import AuditEvent

_ROW = 1


@dataclass(frozen=True, slots=True)
class SendingClaim:
    """The sending of audit events, in a worker's hands."""

    row_id: int
    sent_id: int
    attempts: int
    fencing_token: int
    after_defect: bool  # the attempt before this one ended in a defect


@dataclass(frozen=True, slots=True)
class SendingFacts:
    """How the sending stands.

    Attributes
    ----------
    waiting : how many events the repository does not have
    oldest : when the first of them was recorded
    error_kind, error_message : of the last attempt; "" after one that succeeded
    """

    waiting: int
    oldest: datetime | None
    attempts: int
    error_kind: str
    error_message: str
    in_hand: bool


def follow_repository(session: Session, *, wanted: bool, now: datetime) -> None:
    """Begin with a repository that the settings name, and end with one that they name no more.

    A new one gets every event that is kept, from the oldest on.
    """
    there = session.get(AuditSending, _ROW)
    if wanted and there is None:
        session.add(AuditSending(id=_ROW, due_at=now, sent_id=0))
    elif not wanted and there is not None:
        session.execute(delete(AuditSending))


def repository_is_followed(session: Session) -> bool:
    """Whether there is a repository that events are sent to."""
    return session.scalar(select(AuditSending.id)) is not None


def events_to_send(session: Session, now: datetime) -> bool:
    """Whether a worker would find something to send now."""
    sent = session.scalar(select(AuditSending.sent_id).where(*_due(now)))
    return sent is not None and chain_ends(session).last_id > sent


def sent_until(session: Session) -> int:
    """The number of the last event that the repository has; 0 where it has none."""
    return session.scalar(select(AuditSending.sent_id)) or 0


def claim_sending(session: Session, *, lease_s: float, now: datetime) -> SendingClaim | None:
    """Take the sending, if there is something to send and nobody else has it."""
    if not events_to_send(session, now):
        return None
    row = claim_first(
        session,
        AuditSending,
        _due(now),
        (AuditSending.id,),
        lease_s=lease_s,
        now=now,
        returning=(
            AuditSending.id,
            AuditSending.sent_id,
            AuditSending.attempts,
            AuditSending.fencing_token,
            ended_in_defect(AuditSending),
        ),
        attempts=AuditSending.attempts + 1,
    )
    return None if row is None else SendingClaim(*row)


def note_sent(session: Session, claim: SendingClaim, sent_id: int, now: datetime) -> None:
    """Note that the repository has taken all up to this event.

    Raises
    ------
    LeaseLost
        The sending is somebody else's by now.
    """
    done = {"sent_id": sent_id, "sent_at": now, "due_at": now, "attempts": 0, **let_go()}
    write_held(session, AuditSending, claim.row_id, claim.fencing_token, **done)


def postpone_sending(
    session: Session,
    claim: SendingClaim,
    due_at: datetime,
    *,
    error_kind: str,
    error_message: str,
    trace: str = "",
) -> None:
    """Send again later; all events stay.

    Raises
    ------
    LeaseLost
        The sending is somebody else's by now.
    """
    kept = postponed(due_at, error_kind=error_kind, error_message=error_message, trace=trace)
    write_held(session, AuditSending, claim.row_id, claim.fencing_token, **kept)


def sending_facts(session: Session, now: datetime) -> SendingFacts | None:
    """How the sending stands; None without a repository."""
    row = session.scalars(select(AuditSending)).one_or_none()
    if row is None:
        return None
    ends = chain_ends(session)
    waiting = ends.last_id - max(row.sent_id, ends.first_id - 1)
    oldest = session.scalar(
        select(AuditEvent.at).where(AuditEvent.id > row.sent_id).order_by(AuditEvent.id).limit(1)
    )
    held = row.lease_until is not None and row.lease_until >= now
    return SendingFacts(waiting, oldest, row.attempts, row.error_kind, row.error_message, held)


def unsent_event_is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of a sending that would find an event now."""
    unsent = select(AuditHead.id).where(AuditHead.last_id > AuditSending.sent_id)
    return *_due(now), unsent.exists()


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return AuditSending.due_at <= now, is_free(AuditSending, now)
