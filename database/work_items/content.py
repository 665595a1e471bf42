"""The content of work items, read from the rows of work item, study, result and instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, select
from sqlalchemy.orm import Session, joinedload

from database.states import ObjectKind
from database.tables.readers.work_item import WorkItemRow
from database.tables.study.analysis import (
    Instance,
    Job,
    Result,
    ResultObject,
    SeriesDecision,
    Study,
)
from database.unindexed import unindexed
from radiology.work_item import WorkItem, WorkItemInput, WorkItemPriority, WorkItemState

_ORDER = {WorkItemPriority.HIGH: 0, WorkItemPriority.MEDIUM: 1, WorkItemPriority.LOW: 2}


@dataclass(frozen=True, slots=True)
class StoredWorkItem:
    """A work item with what its client has set (`performed`, DICOM JSON). No Transaction UID."""

    item: WorkItem
    state: WorkItemState
    performed: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WorkItemKeys:
    """Keys that the database looks for; None where any value will do."""

    state: WorkItemState | None = None
    priority: WorkItemPriority | None = None
    patient_id: str | None = None
    accession_number: str | None = None
    study_instance_uid: str | None = None
    sop_instance_uid: str | None = None
    scheduled_from: datetime | None = None
    scheduled_until: datetime | None = None


def find_work_items(session: Session, keys: WorkItemKeys, *, limit: int) -> list[int]:
    """The ids of work items: the most urgent first, then the one that has waited longest."""
    urgent_first = case(_ORDER, value=WorkItemRow.priority, else_=len(_ORDER))
    wanted = (
        select(WorkItemRow.id)
        .join(Study, Study.id == WorkItemRow.study_id)
        .order_by(urgent_first, WorkItemRow.scheduled_at, WorkItemRow.id)
        .limit(limit)
    )
    equal = (
        (WorkItemRow.state, keys.state),
        (WorkItemRow.priority, keys.priority),
        (WorkItemRow.sop_instance_uid, keys.sop_instance_uid),
        (Study.patient_id, keys.patient_id),
        (Study.accession_number, keys.accession_number),
        (Study.study_instance_uid, keys.study_instance_uid),
    )
    for column, value in equal:
        if value is not None:
            wanted = wanted.where(column == value)
    if keys.scheduled_from is not None:
        wanted = wanted.where(WorkItemRow.scheduled_at >= keys.scheduled_from)
    if keys.scheduled_until is not None:
        wanted = wanted.where(WorkItemRow.scheduled_at <= keys.scheduled_until)
    return list(session.scalars(wanted))


def read_work_items(
    session: Session, ids: Sequence[int], *, with_inputs: bool, retrieve_ae_title: str = ""
) -> list[StoredWorkItem]:
    """Work items by id, in the order given.

    Parameters
    ----------
    with_inputs : what is to be looked at too: several queries for each
    """
    rows = session.scalars(
        select(WorkItemRow)
        .where(WorkItemRow.id.in_(ids))
        .options(joinedload(WorkItemRow.study))
        .execution_options(populate_existing=True)
    )
    by_id = {row.id: row for row in rows}
    titles = _titles(session, [row.study_id for row in by_id.values()])
    return [
        _stored_work_item(
            session,
            by_id[item_id],
            titles.get(by_id[item_id].study_id, ""),
            with_inputs=with_inputs,
            retrieve_ae_title=retrieve_ae_title,
        )
        for item_id in ids
        if item_id in by_id
    ]


def stored_work_item(
    session: Session, row: WorkItemRow, *, with_inputs: bool, retrieve_ae_title: str = ""
) -> StoredWorkItem:
    """What the row of a work item and those of its study say."""
    title = _titles(session, [row.study_id]).get(row.study_id, "")
    return _stored_work_item(
        session, row, title, with_inputs=with_inputs, retrieve_ae_title=retrieve_ae_title
    )


def _stored_work_item(
    session: Session, row: WorkItemRow, title: str, *, with_inputs: bool, retrieve_ae_title: str
) -> StoredWorkItem:
    study = row.study
    item = WorkItem(
        sop_instance_uid=row.sop_instance_uid,
        study_instance_uid=study.study_instance_uid,
        patient_id=study.patient_id,
        issuer_of_patient_id=study.issuer_of_patient_id,
        patient_sex=study.patient_sex,
        accession_number=study.accession_number,
        priority=row.priority,
        scheduled_at=row.scheduled_at,
        modified_at=row.modified_at,
        readiness=row.readiness,
        inputs=_inputs(session, study.id) if with_inputs else (),
        retrieve_ae_title=retrieve_ae_title,
        title=title,
    )
    return StoredWorkItem(item, row.state, dict(row.performed))


def _titles(session: Session, study_ids: Sequence[int]) -> dict[int, str]:
    """What each study is called by its most urgent result in force; without those that none names.

    The key is that of a stored reading (`radiology.answer.reading.ReportWords`).
    """
    title = Result.reading["report"]["title"].as_string()
    rows = session.execute(
        select(Result.study_id, title)
        .where(
            Result.study_id.in_(study_ids),
            unindexed(Result.superseded_by_id.is_(None)),
            Result.withdrawn_at.is_(None),
        )
        # Without an answer, routine, suspected, urgent: the last one counts.
        .order_by(Result.urgency.is_not(None), Result.urgency, Result.id.desc())
    )
    return {study_id: found for study_id, found in rows if found}


def _inputs(session: Session, study_id: int) -> tuple[WorkItemInput, ...]:
    """The images that were analysed (all of them before that), and our results in force."""
    results = session.execute(
        select(Result.id, Result.job_id).where(
            Result.study_id == study_id,
            Result.superseded_by_id.is_(None),
            Result.withdrawn_at.is_(None),
        )
    ).all()
    images = (
        select(Instance.series_instance_uid, Instance.sop_class_uid, Instance.sop_instance_uid)
        .where(Instance.study_id == study_id)
        .order_by(Instance.series_instance_uid, Instance.id)
    )
    objects: list[tuple[str, str, str]] = []
    if results:
        chosen = session.scalars(
            select(SeriesDecision.series_instance_uid)
            .join(Job, Job.id == SeriesDecision.job_id)
            .where(Job.id.in_([one.job_id for one in results]), SeriesDecision.chosen.is_(True))
        ).all()
        if chosen:
            images = images.where(Instance.series_instance_uid.in_(chosen))
        objects = [
            (
                found_object.series_instance_uid,
                found_object.sop_class_uid,
                found_object.sop_instance_uid,
            )
            for found_object in session.scalars(
                select(ResultObject)
                .where(
                    ResultObject.result_id.in_([one.id for one in results]),
                    ResultObject.kind != ObjectKind.REJECTION,
                )
                .order_by(ResultObject.id)
            )
        ]
    by_series: dict[str, list[tuple[str, str]]] = {}
    for series, sop_class_uid, sop_instance_uid in (*session.execute(images), *objects):
        by_series.setdefault(series, []).append((sop_class_uid, sop_instance_uid))
    return tuple(WorkItemInput(series, tuple(pairs)) for series, pairs in by_series.items())
