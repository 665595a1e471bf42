"""Withdrawals of results: which are possible, where the objects may lie, and rejection notes.

A note is an object about a result, delivered like one, with a purpose of its own. It goes to every
destination that may have got any object of the result, also in an attempt that broke off.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from database.events import record_event
from database.flags.raised import withdraw_flag
from database.flags.rules import FlagRules
from database.states import (
    ENDED_WELL,
    DeliveryPurpose,
    DeliveryState,
    ObjectKind,
    ObjectState,
    RejectionReason,
)
from database.studies.study_state import settle_study
from database.tables.study.analysis import DeliveredObject, Delivery, Result, ResultObject, Study
from database.work_items.kept import keep_work_item


@dataclass(frozen=True, slots=True)
class Rejectable:
    """A result that a note can be made for.

    `paths` are those of its objects within the results folder, `destinations` those that may hold
    any of them and have no note yet. `at` is the moment that the note carries when a newer result
    is the reason.
    """

    result_id: int
    study_version: int
    bundle: str
    withdrawn: RejectionReason | None
    paths: tuple[str, ...]
    destinations: tuple[str, ...]
    at: datetime


def results_to_withdraw(
    session: Session,
    study_instance_uid: str,
    *,
    version: int | None = None,
    bundle: str | None = None,
) -> list[Rejectable]:
    """The results of a study in force, or of one version: one of each bundle that has any."""
    wanted = (
        select(Result)
        .join(Study, Study.id == Result.study_id)
        .where(Study.study_instance_uid == study_instance_uid)
        .order_by(Result.id)
    )
    if version is None:
        wanted = wanted.where(Result.superseded_by_id.is_(None))
    else:
        wanted = wanted.where(Result.study_version == version)
    if bundle is not None:
        wanted = wanted.where(Result.bundle == bundle)
    return [_rejectable(one, one.created_at) for one in session.scalars(wanted)]


def superseded_to_reject(session: Session, destinations: Collection[str]) -> list[Rejectable]:
    """Superseded results with a successor, but no rejection note, at one of these destinations.

    An older result is rejected only after a newer result has replaced it: the newer result may be
    refused, and PACS must keep an answer.
    """
    newer, newer_delivery, note = aliased(Result), aliased(Delivery), aliased(Delivery)
    rows = session.execute(
        select(Result, Delivery.destination, func.min(newer.created_at))
        .join(Delivery, Delivery.result_id == Result.id)
        .join(
            newer,
            (newer.study_id == Result.study_id)
            & (newer.bundle == Result.bundle)
            & (newer.study_version > Result.study_version),
        )
        .join(
            newer_delivery,
            (newer_delivery.result_id == newer.id)
            & (newer_delivery.destination == Delivery.destination),
        )
        .where(
            Result.superseded_by_id.is_not(None),
            Delivery.purpose == DeliveryPurpose.RESULT,
            Delivery.destination.in_(destinations),
            newer_delivery.purpose == DeliveryPurpose.RESULT,
            newer_delivery.state.in_(ENDED_WELL),
            ~select(note.id)
            .where(
                note.result_id == Result.id,
                note.destination == Delivery.destination,
                note.purpose == DeliveryPurpose.REJECTION,
            )
            .exists(),
        )
        .group_by(Result.id, Delivery.destination)
        .order_by(Result.id, Delivery.destination)
    ).all()
    found = []
    for result, destination, at in rows:
        rejectable = _rejectable(result, at)
        if destination in rejectable.destinations:
            found.append(replace(rejectable, destinations=(destination,)))
    return found


def store_rejection(
    session: Session,
    result_id: int,
    note: ResultObject,
    destinations: Collection[str],
    now: datetime,
) -> None:
    """Queue the note about a result for destinations; doing it again changes nothing."""
    result = _locked(session, result_id)
    known = [one for one in result.objects if one.sop_instance_uid == note.sop_instance_uid]
    if known:
        kept = known[0]
    else:
        note.result_id = result_id
        session.add(note)
        kept = note
    noted = {one.destination for one in result.deliveries if _is_note(one)}
    for name in sorted(set(destinations) - noted):
        lease_ends = [
            sending.lease_until
            for sending in result.deliveries
            if sending.destination == name and sending.lease_until is not None
        ]
        # After a worker that is sending the objects just now, so that they do not come last.
        delivery = Delivery(
            result_id=result_id,
            destination=name,
            purpose=DeliveryPurpose.REJECTION,
            due_at=max((now, *lease_ends)),
        )
        session.add(delivery)
        session.flush()  # the ids are needed by the plan
        session.add(DeliveredObject(delivery_id=delivery.id, result_object_id=kept.id))
        record_event(
            session,
            "rejection_queued",
            now,
            study_id=result.study_id,
            job_id=result.job_id,
            destination=name,
        )


def mark_withdrawn(
    session: Session, result_id: int, reason: RejectionReason, rules: FlagRules, now: datetime
) -> tuple[str, ...] | None:
    """Strike a result and its rank, and stop sending its objects; other bundles' results stay.

    Returns
    -------
    The destinations that need a note; None when it was withdrawn before, and nothing changes.
    """
    result = _locked(session, result_id)
    if result.withdrawn_at is not None:
        return None
    destinations = _rejectable(result, now).destinations
    result.withdrawn_at = now
    result.withdrawal_reason = reason
    for delivery in result.deliveries:
        if delivery.purpose is DeliveryPurpose.RESULT and delivery.state not in ENDED_WELL:
            delivery.state = DeliveryState.WITHDRAWN
            delivery.finished_at = now
            delivery.fencing_token += 1  # a worker that is sending it must not revive it
    record_event(
        session,
        "result_withdrawn",
        now,
        study_id=result.study_id,
        job_id=result.job_id,
        reason=reason.value,
        version=result.study_version,
    )
    session.flush()  # what follows reads the row
    settle_study(session, result.study_id)
    withdraw_flag(session, result_id, rules, now)
    keep_work_item(session, result.study_id, now)
    return destinations


def _rejectable(result: Result, at: datetime) -> Rejectable:
    noted = {one.destination for one in result.deliveries if _is_note(one)}
    return Rejectable(
        result_id=result.id,
        study_version=result.study_version,
        bundle=result.bundle,
        withdrawn=result.withdrawal_reason,
        paths=tuple(
            stored.path
            for stored in sorted(result.objects, key=lambda one: one.id)
            if stored.kind is not ObjectKind.REJECTION
        ),
        destinations=tuple(
            sorted(
                delivery.destination
                for delivery in result.deliveries
                if not _is_note(delivery)
                and delivery.destination not in noted
                and _may_hold_any(delivery)
            )
        ),
        at=at,
    )


def _may_hold_any(delivery: Delivery) -> bool:
    """Whether a destination may have got an object: stored, or sent without an answer."""
    has_one = {ObjectState.STORED, ObjectState.COMMITTED}
    if any(one.state in has_one or one.status is not None for one in delivery.statuses):
        return True
    begun = delivery.attempts > 0 or any(one.answered_at for one in delivery.statuses)
    return begun and delivery.state is not DeliveryState.REFUSED


def _is_note(delivery: Delivery) -> bool:
    return delivery.purpose is DeliveryPurpose.REJECTION


def _locked(session: Session, result_id: int) -> Result:
    """A result, locked so that no worker claims its deliveries until the transaction ends."""
    result = session.scalars(select(Result).where(Result.id == result_id).with_for_update()).one()
    session.scalars(
        select(Delivery)
        .where(Delivery.result_id == result_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    return result
