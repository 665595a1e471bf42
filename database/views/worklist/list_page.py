"""The list of the worklist page: pages, filters and sorting at 100,000 studies.

A page is found by its position, not by counting rows from the start, so the last page costs what
the first one does. Each lane (`list_order`) is read through an index in its own order, at most a
page of each, and the stretches are merged; a filter has an index of its own for each lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from database.feedback.given import judged_results, newest_of_each_answer
from database.listed.sort_keys import OF_HEADING, Sorting, SortKey, sorted_by
from database.states import StudyState, WorklistRank
from database.tables.readers.listed import StudyHeading
from database.tables.study.analysis import Study
from database.views.flag_pages import listed_flags
from database.views.worklist.list_order import LANES, Lane, allowance, due_at
from database.views.worklist.opened import open_by
from database.views.worklist.worklist_facts import (
    Agreed,
    Disagreement,
    Position,
    SortedPage,
    WorklistPage,
    WorklistRow,
)
from database.views.worklist.worklist_rows import rows_of
from radiology.clinical.age_band import AgeBand
from radiology.feedback import Fault, Judgement
from settings.page.worklist_order import WorklistOrder

PAGE_LENGTH = 50
_MOST_CHOICES = 100


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which studies are listed; a value of None does not restrict.

    Attributes
    ----------
    since, until : first instance received within [since, until)
    label : of the most urgent result in force; "" is a study without one
    judgement : of the reader who counts; "" is a study that nobody has judged
    but_for : a rank that is left out
    """

    rank: WorklistRank | None = None
    but_for: WorklistRank | None = None
    state: StudyState | None = None
    label: str | None = None
    sex: str | None = None
    age_band: AgeBand | None = None
    scanner: str | None = None
    judgement: str | None = None
    opened: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


def worklist_page(
    session: Session,
    order: WorklistOrder,
    now: datetime,
    *,
    only: ListFilter = ListFilter(),
    after: Position | None = None,
    length: int = PAGE_LENGTH,
) -> WorklistPage:
    """Studies in the order in which they are due.

    Parameters
    ----------
    after : the last row of the page before
    length : at most so many rows
    """
    stretches = [
        _stretch(lane, order, only, after, length + 1) for lane in LANES if _wanted(lane, only)
    ]
    found = session.execute(union_all(*stretches)).all() if stretches else []
    placed = sorted(
        (
            due_at(Lane(row.worklist_rank, row.opened, row.acknowledged), row.received_at, order),
            row.id,
        )
        for row in found
    )
    rows = listed_rows(session, [study_id for _, study_id in placed[:length]], now)
    following = Position(*placed[length - 1]) if len(placed) > length else None
    return WorklistPage(rows, following)


def sorted_page(
    session: Session,
    sorting: Sorting,
    now: datetime,
    *,
    only: ListFilter = ListFilter(),
    after: int | None = None,
    length: int = PAGE_LENGTH,
) -> SortedPage:
    """Studies in the order of a value that they have.

    The value is looked for in every study of the days that are listed: it has no index, which each
    arrival would pay.

    Parameters
    ----------
    after : the last study of the page before; the page goes on where that stands now
    length : at most so many rows
    """
    value, lacks = sorted_by(sorting.key)
    wanted = _joined(select(Study.id), sorting.key).where(
        Study.asked_for.is_(False),
        *_lane_conditions(only),
        *_conditions(only),
    )
    if after is not None:
        wanted = wanted.where(_behind(session, sorting, after))
    ordered = wanted.order_by(lacks, value.desc() if sorting.down else value, Study.id)
    ids = session.scalars(ordered.limit(length + 1)).all()
    following = ids[length - 1] if len(ids) > length else None
    return SortedPage(listed_rows(session, ids[:length], now), following)


def scanners(session: Session) -> tuple[str, ...]:
    """The AE titles that listed studies came from."""
    return _each_once(session, Study.calling_ae_title)


def labels(session: Session) -> tuple[str, ...]:
    """The labels that results gave to listed studies."""
    return tuple(one for one in _each_once(session, Study.label) if one)


def _each_once(session: Session, column: InstrumentedAttribute[str]) -> tuple[str, ...]:
    """The values of a column of listed studies, each found by one step in the column's index."""
    values: list[str] = []
    wanted = select(func.min(column)).where(Study.asked_for.is_(False))
    found = session.scalar(wanted)
    while found is not None and len(values) < _MOST_CHOICES:
        values.append(found)
        found = session.scalar(wanted.where(column > found))
    return tuple(values)


def _joined(wanted: Select[Any], key: SortKey) -> Select[Any]:
    if key not in OF_HEADING:
        return wanted
    return wanted.outerjoin(StudyHeading, StudyHeading.study_id == Study.id)


def _behind(session: Session, sorting: Sorting, study_id: int) -> ColumnElement[bool]:
    """Whether a study stands behind another one; all do if there is no such other one."""
    value, lacks = sorted_by(sorting.key)
    place = session.execute(
        _joined(select(value, lacks).select_from(Study), sorting.key).where(Study.id == study_id)
    ).one_or_none()
    if place is None:
        return true()
    last, lacking = place
    if lacking:
        return and_(lacks == 1, Study.id > study_id)
    further = value < last if sorting.down else value > last
    return or_(lacks == 1, further, and_(value == last, Study.id > study_id))


def _lane_conditions(only: ListFilter) -> list[ColumnElement[bool]]:
    """The lanes by their names, all of them too: what leads to an arrival stands behind them in
    every index, and without them the rows of all days are read.
    """
    wanted = [lane for lane in LANES if _wanted(lane, only)]
    return [
        Study.worklist_rank.in_(sorted({lane.rank for lane in wanted})),
        Study.opened.in_(sorted({lane.opened for lane in wanted})),
        Study.acknowledged.in_(sorted({lane.acknowledged for lane in wanted})),
    ]


def _wanted(lane: Lane, only: ListFilter) -> bool:
    if lane.rank is only.but_for:
        return False
    return only.rank in (None, lane.rank) and only.opened in (None, lane.opened)


def _stretch(
    lane: Lane, order: WorklistOrder, only: ListFilter, after: Position | None, length: int
) -> Any:
    """The next studies of one lane, in its order."""
    wanted = (
        select(Study.id, Study.worklist_rank, Study.opened, Study.acknowledged, Study.received_at)
        .where(
            Study.asked_for.is_(False),
            Study.worklist_rank == lane.rank,
            Study.opened.is_(lane.opened),
            Study.acknowledged.is_(lane.acknowledged),
            *_conditions(only),
        )
        .order_by(Study.received_at, Study.id)
        .limit(length)
    )
    if after is not None:
        came = after.due_at - allowance(lane, order)
        place = (Study.received_at, Study.id)
        wanted = wanted.where(Study.received_at >= came, tuple_(*place) > (came, after.study_id))
    return select(wanted.subquery())


def _conditions(only: ListFilter) -> list[ColumnElement[bool]]:
    equal: tuple[tuple[InstrumentedAttribute[Any], object], ...] = (
        (Study.state, only.state),
        (Study.label, only.label),
        (Study.patient_sex, only.sex),
        (Study.age_band, only.age_band),
        (Study.calling_ae_title, only.scanner),
        (Study.judgement, only.judgement),
    )
    conditions: list[ColumnElement[bool]] = [
        column == value for column, value in equal if value is not None
    ]
    if only.since is not None:
        conditions.append(Study.received_at >= only.since)
    if only.until is not None:
        conditions.append(Study.received_at < only.until)
    return conditions


def listed_rows(session: Session, ids: Sequence[int], now: datetime) -> tuple[WorklistRow, ...]:
    """Rows in the order of their ids."""
    if not ids:
        return ()
    studies = {one.id: one for one in session.scalars(select(Study).where(Study.id.in_(ids)))}
    readers = open_by(session, ids, now)
    rows = rows_of(session, [studies[one] for one in ids])
    judged = [one for one in ids if studies[one].judgement]
    opinions = _opinions(session, rows, judged)
    flags = listed_flags(session, ids)
    return tuple(
        replace(
            row,
            open_by=readers.get(row.study.id, ()),
            disagreement=said if isinstance(said, Disagreement) else None,
            agreement=said if isinstance(said, Agreed) else None,
            flag=flags.get(row.study.id),
        )
        for row in rows
        for said in (opinions.get(row.study.id),)
    )


def _opinions(
    session: Session, rows: Sequence[WorklistRow], study_ids: Sequence[int]
) -> dict[int, Disagreement | Agreed]:
    """What readers say of the results of these studies, by study: one fault is a disagreement."""
    if not study_ids:
        return {}
    in_force = {one.result.id for row in rows for one in row.answers if one.result is not None}
    found: dict[int, Disagreement | Agreed] = {}
    for judged in newest_of_each_answer(judged_results(session, study_ids=study_ids)):
        current = judged.result_id in in_force
        before = found.get(judged.study_id)
        if judged.judgement is Judgement.DISAGREE:
            faulty = before if isinstance(before, Disagreement) else Disagreement((), False)
            wrong = {*faulty.faults, *judged.faults}
            found[judged.study_id] = Disagreement(
                faults=tuple(fault for fault in Fault if fault in wrong),
                current=faulty.current or current,
            )
        elif not isinstance(before, Disagreement):
            found[judged.study_id] = Agreed(current or (before is not None and before.current))
    return found
