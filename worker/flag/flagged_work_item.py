"""What a work item says about a flagged study: from a notice to `WorkItem`, pure."""

from __future__ import annotations

from datetime import datetime

from radiology.work_item import WorkItem, WorkItemInput, priority_of, work_item_uid
from worker.flag.channel import TEST_SAYS, Notice, NoticeKind

WITHDRAWN_REASON = "Firstread has withdrawn the result that this work item was created for"
_COMMENTS = {
    NoticeKind.ACKNOWLEDGED: "Acknowledged in another system",
    NoticeKind.RAISED_AGAIN: "There is a newer result",  # in place of an older comment
}


def flagged_work_item(
    notice: Notice, now: datetime, *, number: int = 1, retrieve_ae_title: str = ""
) -> WorkItem:
    """A work item of a flag.

    Its UID follows from study, flag and number, so every notice about the flag is about the same
    work item. A flag that is raised again after it was withdrawn needs the next one: the first is
    canceled, and stays so.

    Parameters
    ----------
    now : when it is sent
    number : which work item of the flag, counted from 1
    retrieve_ae_title : of the PACS that our results were sent to; "" where there is none
    """
    return WorkItem(
        sop_instance_uid=work_item_uid(notice.study_instance_uid, f"{notice.flag_uid}/{number}"),
        study_instance_uid=notice.study_instance_uid,
        patient_id=notice.patient_id,
        issuer_of_patient_id=notice.issuer_of_patient_id,
        patient_sex=notice.patient_sex,
        accession_number=notice.accession_number,
        priority=priority_of(notice.urgency),
        scheduled_at=notice.raised_at,
        modified_at=now,
        inputs=_inputs(notice),
        retrieve_ae_title=retrieve_ae_title,
        title=_title(notice),
        comments="; ".join(part for part in _comments(notice) if part),
    )


def _title(notice: Notice) -> str:
    if notice.is_test:
        return "nothing: TEST"
    return "" if notice.reading is None else notice.reading.report.title


def _comments(notice: Notice) -> tuple[str, ...]:
    if notice.is_test:
        return (TEST_SAYS,)
    return _COMMENTS.get(notice.kind, ""), notice.read_by


def _inputs(notice: Notice) -> tuple[WorkItemInput, ...]:
    """Our results, by series; the images are named by Study Instance UID."""
    by_series: dict[str, list[tuple[str, str]]] = {}
    for made in notice.objects:
        pair = (made.sop_class_uid, made.sop_instance_uid)
        by_series.setdefault(made.series_instance_uid, []).append(pair)
    return tuple(WorkItemInput(series, tuple(pairs)) for series, pairs in by_series.items())
