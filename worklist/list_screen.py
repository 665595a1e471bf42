"""The list: studies by urgency, then by how long they have waited."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from database.session import reading
from database.states import StudyState, WorklistRank
from database.worklist_facts import Position, WorklistRow
from database.worklist_rows import rank_counts, worklist_page
from worklist.figures import found_in_words, suspicion_threshold
from worklist.screens import PageContext, Part, Screen, make_part
from worklist.study_words import (
    DeliveryLine,
    Standing,
    delivery_line,
    patient_age,
    patient_sex,
    standing_of,
)
from worklist.translations import translated
from worklist.verdict import Verdict, verdict_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSITION = re.compile(r"([0-9]-[a-z]{1,20})\.([0-9]{1,16})\.([0-9]{1,18})")


class Show(StrEnum):
    """Which studies to list: one word of `WorklistRank` each."""

    URGENT = "urgent"
    SUSPECTED = "suspected"
    UNANSWERED = "unanswered"
    PENDING = "pending"
    ROUTINE = "routine"

    @property
    def rank(self) -> WorklistRank:
        """The rank that is meant."""
        return WorklistRank[self.name]


TABS = (
    (Show.URGENT, "urgent", "Urgent"),
    (Show.SUSPECTED, "suspected", "Suspected"),
    (Show.UNANSWERED, "not-assessable", "Without answer"),
    (Show.PENDING, "pending", "In progress"),
    (Show.ROUTINE, "routine", "Routine"),
)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What part of the list is looked at."""

    show: Show | None = None
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class ListLine:
    """One line of the list, ready to be written."""

    row: WorklistRow
    verdict: Verdict
    standing: Standing
    sex: str
    age: str
    found: tuple[str, ...]
    threshold: float | None
    deliveries: tuple[DeliveryLine, ...]
    note: str


def list_screen(context: PageContext, query: ListQuery) -> Screen:
    """The list as it stands now."""
    with reading(context.engine) as session:
        page = worklist_page(
            session, rank=query.show.rank if query.show else None, after=query.after
        )
        counts = rank_counts(session)
    lines = [list_line(row) for row in page.rows]
    following = position_text(page.following) if page.following else ""
    urgent, name = counts[WorklistRank.URGENT], translated("Worklist")
    return Screen(
        title=f"({urgent}) {name}" if urgent else name,
        parts=(
            _tabs(context, query, counts),
            make_part(
                context.templates,
                "list_foot.html",
                "foot",
                empty=not lines,
                first=query.after is None,
                show=query.show.value if query.show else "",
                following=following,
                ae_title=context.settings.ae_title,
                port=context.settings.dicom_port,
            ),
        ),
        rows=tuple(
            make_part(
                context.templates, "list_row.html", line.row.study.study_instance_uid, line=line
            )
            for line in lines
        ),
        urgent=urgent,
    )


def list_line(row: WorklistRow) -> ListLine:
    """One line of the list."""
    result = row.result
    return ListLine(
        row=row,
        verdict=verdict_of(row),
        standing=standing_of(row),
        sex=patient_sex(row.study),
        age=patient_age(row.study),
        found=found_in_words(result) if result and result.withdrawn_at is None else (),
        threshold=suspicion_threshold(result.reading) if result else None,
        deliveries=tuple(delivery_line(item) for item in result.deliveries) if result else (),
        note=newer_images_note(row),
    )


def newer_images_note(row: WorklistRow) -> str:
    """What to know when the result in force is about fewer images than the study has by now."""
    if row.result is None:
        return ""
    arriving = row.study.state is StudyState.RECEIVED
    if arriving or row.study.version > row.result.study_version:
        return translated("The result is from before the newest images came.")
    if row.superseded == 1:
        return translated("Supersedes an earlier result.")
    if row.superseded:
        return translated("Supersedes %(n)s earlier results.", n=row.superseded)
    return ""


def position_text(position: Position) -> str:
    """A position as it stands in an address."""
    microseconds = (position.received_at - _EPOCH) // timedelta(microseconds=1)
    return f"{position.rank.value}.{microseconds}.{position.study_id}"


def read_position(text: str) -> Position | None:
    """The position that an address names; None when it does not name one."""
    match = _POSITION.fullmatch(text)
    if match is None or match[1] not in set(WorklistRank):
        return None
    received_at = _EPOCH + timedelta(microseconds=int(match[2]))
    return Position(WorklistRank(match[1]), received_at, int(match[3]))


def _tabs(context: PageContext, query: ListQuery, counts: dict[WorklistRank, int]) -> Part:
    tabs = tuple(
        (show.value, kind, translated(word), counts[show.rank], query.show is show)
        for show, kind, word in TABS
    )
    return make_part(
        context.templates,
        "list_tabs.html",
        "tabs",
        tabs=tabs,
        total=sum(counts.values()),
        all_shown=query.show is None,
    )
