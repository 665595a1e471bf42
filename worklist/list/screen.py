"""The list: studies by urgency, then by how long they have waited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from database.session import query
from database.states import StudyState, WorklistRank
from database.views.list_order import Lane, is_raised
from database.views.list_page import MOST_FOUND, find_studies, labels, scanners, worklist_page
from database.views.worklist_facts import Disagreement, Position, WorklistRow
from database.views.worklist_rows import rank_counts
from models.older_readings import brief_if_readable
from radiology import codes
from radiology.answer.brief import ReadingInBrief
from radiology.answer.measurement import Measurement
from worklist.feedback.lines import SHORT_FAULT_WORDS
from worklist.list.query import (
    Age,
    Came,
    FeedbackChoice,
    ListQuery,
    Seen,
    SexChoice,
    Show,
    listed_since,
)
from worklist.page.screens import PageContext, Part, Screen, make_part
from worklist.reading.case_lines import CodedLine, coded_in_brief
from worklist.reading.course_lines import measured_at
from worklist.reading.figures import (
    FigureLine,
    found_in_words,
    leading_figure,
    read_as,
    suspicion_threshold,
)
from worklist.words.declared_titles import titled
from worklist.words.label_words import label_words
from worklist.words.study_words import (
    SEXES,
    STATES,
    DeliveryLine,
    StudyStanding,
    delivery_line,
    patient_age,
    patient_sex,
    standing_of,
)
from worklist.words.translations import translated
from worklist.words.verdict import Verdict, verdict_of

TABS = (
    (Show.URGENT, "urgent", "Urgent"),
    (Show.SUSPECTED, "suspected", "Suspected"),
    (Show.UNANSWERED, "not-assessable", "Without answer"),
    (Show.PENDING, "pending", "In progress"),
    (Show.ROUTINE, "routine", "Routine"),
)
CAME = {Came.TODAY: "today", Came.YESTERDAY: "yesterday", Came.EVER: "ever"}
SEEN = {Seen.UNOPENED: "not opened", Seen.OPENED: "opened"}
JUDGED = {
    FeedbackChoice.DISAGREED: "disagreed",
    FeedbackChoice.AGREED: "agreed",
    FeedbackChoice.NOT_JUDGED: "not judged",
}
LABELS = {
    "came": "Came",
    "opened": "Opened",
    "feedback": "Feedback",
    "label": "Type",
    "state": "State",
    "sex": "Sex",
    "age": "Age",
    "scanner": "Scanner",
}


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """What became of a measurement since the patient's latest earlier study.

    `percent` has its sign; it is empty where there was nothing to grow from.
    """

    title: str
    more: bool
    percent: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ListLine:
    """One line of the list, ready to be written."""

    row: WorklistRow
    verdict: Verdict
    standing: StudyStanding
    sex: str
    age: str
    found: tuple[str, ...]
    threshold: float | None
    deliveries: tuple[DeliveryLine, ...]
    note: str
    read_as: str = ""
    leading: FigureLine | None = None
    coded: tuple[CodedLine, ...] = ()
    change: ChangeLine | None = None
    raised: bool = False
    disagreement: str = ""


@dataclass(frozen=True, slots=True)
class KnownChoices:
    """What listed studies have, for filters whose choices are not known beforehand."""

    labels: tuple[str, ...]
    scanners: tuple[str, ...]


def list_screen(context: PageContext, asked: ListQuery) -> Screen:
    """The list as it stands now; or what was found, where something is searched."""
    order, now = context.settings.worklist_order, context.clock()
    following = None
    with query(context.engine) as session:
        if asked.search:
            rows = find_studies(session, asked.search, now)
        else:
            page = worklist_page(
                session, order, now, only=asked.only(order, now), after=asked.after
            )
            rows, following = page.rows, page.following
        counts = rank_counts(session, listed_since(order, now))
        known = KnownChoices(labels(session), scanners(session))
    urgent, name = counts[WorklistRank.URGENT], translated("Worklist")
    return Screen(
        title=f"({urgent}) {name}" if urgent else name,
        parts=(
            _tabs(context, asked, counts),
            _filters(context, asked, known),
            _foot(context, asked, rows, following),
        ),
        rows=tuple(
            make_part(
                context.templates,
                "list/row.html",
                row.study.study_instance_uid,
                line=list_line(row, raised=_is_raised(context, row, now)),
            )
            for row in rows
        ),
        urgent=urgent,
    )


def list_line(row: WorklistRow, *, raised: bool = False) -> ListLine:
    """One line of the list."""
    result = row.result
    stands = result is not None and result.withdrawn_at is None
    reading = brief_if_readable(result.reading) if result else None
    said = reading if stands else None
    return ListLine(
        row=row,
        verdict=verdict_of(row),
        standing=standing_of(row),
        sex=patient_sex(row.study),
        age=patient_age(row.study),
        found=found_in_words(said),
        threshold=suspicion_threshold(reading),
        deliveries=tuple(delivery_line(item) for item in result.deliveries) if result else (),
        note=newer_images_note(row),
        read_as=read_as(reading),
        leading=leading_figure(said),
        coded=coded_in_brief(said) if said else (),
        change=change_line(said),
        raised=raised,
        disagreement=disagreement_words(row.disagreement) if row.disagreement else "",
    )


def disagreement_words(disagreement: Disagreement) -> str:
    """That a reader disagrees, and what is wrong."""
    faults = ", ".join(translated(SHORT_FAULT_WORDS[fault]) for fault in disagreement.faults)
    if disagreement.current:
        return translated("reader disagrees: %(faults)s", faults=faults)
    return translated("reader disagreed with an earlier result: %(faults)s", faults=faults)


def change_line(said: ReadingInBrief | None) -> ChangeLine | None:
    """What became of the first amount of the summary since the earlier study; None without one."""
    if said is None or said.comparison is None or len(said.course) < 2:
        return None
    earlier = said.comparison.earlier
    then = next((one for one in said.course if one.order == earlier.order), None)
    for measurement in said.summary:
        if not isinstance(measurement, Measurement) or measurement.unit in (
            codes.PERCENT,
            codes.NO_UNIT,
        ):
            continue
        before = None if then is None else measured_at(then, measurement.concept)
        now = measured_at(said.course[-1], measurement.concept)
        if before is None or now is None:
            continue
        growth = 100.0 * (now.value - before.value) / before.value if before.value > 0 else None
        return ChangeLine(
            title=titled(measurement.concept.meaning, said.report),
            more=now.value > before.value,
            percent="" if growth is None else f"{growth:+.0f}\u00a0%".replace("-", "−"),
            since=earlier.acquired_at,
        )
    return None


def newer_images_note(row: WorklistRow) -> str:
    """What to know when the result in force is about fewer images than the study has by now."""
    if row.result is None:
        return ""
    arriving = row.study.state is StudyState.RECEIVED
    behind = row.job is not None and row.job.study_version > row.result.study_version
    if arriving or behind or not row.current:
        return translated("The result is from before the newest images came.")
    if row.superseded == 1:
        return translated("Supersedes an earlier result.")
    if row.superseded:
        return translated("Supersedes %(n)s earlier results.", n=row.superseded)
    return ""


def _is_raised(context: PageContext, row: WorklistRow, now: datetime) -> bool:
    lane = Lane(row.study.worklist_rank, row.study.opened)
    return is_raised(lane, row.study.received_at, context.settings.worklist_order, now)


def _tabs(context: PageContext, asked: ListQuery, counts: dict[WorklistRank, int]) -> Part:
    tabs = tuple(
        (
            asked.address(show=show, after=None, search=""),
            kind,
            translated(word),
            counts[show.rank],
            asked.show is show,
            show.value,
        )
        for show, kind, word in TABS
    )
    return make_part(
        context.templates,
        "list/tabs.html",
        "tabs",
        tabs=tabs,
        total=sum(counts.values()),
        all_address=asked.address(show=None, after=None, search=""),
        all_shown=asked.show is None,
    )


def _filters(context: PageContext, asked: ListQuery, known: KnownChoices) -> Part:
    """The form: each choice as (name, label, what is chosen, values with their words)."""
    ages = tuple((one.value, one.value) for one in Age)
    values: dict[str, tuple[object, tuple[tuple[str, str], ...]]] = {
        "came": (asked.came, _words(CAME)),
        "opened": (asked.opened, _words(SEEN)),
        "feedback": (asked.feedback, _words(JUDGED)),
        "label": (asked.label, tuple((one, label_words(one)) for one in known.labels)),
        "state": (asked.state, _words(STATES)),
        "sex": (asked.sex, _words({one: SEXES[one.value] for one in SexChoice})),
        "age": (asked.age, ages),
        "scanner": (asked.scanner, tuple((one, one) for one in known.scanners)),
    }
    choices = tuple(
        (name, translated(LABELS[name]), str(chosen) if chosen else "", words)
        for name, (chosen, words) in values.items()
    )
    return make_part(
        context.templates,
        "list/filters.html",
        "filters",
        choices=choices,
        days=context.settings.worklist_order.listed_days,
        show=asked.show.value if asked.show else "",
        search=asked.search,
        filters=asked.filters,
    )


def _foot(
    context: PageContext,
    asked: ListQuery,
    rows: tuple[WorklistRow, ...],
    following: Position | None,
) -> Part:
    return make_part(
        context.templates,
        "list/foot.html",
        "foot",
        empty=not rows,
        first=asked.after is None,
        restricted=bool(asked.show or asked.filters),
        search=asked.search,
        too_many=MOST_FOUND if asked.search and len(rows) >= MOST_FOUND else 0,
        first_address=asked.address(after=None),
        next_address=asked.address(after=following) if following else "",
        ae_title=context.settings.ae_title,
        port=context.settings.dicom_port,
    )


def _words(table: Mapping[Any, str]) -> tuple[tuple[str, str], ...]:
    return tuple((value.value, translated(word)) for value, word in table.items())
