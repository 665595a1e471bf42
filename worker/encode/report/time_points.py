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
from radiology.answer.reading import Comparison
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import ResultContext
from worker.encode.report.group_parts import Group

_SECONDS_OF_A_DAY = 86_400.0


def time_point(context: ResultContext, *, compared: bool, numbered: bool = False) -> dict[str, Any]:
    """The argument of highdicom's groups that says of which time point the figures are.

    Parameters
    ----------
    compared : whether the group has changes; without one it needs no time point
    numbered : with the order of the time points and the days between them
        Numbers, so not for OHIF: it takes each number of a group for a measurement, and shows
        nothing of a report in which one has no place in the images.

    Returns
    -------
    Empty where nothing is compared. Time points are identified by the Study Instance UID.
    """
    comparison = context.reading.comparison
    if comparison is None or not compared:
        return {}
    return {
        "time_point_context": TimePointContext(
            time_point=_named(comparison.now.acquired_at, "this study"),
            time_point_order=comparison.now.order if numbered else None,
            subject_time_point_identifier=context.source.study_instance_uid,
            temporal_offset_from_event=_offset(comparison) if numbered else None,
        )
    }


def with_earlier(context: ResultContext, group: Group, *, compared: bool) -> Group:
    """The group, with the name of the time point that it is compared with where it is.

    A qualitative evaluation as text, which the groups of TID 1501 and 1411 may have.
    """
    comparison = context.reading.comparison
    if comparison is not None and compared:
        earlier = comparison.earlier
        when = _named(earlier.acquired_at, "date unknown")
        group[0].ContentSequence.append(
            TextContentItem(
                coded(codes.COMPARED_WITH),
                f"Time point {earlier.order}: {when}, study {earlier.study_instance_uid}",
                relationship_type=RelationshipTypeValues.CONTAINS,
            )
        )
    return group


def _named(moment: datetime | None, unknown: str) -> str:
    """A moment as the headers state it, to the minute."""
    return unknown if moment is None else moment.isoformat(" ", timespec="minutes")


def _offset(comparison: Comparison) -> LongitudinalTemporalOffsetFromEvent | None:
    """Days since the earlier CT."""
    then, now = comparison.earlier.acquired_at, comparison.now.acquired_at
    if then is None or now is None:
        return None
    days = (now - then).total_seconds() / _SECONDS_OF_A_DAY
    return LongitudinalTemporalOffsetFromEvent(
        value=round(days, 3), unit=coded(codes.DAY), event_type=coded(codes.EARLIER_CT)
    )
