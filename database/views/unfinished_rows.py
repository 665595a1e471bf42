"""What failed, for the administrator: jobs, deliveries, defects, quarantined objects.

Each query goes through an index and brings a bounded number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.orm import Session, defer

from database.deliveries.destinations import NOT_STORED, arrived_in_part
from database.flag_states import NoticeState
from database.row_facts import facts_of
from database.states import (
    UNDER_WAY,
    DeliveryState,
    JobState,
    NotificationState,
    PriorRequestState,
    UploadState,
)
from database.tables.readers.flag import Flag, FlagNotice
from database.tables.readers.upload import Upload
from database.tables.readers.work_item import WorkItemNotification, WorkItemRow
from database.tables.study.analysis import Delivery, Job, Result, Study
from database.tables.study.prior import PriorRequest
from database.tables.study.quarantine import QuarantinedObject
from database.unindexed import unindexed
from database.views.worklist.worklist_facts import (
    DeliveryFacts,
    JobFacts,
    QuarantineFacts,
    StudyFacts,
)

_WORKER_LOST = "WorkerLost"


@dataclass(frozen=True, slots=True)
class DefectFacts:
    """A row of a queue that has failed by a fault of ours, or that its workers did not survive.

    Attributes
    ----------
    queue : as the log names it
    row_id : the row's number in its table
    study_instance_uid : of the study that it is about; "" for an upload
    trace : the lines of the program that it came from; "" where the worker died
    """

    queue: str
    row_id: int
    study_instance_uid: str
    error_kind: str
    error_message: str
    trace: str
    at: datetime | None


def failed_jobs(session: Session, *, limit: int) -> tuple[tuple[StudyFacts, JobFacts], ...]:
    """The newest jobs of listed studies that ended with a fault, each with its study."""
    found = session.execute(
        select(Study, Job)
        .join(Job, Job.study_id == Study.id)
        .where(Job.state == JobState.FAILED, Study.asked_for.is_(False))
        .order_by(Job.due_at.desc(), Job.id.desc())
        .limit(limit)
        .options(defer(Job.trace))
    )
    return tuple((facts_of(StudyFacts, study), facts_of(JobFacts, job)) for study, job in found)


def open_deliveries(
    session: Session, *, limit: int
) -> tuple[tuple[StudyFacts, int, DeliveryFacts], ...]:
    """Deliveries that have not ended well, or not whole: study, job id and delivery.

    The next one due comes first.
    """
    due = select(Delivery.id).order_by(Delivery.due_at, Delivery.id).limit(limit)
    ids = [
        *session.scalars(due.where(Delivery.state.in_((*UNDER_WAY, *NOT_STORED)))),
        *session.scalars(due.where(*arrived_in_part())),
    ]
    found = session.execute(
        select(Study, Result.job_id, Delivery)
        .join(Result, Result.study_id == Study.id)
        .join(Delivery, Delivery.result_id == Result.id)
        .where(Delivery.id.in_(ids))
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
    )
    return tuple(
        (facts_of(StudyFacts, study), job_id, facts_of(DeliveryFacts, delivery))
        for study, job_id, delivery in found
    )


def defects(session: Session, *, limit: int) -> tuple[DefectFacts, ...]:
    """Rows of every queue that ended in a defect, the newest of each queue first."""
    study = Study.study_instance_uid
    of_notice = (
        select(FlagNotice, study)
        .join(Flag, Flag.id == FlagNotice.flag_id)
        .join(Study, Study.id == Flag.study_id)
    )
    gave_up_asking = (FlagNotice.state == NoticeState.ACCEPTED) & FlagNotice.ask_at.is_(None)
    queries: dict[str, tuple[type[Any], Any]] = {
        "jobs": (
            Job,
            select(Job, study)
            .join(Study, Study.id == Job.study_id)
            .where(_failed_by_defect(Job, JobState.FAILED)),
        ),
        "deliveries": (
            Delivery,
            select(Delivery, study)
            .join(Result, Result.id == Delivery.result_id)
            .join(Study, Study.id == Result.study_id)
            .where(_failed_by_defect(Delivery, DeliveryState.FAILED)),
        ),
        "reports": (
            WorkItemNotification,
            select(WorkItemNotification, study)
            .join(WorkItemRow, WorkItemRow.id == WorkItemNotification.work_item_id)
            .join(Study, Study.id == WorkItemRow.study_id)
            .where(_failed_by_defect(WorkItemNotification, NotificationState.FAILED)),
        ),
        "requests": (
            PriorRequest,
            select(PriorRequest, study)
            .join(Study, Study.id == PriorRequest.study_id)
            .where(_failed_by_defect(PriorRequest, PriorRequestState.FAILED)),
        ),
        "notices": (
            FlagNotice,
            of_notice.where(_failed_by_defect(FlagNotice, NoticeState.FAILED)),
        ),
        # Written out: SQLite takes the index of those with a trace only then.
        "inquiries": (
            FlagNotice,
            of_notice.where(unindexed(gave_up_asking), FlagNotice.trace != literal_column("''")),
        ),
        "uploads": (Upload, select(Upload).where(_failed_by_defect(Upload, UploadState.FAILED))),
    }
    return tuple(
        _defect(name, *row)
        for name, (table, query) in queries.items()
        for row in session.execute(query.order_by(table.id.desc()).limit(limit))
    )


def _failed_by_defect(table: Any, failed: object) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = (table.state == failed) & (
        (table.trace != "") | (table.error_kind == _WORKER_LOST)
    )
    return condition


def _defect(queue: str, row: Any, study_instance_uid: str = "") -> DefectFacts:
    return DefectFacts(
        queue=queue,
        row_id=row.id,
        study_instance_uid=study_instance_uid,
        error_kind=row.ask_error if queue == "inquiries" else row.error_kind,
        error_message=row.error_message,
        trace=row.trace,
        at=row.finished_at,
    )


def latest_quarantine(session: Session, *, limit: int) -> tuple[QuarantineFacts, ...]:
    """The objects that were last put aside, newest first."""
    found = session.scalars(
        select(QuarantinedObject).order_by(QuarantinedObject.received_at.desc()).limit(limit)
    )
    return tuple(facts_of(QuarantineFacts, row) for row in found)
