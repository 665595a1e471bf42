"""The two time points that a change lies between, as the groups of a report name them.

PS3.16 TID 1502 (Time Point Context). A group has one such context, that of its own figures, and so
it is of this study. The earlier one, which "prior" in the figures means, is named as text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from highdicom.sr import (
    LongitudinalTemporalOffsetFromEvent,
    RelationshipTypeValues,
    TextContentItem,
    TimePointContext,
)

from radiology import codes
from radiology.chest.change import Change, PriorComparison
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import ResultContext
from worker.encode.report.group_parts import Group

_SECONDS_OF_A_DAY = 86_400.0


def time_point(
    context: ResultContext, change: Change | None, *, numbered: bool = False
) -> dict[str, Any]:
    """The argument of highdicom's groups that says of which time point the figures are.

    Parameters
    ----------
    change : of the group; without one the group needs no time point
    numbered : with the order of the time points and the days between them
        Numbers, so not for OHIF: it takes each number of a group for a measurement, and shows
        nothing of a report in which one has no place in the images.

    Returns
    -------
    Empty where nothing is compared. Time points are identified by the Study Instance UID.
    """
    prior = context.prior
    if prior is None or change is None:
        return {}
    uid = context.source.study_instance_uid
    _, this = _orders(context, prior)
    return {
        "time_point_context": TimePointContext(
            time_point=_named(prior.now_at, "this study"),
            time_point_order=this if numbered else None,
            subject_time_point_identifier=uid,
            temporal_offset_from_event=_offset(prior) if numbered else None,
        )
    }


def with_earlier(context: ResultContext, group: Group, change: Change | None) -> Group:
    """The group, with the name of the time point that it is compared with where it is.

    A qualitative evaluation as text, which the groups of TID 1501 and 1411 may have.
    """
    prior = context.prior
    if prior is not None and change is not None:
        earlier, _ = _orders(context, prior)
        when = _named(prior.then_at, "date unknown")
        group[0].ContentSequence.append(
            TextContentItem(
                coded(codes.COMPARED_WITH),
                f"Time point {earlier}: {when}, study {prior.study_instance_uid}",
                relationship_type=RelationshipTypeValues.CONTAINS,
            )
        )
    return group


def _named(moment: datetime | None, unknown: str) -> str:
    """A moment as the headers state it, to the minute."""
    return unknown if moment is None else moment.isoformat(" ", timespec="minutes")


def _orders(context: ResultContext, prior: PriorComparison) -> tuple[int, int]:
    """Places of the earlier study and of this one in the patient's course, from 1."""
    course = context.reading.course
    points = () if course is None else course.points
    order = {one.study_instance_uid: number for number, one in enumerate(points, start=1)}
    earlier = order.get(prior.study_instance_uid, 1)
    return earlier, order.get(context.source.study_instance_uid, earlier + 1)


def _offset(prior: PriorComparison) -> LongitudinalTemporalOffsetFromEvent | None:
    """Days since the earlier CT."""
    if prior.then_at is None or prior.now_at is None:
        return None
    days = (prior.now_at - prior.then_at).total_seconds() / _SECONDS_OF_A_DAY
    return LongitudinalTemporalOffsetFromEvent(
        value=round(days, 3), unit=coded(codes.DAY), event_type=coded(codes.EARLIER_CT)
    )
