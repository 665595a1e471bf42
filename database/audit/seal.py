"""Adds audit events to the chain, in the commit of whatever they are about.

An event gets its number and its hash at the last moment before the commit, under the lock of the
one row that says where the chain ends (SQLite lets one transaction write at a time anyway). So two
processes that write at once make one chain, none waits for another's transaction longer than for
its commit, and no lock is ever asked for after this one: there is no deadlock.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from database.audit.chain import BEFORE_THE_FIRST, Link, digest_of_identifiers, hash_of
from database.tables.operation.audit import AuditHead
from database.tables.readers.account import AuditEvent

_WAITING = "audit_events"
_HEAD = 1
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class ChainEnds:
    """Where the chain begins and ends.

    Attributes
    ----------
    first_id : of the oldest event that is still kept, or of the next one where none is
    before_first_sha256 : hash of the event before it, which went by its age
    """

    last_id: int
    last_sha256: str
    first_id: int
    before_first_sha256: str


def seal_at_commit(session: Session, row: AuditEvent) -> None:
    """Add an event, at the commit of this session; it has no number before."""
    if _WAITING not in session.info:
        session.info[_WAITING] = []
        event.listen(session, "before_commit", _seal)
    session.info[_WAITING].append(row)


def chain_ends(session: Session, *, lock: bool = False) -> ChainEnds:
    """Where the chain begins and ends now.

    Parameters
    ----------
    lock : until the end of the transaction nobody else adds an event
    """
    found = select(
        AuditHead.last_id,
        AuditHead.last_sha256,
        AuditHead.first_id,
        AuditHead.before_first_sha256,
    ).where(AuditHead.id == _HEAD)
    row = session.execute(found.with_for_update() if lock else found).one_or_none()
    return ChainEnds(0, BEFORE_THE_FIRST, 1, BEFORE_THE_FIRST) if row is None else ChainEnds(*row)


def begin_chain_at(session: Session, first_id: int, before_first_sha256: str) -> None:
    """Note that the events before this one have gone; the caller holds the lock."""
    session.execute(
        update(AuditHead)
        .where(AuditHead.id == _HEAD)
        .values(first_id=first_id, before_first_sha256=before_first_sha256)
    )


def link_of(row: AuditEvent) -> Link:
    """A row as the chain sees it."""
    return Link(
        number=row.id,
        at=row.at,
        name=row.name,
        succeeded=row.succeeded,
        reader=row.reader,
        role=row.role,
        address=row.address,
        facts=row.facts,
        identifiers_sha256=row.identifiers_sha256,
    )


def _seal(session: Session) -> None:
    waiting: list[AuditEvent] = session.info[_WAITING]
    if not waiting:
        return
    session.flush()  # whatever else takes locks takes them before this one
    ends = chain_ends(session, lock=True)
    number, previous = ends.last_id, ends.last_sha256
    for row in waiting:
        number += 1
        row.id = number
        row.facts = json.loads(json.dumps(row.facts))  # as the database will give them back
        row.salt = secrets.token_hex(_SALT_BYTES)
        row.identifiers_sha256 = digest_of_identifiers(
            row.salt, row.study_instance_uid, row.patient_id
        )
        row.previous_sha256 = previous
        previous = row.sha256 = hash_of(link_of(row), previous)
    session.add_all(waiting)
    waiting.clear()
    head = {"last_id": number, "last_sha256": previous}
    if ends.last_id == 0 and session.get(AuditHead, _HEAD) is None:  # a schema without migrations
        session.add(AuditHead(id=_HEAD, first_id=1, before_first_sha256=BEFORE_THE_FIRST, **head))
    else:
        session.execute(update(AuditHead).where(AuditHead.id == _HEAD).values(**head))
    session.flush()
