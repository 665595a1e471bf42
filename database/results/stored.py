"""Results: exactly one per job; a newer version of the study supersedes the older ones.

Each bundle for itself: the result of one supersedes no result of another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from database.doctor.ticket import is_ticket
from database.events import record_event
from database.metrics.counted import count_once_committed
from database.metrics.declared import RESULTS
from database.states import DeliveryPurpose, DeliveryState, ObjectKind
from database.studies.study_state import settle_study
from database.tables.study.analysis import (
    DeliveredObject,
    Delivery,
    Job,
    Result,
    ResultObject,
    Study,
)

_MACHINE_REPORT = "SR:machine"  # how the recipes of reports for programs begin


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing a result led to."""

    result_id: int
    current: bool  # False: a newer version's result was there first; nothing is delivered
    superseded_ids: tuple[int, ...]


def store_result(
    session: Session,
    result: Result,
    objects: list[ResultObject],
    destinations: list[str],
    now: datetime,
    *,
    recipes: Mapping[str, Collection[str]] | None = None,
) -> Stored:
    """Add a result with its objects, supersede older results of its bundle, queue its deliveries.

    A refusal that a person sent back to the queue makes way for the new answer. Any other second
    result of a job is a defect, and the unique `result.job_id` lets its transaction fail.

    Parameters
    ----------
    objects : in the order in which they are to be sent
    recipes : by destination, of the objects that it gets; one that is not named gets all
    """
    _remove_refusal(session, result.job_id)
    result.bundle = session.get_one(Job, result.job_id).bundle
    result.objects = objects
    session.add(result)
    session.flush()  # the id is needed by what follows
    count_once_committed(
        session,
        RESULTS,
        bundle=result.bundle,
        outcome=result.outcome.value,
        urgency=result.urgency.value if result.urgency else "",
        provider=result.execution_provider or "",  # the column's default is there after the flush
    )
    newer = session.scalars(
        select(Result.id)
        .where(
            Result.study_id == result.study_id,
            Result.bundle == result.bundle,
            Result.study_version > result.study_version,
        )
        .order_by(Result.study_version.desc())
        .limit(1)
    ).one_or_none()
    if newer is not None:
        result.superseded_by_id = newer
        return Stored(result.id, current=False, superseded_ids=())
    superseded = _supersede_older(session, result, now)
    session.flush()  # the label of the study is read from the row
    settle_study(session, result.study_id)
    study = session.get_one(Study, result.study_id)
    if objects and (not study.asked_for or is_ticket(study.calling_ae_title)):
        session.add_all(
            _planned(result, name, (recipes or {}).get(name), now) for name in destinations
        )
    return Stored(result.id, current=True, superseded_ids=superseded)


def _planned(
    result: Result, destination: str, recipes: Collection[str] | None, now: datetime
) -> Delivery:
    """A delivery with a row for each object that the destination is to get."""
    wanted = [one for one in result.objects if recipes is None or one.recipe in recipes]
    return Delivery(
        result_id=result.id,
        destination=destination,
        due_at=now,
        statuses=[DeliveredObject(result_object_id=one.id) for one in wanted],
    )


def _remove_refusal(session: Session, job_id: int) -> None:
    """Delete the job's result if it has no objects: nobody outside has ever seen it."""
    old = session.scalars(
        select(Result).where(Result.job_id == job_id, ~Result.objects.any())
    ).one_or_none()
    if old is None:
        return
    session.execute(
        update(Result).where(Result.superseded_by_id == old.id).values(superseded_by_id=None)
    )
    session.delete(old)
    session.flush()  # before the new result claims the same job


def _supersede_older(session: Session, result: Result, now: datetime) -> tuple[int, ...]:
    older = tuple(
        session.scalars(
            select(Result.id).where(
                Result.study_id == result.study_id,
                Result.bundle == result.bundle,
                Result.id != result.id,
                Result.superseded_by_id.is_(None),
            )
        )
    )
    if not older:
        return ()
    session.execute(update(Result).where(Result.id.in_(older)).values(superseded_by_id=result.id))
    if result.objects:
        _withdraw_deliveries(session, older, now)
    for old in older:
        record_event(
            session,
            "superseded",
            now,
            study_id=result.study_id,
            job_id=result.job_id,
            old_result=old,
            new_result=result.id,
        )
    return older


def _withdraw_deliveries(session: Session, result_ids: tuple[int, ...], now: datetime) -> None:
    """Do not begin to send what something newer is sent for.

    A newer version without an answer sends nothing, so the older result still goes out: PACS must
    not lose an urgent result because of a late image.
    """
    session.execute(
        update(Delivery)
        .where(
            Delivery.result_id.in_(result_ids),
            Delivery.purpose == DeliveryPurpose.RESULT,
            Delivery.state == DeliveryState.WAITING,
            Delivery.lease_until.is_(None),
        )
        .values(state=DeliveryState.WITHDRAWN, finished_at=now)
    )


@dataclass(frozen=True, slots=True)
class ReportReference:
    """An SR document that we made."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


def newest_report(
    session: Session, study_id: int, *, bundle: str, before_version: int
) -> ReportReference | None:
    """A bundle's newest SR of an earlier version: what a superseding SR names as its predecessor.

    Of two reports, the report for viewers. A withdrawn report does not count: no viewer may show
    it, not even as an earlier report.
    """
    row = session.execute(
        select(
            Study.study_instance_uid,
            ResultObject.series_instance_uid,
            ResultObject.sop_instance_uid,
        )
        .join(Result, Result.id == ResultObject.result_id)
        .join(Study, Study.id == Result.study_id)
        .where(
            Result.study_id == study_id,
            Result.bundle == bundle,
            Result.study_version < before_version,
            Result.withdrawn_at.is_(None),
            is_report_for_viewers(ResultObject),
        )
        .order_by(Result.study_version.desc(), ResultObject.id)
        .limit(1)
    ).one_or_none()
    return ReportReference(*row) if row is not None else None


def machine_reports(
    session: Session, study_id: int, *, bundle: str, before_version: int
) -> dict[str, ReportReference]:
    """A bundle's newest SR for programs of an earlier version, by the word of its recipe.

    As in `newest_report`, a withdrawn report does not count.
    """
    rows = session.execute(
        select(
            ResultObject.recipe,
            Study.study_instance_uid,
            ResultObject.series_instance_uid,
            ResultObject.sop_instance_uid,
        )
        .join(Result, Result.id == ResultObject.result_id)
        .join(Study, Study.id == Result.study_id)
        .where(
            Result.study_id == study_id,
            Result.bundle == bundle,
            Result.study_version < before_version,
            Result.withdrawn_at.is_(None),
            ResultObject.kind == ObjectKind.REPORT,
            ResultObject.recipe.startswith(_MACHINE_REPORT),
        )
        .order_by(Result.study_version, ResultObject.id)
    )
    return {recipe: ReportReference(*uids) for recipe, *uids in rows}


def is_report_for_viewers(table: type[ResultObject]) -> ColumnElement[bool]:
    """The condition that an object is the SR that viewers draw, and not one for programs."""
    return and_(table.kind == ObjectKind.REPORT, ~table.recipe.startswith(_MACHINE_REPORT))


def is_our_object(session: Session, sop_instance_uid: str) -> bool:
    """Whether we made the instance with this UID."""
    return (
        session.scalars(
            select(ResultObject.id)
            .where(ResultObject.sop_instance_uid == sop_instance_uid)
            .limit(1)
        ).one_or_none()
        is not None
    )
