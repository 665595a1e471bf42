"""Reads the whole chain of audit events and says which of them were tampered with, and how.

What the chain itself cannot show is a chain that was made anew from some event on by somebody who
may write to the database. Against that a head is kept elsewhere: by the audit repository, which
gets each event's hash, or on paper; `Kept` is such a head.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.audit.chain import (
    BEFORE_THE_FIRST,
    FORGOTTEN,
    REMOVED,
    digest_of_identifiers,
    hash_of,
    of_ranges,
)
from database.audit.seal import ChainEnds, chain_ends, link_of
from database.tables.readers.account import AuditEvent

_AT_A_TIME = 1000
_MOVED_BY_AT_MOST = 100


class ChainFault(StrEnum):
    """What is wrong at one place of the chain."""

    CHANGED = "changed"
    IDENTIFIERS = "identifiers_changed"  # study or patient, or they were taken away unsaid
    MOVED = "moved"
    REMOVED = "removed"
    INSERTED = "inserted"
    END = "end"  # the chain does not end where its head says
    BEGINNING = "beginning"
    KEPT_HEAD = "kept_head"


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """One thing that is wrong.

    Attributes
    ----------
    number : of the event, or of the first of those that are missing
    says : in a sentence
    """

    fault: ChainFault
    number: int
    says: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An event's number and hash that were written down elsewhere at some time."""

    number: int
    sha256: str


@dataclass(slots=True)
class Verified:
    """How far the chain was read.

    Attributes
    ----------
    events : how many there are
    sealed_from : number of the oldest one
    """

    ends: ChainEnds
    events: int = 0
    sealed_from: int = 0


def verify_chain(
    session: Session, kept: Kept | None = None
) -> tuple[Verified, Iterator[ChainFinding]]:
    """Compare every event with its hash, and every hash with the event before it.

    Parameters
    ----------
    session : reads; everything that it reads is of one moment
    kept : a head from elsewhere

    Returns
    -------
    What was read, filled in while the findings are taken; and the findings, in the order of the
    chain.
    """
    verified = Verified(chain_ends(session))
    return verified, _Reading(session, verified, kept).findings()


class _Reading:
    """One way through the chain, a piece at a time: there may be millions of events."""

    def __init__(self, session: Session, verified: Verified, kept: Kept | None) -> None:
        self._session, self._verified, self._kept = session, verified, kept
        self._ends = verified.ends
        self._before: tuple[str, str] = ("", self._ends.before_first_sha256)  # hashes: two, one ago
        self._last = self._ends.first_id - 1
        self._removal: tuple[int, str] | None = None  # the newest that was said
        self._without: dict[int, str] = {}  # number, and what study and patient are called now
        self._kept_seen = False

    def findings(self) -> Iterator[ChainFinding]:
        for row in self._rows():
            self._verified.events += 1
            self._verified.sealed_from = self._verified.sealed_from or row.id
            yield from self._own(row)
            yield from self._place(row)
            yield from self._forgotten(row)
            self._before = self._before[1], row.sha256
            self._last = row.id
        yield from self._end()

    def _rows(self) -> Iterator[AuditEvent]:
        after: int | None = None
        while True:
            wanted = select(AuditEvent).order_by(AuditEvent.id).limit(_AT_A_TIME)
            if after is not None:
                wanted = wanted.where(AuditEvent.id > after)
            rows = self._session.scalars(wanted).all()
            yield from rows
            if len(rows) < _AT_A_TIME:
                return
            after = rows[-1].id
            self._session.expunge_all()

    def _own(self, row: AuditEvent) -> Iterator[ChainFinding]:
        """What an event says, by its own hash."""
        link = link_of(row)
        if hash_of(link, row.previous_sha256) != row.sha256:
            place = self._real_place(row)
            if place is None:
                yield ChainFinding(ChainFault.CHANGED, row.id, f"event {row.id} was changed")
            else:
                said = f"event {row.id} is the one that had the number {place}"
                yield ChainFinding(ChainFault.MOVED, row.id, said)
        elif row.salt:
            whom = digest_of_identifiers(row.salt, row.study_instance_uid, row.patient_id)
            if whom != row.identifiers_sha256:
                said = f"study or patient of event {row.id} was changed"
                yield ChainFinding(ChainFault.IDENTIFIERS, row.id, said)
        else:
            self._without[row.id] = row.study_instance_uid
        if self._kept is not None and row.id == self._kept.number:
            self._kept_seen = True
            if row.sha256 != self._kept.sha256:
                said = f"event {row.id} is not the one that was kept elsewhere"
                yield ChainFinding(ChainFault.KEPT_HEAD, row.id, said)

    def _real_place(self, row: AuditEvent) -> int | None:
        link = link_of(row)
        for number in range(max(1, row.id - _MOVED_BY_AT_MOST), row.id + _MOVED_BY_AT_MOST + 1):
            if hash_of(replace(link, number=number), row.previous_sha256) == row.sha256:
                return number
        return None

    def _place(self, row: AuditEvent) -> Iterator[ChainFinding]:
        """Whether an event follows the one before it."""
        two_ago, one_ago = self._before
        if row.id < self._ends.first_id:
            said = f"event {row.id} stands before the beginning of the chain"
            yield ChainFinding(ChainFault.INSERTED, row.id, said)
        elif row.id > self._ends.last_id:
            said = f"event {row.id} stands behind the end of the chain"
            yield ChainFinding(ChainFault.INSERTED, row.id, said)
        elif row.previous_sha256 != one_ago:
            first, last = self._last + 1, row.id - 1
            if two_ago and row.previous_sha256 == two_ago:
                said = f"event {self._last} was inserted"
                yield ChainFinding(ChainFault.INSERTED, self._last, said)
            elif first <= last:
                many = f"events {first} to {last} were" if first < last else f"event {first} was"
                yield ChainFinding(ChainFault.REMOVED, first, f"{many} removed")
            else:
                said = f"event {row.id} does not follow event {self._last}"
                yield ChainFinding(ChainFault.CHANGED, row.id, said)

    def _forgotten(self, row: AuditEvent) -> Iterator[ChainFinding]:
        """Identifiers may only be missing where an event of the chain says so."""
        if row.name == REMOVED:
            self._removal = int(row.facts.get("until", 0)), str(row.facts.get("sha256", ""))
        if row.name != FORGOTTEN or "events" not in row.facts:
            return
        called = str(row.facts.get("called", ""))
        for numbers in of_ranges(str(row.facts["events"])):
            for number in range(max(numbers.start, self._ends.first_id), numbers.stop):
                if self._without.pop(number, None) != called:
                    said = f"event {number} should name {called} and nobody else"
                    yield ChainFinding(ChainFault.IDENTIFIERS, number, said)

    def _end(self) -> Iterator[ChainFinding]:
        ends = self._ends
        for number in sorted(self._without):
            said = f"study and patient of event {number} were taken away, and no event says why"
            yield ChainFinding(ChainFault.IDENTIFIERS, number, said)
        if self._last < ends.last_id:
            first, last = self._last + 1, ends.last_id
            many = f"events {first} to {last}, the last ones, were" if first < last else ""
            said = f"{many or f'event {first}, the last one, was'} removed"
            yield ChainFinding(ChainFault.REMOVED, first, said)
        elif self._last == ends.last_id and self._before[1] != ends.last_sha256:
            said = f"the chain does not end with the event {ends.last_id} that its head names"
            yield ChainFinding(ChainFault.END, ends.last_id, said)
        if ends.before_first_sha256 != BEFORE_THE_FIRST:
            wanted = ends.first_id - 1, ends.before_first_sha256
            if self._removal != wanted:
                said = (
                    f"events up to {ends.first_id - 1} are missing, and no event of the chain says "
                    "that they went by their age"
                )
                yield ChainFinding(ChainFault.BEGINNING, ends.first_id, said)
        kept = self._kept
        if kept is not None and not self._kept_seen and kept.number >= ends.first_id:
            said = f"event {kept.number}, which was kept elsewhere, is not there"
            yield ChainFinding(ChainFault.KEPT_HEAD, kept.number, said)
