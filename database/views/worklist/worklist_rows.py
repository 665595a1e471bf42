"""The worklist page's rows: read-only queries that stay fast at 100,000 studies.

Each query goes through an index and brings a bounded number of rows. The pages of the list are in
`list_page`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, defer

from database.row_facts import facts_of
from database.states import (
    RUNNING,
    JobState,
    ObjectKind,
    ObjectState,
    StudyState,
    WorklistRank,
)
from database.tables.readers.listed import StudyHeading, StudyOpen
from database.tables.study.analysis import (
    DeliveredObject,
    Delivery,
    Event,
    Instance,
    Job,
    Result,
    ResultObject,
    SeriesDecision,
    Study,
)
from database.tables.study.quarantine import QuarantinedObject
from database.views.worklist.bundle_answers import bundle_answers
from database.views.worklist.worklist_facts import (
    NO_HEADING,
    BundleAnswer,
    DecisionFacts,
    DeliveryFacts,
    EventFacts,
    HeadingFacts,
    JobFacts,
    ObjectFacts,
    ResultFacts,
    StudyFacts,
    StudyPage,
    WorklistRow,
)

Row = TypeVar("Row")


def study_page(session: Session, study_instance_uid: str) -> StudyPage | None:
    """One study with all its jobs, results, deliveries and events; None if we do not know it."""
    study = session.scalars(
        select(Study).where(Study.study_instance_uid == study_instance_uid)
    ).one_or_none()
    if study is None:
        return None
    (row,) = rows_of(session, [study])
    jobs = session.scalars(
        select(Job)
        .where(Job.study_id == study.id)
        .order_by(Job.id.desc())
        .options(defer(Job.trace))
    ).all()
    decisions = _decisions(session, [job.id for job in jobs])
    results = session.scalars(
        select(Result).where(Result.study_id == study.id).order_by(Result.id.desc())
    ).all()
    deliveries = _deliveries(session, [result.id for result in results], with_objects=True)
    versions = {job.id: job.bundle_version for job in jobs}
    found = tuple(
        facts_of(
            ResultFacts,
            item,
            deliveries=deliveries[item.id],
            bundle_version=versions.get(item.job_id, ""),
        )
        for item in results
    )
    shown = {item.id: item for item in found}
    answers = tuple(
        replace(answer, result=shown[answer.result.id] if answer.result else None)
        for answer in row.answers
    )
    events = session.scalars(select(Event).where(Event.study_id == study.id).order_by(Event.id))
    instances, series = session.execute(
        select(func.count(), func.count(Instance.series_instance_uid.distinct())).where(
            Instance.study_id == study.id
        )
    ).one()
    return StudyPage(
        row=replace(row, result=answers[0].result if answers else None, answers=answers),
        jobs=tuple(facts_of(JobFacts, job, decisions=decisions[job.id]) for job in jobs),
        results=found,
        events=tuple(facts_of(EventFacts, event) for event in events),
        instances=instances,
        series=series,
        originals_removed_at=study.originals_removed_at,
    )


def rank_counts(session: Session, since: datetime | None = None) -> dict[WorklistRank, int]:
    """How many listed studies each rank has, of those that came since; from the index alone."""
    rank = Study.worklist_rank
    listed: list[ColumnElement[bool]] = [Study.asked_for.is_(False)]
    if since is not None:
        listed.append(Study.received_at >= since)
    counted = session.execute(select(rank, func.count()).where(*listed).group_by(rank))
    return dict.fromkeys(WorklistRank, 0) | dict(counted.all())


def state_counts(session: Session) -> dict[StudyState, int]:
    """How many listed studies each state has, from the index alone."""
    key = (Study.state, Study.asked_for)  # the index in its order: one pass, no row is read
    counted = session.execute(select(*key, func.count()).group_by(*key)).all()
    listed = {state: count for state, asked_for, count in counted if not asked_for}
    return dict.fromkeys(StudyState, 0) | listed


def failed_studies(session: Session) -> int:
    """How many listed studies ended with a fault: from the index, and no others are looked at."""
    failed = (Study.state == StudyState.FAILED, Study.asked_for.is_(False))
    return session.scalar(select(func.count()).where(*failed)) or 0


def refused_studies(session: Session, since: datetime) -> int:
    """How many listed studies that came since then were refused."""
    refused = (Study.state == StudyState.REFUSED, Study.asked_for.is_(False))
    return session.scalar(select(func.count()).where(*refused, Study.received_at >= since)) or 0


def change_token(session: Session) -> tuple[object, ...]:
    """A value that differs after something has happened that the page shows.

    It looks at the newest rows and at the jobs in workers' hands, never at the whole list. It can
    miss a change on PostgreSQL, where a lower id may be committed after a higher one: whoever
    watches it looks at the rows themselves from time to time too.
    """
    newest = session.execute(
        select(
            select(func.max(Event.id)).scalar_subquery(),
            select(func.max(Instance.id)).scalar_subquery(),
            select(func.max(QuarantinedObject.id)).scalar_subquery(),
            select(func.max(StudyOpen.id)).scalar_subquery(),
        )
    ).one()
    running = session.execute(
        select(Job.id, Job.state, Job.progress_percent)
        .where(Job.state.in_(RUNNING), Job.lease_until.is_not(None))
        .order_by(Job.id)
    )
    return (*newest, *(tuple(job) for job in running))


def oldest_waiting_job(session: Session) -> datetime | None:
    """Since when a listed study has waited longest for its reading; None when none waits."""
    return session.scalar(
        select(func.min(Job.queued_at))
        .join(Study, Study.id == Job.study_id)
        .where(Job.state == JobState.QUEUED, Job.lease_until.is_(None), Study.asked_for.is_(False))
    )


def key_picture_path(session: Session, result_id: int) -> str | None:
    """Where a result's key picture lies within the results folder; None if there is none."""
    return session.scalar(select(Result.key_picture).where(Result.id == result_id))


def study_by_uid(session: Session, study_instance_uid: str) -> StudyFacts | None:
    """One study as it was received; None if we do not know it."""
    study = session.scalar(select(Study).where(Study.study_instance_uid == study_instance_uid))
    return facts_of(StudyFacts, study) if study is not None else None


def study_of_job(session: Session, job_id: int) -> StudyFacts | None:
    """The study that a job is about."""
    of_job = select(Study).join(Job, Job.study_id == Study.id).where(Job.id == job_id)
    study = session.scalar(of_job)
    return facts_of(StudyFacts, study) if study is not None else None


def rows_of(session: Session, studies: Sequence[Study]) -> tuple[WorklistRow, ...]:
    """Each study with what its bundles say, in the order given."""
    ids = [study.id for study in studies]
    jobs = _grouped(
        (job.study_id, job)
        for job in session.scalars(
            select(Job).where(Job.study_id.in_(ids)).order_by(Job.id).options(defer(Job.trace))
        )
    )
    results = _grouped(
        (result.study_id, result)
        for result in session.scalars(
            select(Result).where(Result.study_id.in_(ids)).order_by(Result.id)
        )
    )
    images = session.execute(
        select(Instance.study_id, func.max(Instance.study_version))
        .where(Instance.study_id.in_(ids))
        .group_by(Instance.study_id)
    )
    versions: dict[int, int | None] = dict(images.all())
    in_force = [
        result.id
        for of_study in results.values()
        for result in of_study
        if result.superseded_by_id is None
    ]
    deliveries = _deliveries(session, in_force)
    headings = {
        one.study_id: facts_of(HeadingFacts, one)
        for one in session.scalars(select(StudyHeading).where(StudyHeading.study_id.in_(ids)))
    }
    return tuple(
        _row(
            study,
            headings.get(study.id, NO_HEADING),
            bundle_answers(
                jobs[study.id],
                results[study.id],
                deliveries,
                images_version=versions.get(study.id) or 0,
                arriving=study.state is StudyState.RECEIVED,
            ),
        )
        for study in studies
    )


def _row(study: Study, heading: HeadingFacts, answers: tuple[BundleAnswer, ...]) -> WorklistRow:
    first = answers[0] if answers else None
    return WorklistRow(
        study=facts_of(StudyFacts, study),
        job=first.job if first else None,
        result=first.result if first else None,
        superseded=first.superseded if first else 0,
        current=first.current if first else True,
        answers=answers,
        heading=heading,
    )


def _decisions(session: Session, job_ids: list[int]) -> Mapping[int, tuple[DecisionFacts, ...]]:
    rows = session.scalars(
        select(SeriesDecision)
        .where(SeriesDecision.job_id.in_(job_ids))
        .order_by(SeriesDecision.chosen.desc(), SeriesDecision.id)
    )
    return _grouped((row.job_id, facts_of(DecisionFacts, row)) for row in rows)


def _deliveries(
    session: Session, result_ids: list[int], *, with_objects: bool = False
) -> Mapping[int, tuple[DeliveryFacts, ...]]:
    rows = session.scalars(
        select(Delivery).where(Delivery.result_id.in_(result_ids)).order_by(Delivery.destination)
    ).all()
    objects = _objects(session, result_ids) if with_objects else _grouped([])
    return _grouped(
        (row.result_id, facts_of(DeliveryFacts, row, objects=objects[row.id])) for row in rows
    )


def _objects(session: Session, result_ids: list[int]) -> Mapping[int, tuple[ObjectFacts, ...]]:
    """What each delivery sends: what is planned for it, or else every object of its result."""
    planned = session.execute(
        select(Delivery.id, ResultObject, DeliveredObject)
        .join(DeliveredObject, DeliveredObject.delivery_id == Delivery.id)
        .join(ResultObject, ResultObject.id == DeliveredObject.result_object_id)
        .where(Delivery.result_id.in_(result_ids))
        .order_by(Delivery.id, ResultObject.id)
    )
    unplanned = session.execute(
        select(Delivery.id, ResultObject)
        .join(ResultObject, ResultObject.result_id == Delivery.result_id)
        .where(
            Delivery.result_id.in_(result_ids),
            ~Delivery.statuses.any(),
            ResultObject.kind != ObjectKind.REJECTION,
        )
        .order_by(Delivery.id, ResultObject.id)
    )
    return _grouped(
        [
            *((key, _object_facts(made, sent)) for key, made, sent in planned),
            *((key, _object_facts(made, None)) for key, made in unplanned),
        ]
    )


def _object_facts(made: ResultObject, sent: DeliveredObject | None) -> ObjectFacts:
    return facts_of(
        ObjectFacts,
        made,
        state=sent.state if sent else ObjectState.WAITING,
        status=sent.status if sent else None,
        reason=sent.reason if sent else "",
        answered_at=sent.answered_at if sent else None,
    )


def _grouped(pairs: Iterable[tuple[int, Row]]) -> Mapping[int, tuple[Row, ...]]:
    groups: dict[int, tuple[Row, ...]] = defaultdict(tuple)
    for key, row in pairs:
        groups[key] = (*groups[key], row)
    return groups
