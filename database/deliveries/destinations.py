"""Destinations as a whole: one that is away holds all its deliveries, one that is back gets them.

Where nobody answers one delivery, nobody would answer the next: they wait together, and the first
of them tries. So a destination that is down for a week costs one attempt at a time, and holds up
no other destination.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, case, func, literal_column, select, update
from sqlalchemy.orm import Session, aliased

from database.deliveries.claimed import DeliveryClaim, may_be_retried, wait_again
from database.events import record_event
from database.lease import is_free
from database.states import ENDED_WELL, UNDER_WAY, DeliveryPurpose, DeliveryState
from database.tables.study.analysis import Delivery, Result, ResultObject
from database.unindexed import unindexed
from settings.peers import Peer

AWAY = "PeerUnreachable"
"""The kind of error that a delivery shows while nobody answers at its destination."""

NOT_STORED = (DeliveryState.REFUSED, DeliveryState.FAILED)
"""States of a delivery that goes on only when a person asks."""


@dataclass(frozen=True, slots=True)
class DestinationFacts:
    """What has not arrived at one destination.

    Attributes
    ----------
    under_way : deliveries that go on by themselves; `away` of them because nobody answers there
    ended : deliveries that were refused, have failed, or arrived in part: a person decides
    oldest_due : when the first of those under way is tried next; None without one
    """

    destination: str
    under_way: int
    away: int
    ended: int
    oldest_due: datetime | None


def unfinished_destinations(session: Session) -> tuple[DestinationFacts, ...]:
    """Every destination that lacks something, by name."""
    under_way = Delivery.state.in_(UNDER_WAY)
    ended = Delivery.state.in_(NOT_STORED)

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(case((condition, 1)))

    not_there = session.execute(
        select(
            Delivery.destination,
            count(under_way),
            count(under_way & (Delivery.error_kind == AWAY)),
            count(ended),
            func.min(case((under_way, Delivery.due_at))),
        )
        .where(Delivery.state.in_((*UNDER_WAY, *NOT_STORED)), under_way | ~_obsolete())
        .group_by(Delivery.destination)
    )
    in_part = session.execute(
        select(Delivery.destination, func.count())
        .where(*arrived_in_part(), ~_obsolete())
        .group_by(Delivery.destination)
    )
    found = {row[0]: DestinationFacts(*row) for row in not_there}
    for name, number in in_part:
        known = found.get(name, DestinationFacts(name, 0, 0, 0, None))
        found[name] = replace(known, ended=known.ended + number)
    return tuple(found[name] for name in sorted(found))


def arrived_in_part() -> tuple[ColumnElement[bool], ...]:
    """Whether a destination has some objects of a delivery and refused others.

    Asked for alone, and so written that the index of the few with a fault is taken: by their state
    they would be looked for among all that have ever arrived. SQLite takes that index only where
    its condition stands in the text.
    """
    faulty = Delivery.error_kind != literal_column("''")
    return faulty, unindexed(Delivery.state.in_(ENDED_WELL))


def next_attempt(
    session: Session, claim: DeliveryClaim, due_at: datetime, now: datetime
) -> datetime:
    """When to try a destination again that is away.

    Parameters
    ----------
    due_at : when this delivery alone would be tried

    Returns
    -------
    With those that wait for it already: a new delivery brings no new series of attempts.
    """
    waiting = session.scalar(
        select(func.min(Delivery.due_at)).where(
            *_away(claim.destination, now), Delivery.id != claim.delivery_id
        )
    )
    return due_at if waiting is None else max(due_at, waiting)


def hold_back(
    session: Session,
    claim: DeliveryClaim,
    due_at: datetime,
    *,
    error_kind: str,
    error_message: str,
) -> int:
    """Let the other deliveries to a destination wait that is away; gives how many.

    Those that a worker holds or that are due later anyway stay as they are.
    """
    others = (
        Delivery.state.in_(UNDER_WAY),
        Delivery.destination == claim.destination,
        Delivery.id != claim.delivery_id,
        Delivery.lease_until.is_(None),
        Delivery.due_at < due_at,
    )
    values = {"due_at": due_at, "error_kind": error_kind, "error_message": error_message}
    return _write(session, others, **values)


def go_on(session: Session, destination: str, now: datetime) -> int:
    """Let everything go at once that waits because nobody answered; gives how many."""
    return _write(session, (*_away(destination, now), is_free(Delivery, now)), due_at=now)


def destinations_away(session: Session, destinations: Collection[Peer], now: datetime) -> list[str]:
    """Those that something waits for because nobody answered.

    Parameters
    ----------
    destinations : that can be asked
    """
    found = session.scalars(
        select(Delivery.destination)
        .where(
            Delivery.state.in_(UNDER_WAY),
            Delivery.error_kind == AWAY,
            Delivery.due_at > now,
            Delivery.destination.in_([peer.name for peer in destinations]),
        )
        .distinct()
    )
    return sorted(found)


def retry_destination(session: Session, destination: str, now: datetime) -> int:
    """Send everything again that has not arrived at a destination, as a person asked.

    Returns
    -------
    How many deliveries. What was refused, given up, or taken in part counts as what still waits.
        A result that a newer one has taken the place of is not sent any more.
    """
    found = session.execute(
        select(Delivery, Result)
        .join(Result, Result.id == Delivery.result_id)
        .where(
            Delivery.destination == destination,
            Delivery.state.not_in(ENDED_WELL) | (Delivery.error_kind != ""),
            ~_obsolete(),
        )
        .order_by(Delivery.id)
    ).all()
    again = [(delivery, result) for delivery, result in found if may_be_retried(delivery, result)]
    for delivery, result in again:
        wait_again(delivery, now)
        record_event(
            session,
            "deliveries_retried",
            now,
            study_id=result.study_id,
            job_id=result.job_id,
            count=1,
            destination=destination,
        )
    return len(again)


def _obsolete() -> ColumnElement[bool]:
    """Whether a delivery is of a result in whose place a newer one is sent."""
    older = aliased(Result)
    newer = select(ResultObject.id).where(ResultObject.result_id == older.superseded_by_id)
    return (
        select(older.id)
        .where(
            older.id == Delivery.result_id,
            Delivery.purpose == DeliveryPurpose.RESULT,
            newer.exists(),
        )
        .exists()
    )


def _away(destination: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Delivery.state.in_(UNDER_WAY),
        Delivery.destination == destination,
        Delivery.error_kind == AWAY,
        Delivery.due_at > now,
    )


def _write(session: Session, chosen: tuple[ColumnElement[bool], ...], **values: Any) -> int:
    # Locked in one order, and what another worker has locked left alone: two that find the same
    # destination away at the same moment must not wait for each other in a circle.
    ids = select(Delivery.id).where(*chosen).order_by(Delivery.id)
    written = session.execute(
        update(Delivery)
        .where(Delivery.id.in_(ids.with_for_update(skip_locked=True)))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return int(cast("CursorResult[Any]", written).rowcount)
