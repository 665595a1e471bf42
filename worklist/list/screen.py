"""The list: studies by urgency, then by how long they have waited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from database.listed.sort_keys import SortKey
from database.session import Session, query
from database.states import WorklistRank
from database.views.worklist.list_order import Lane, is_raised
from database.views.worklist.list_page import labels, scanners, sorted_page, worklist_page
from database.views.worklist.list_search import MOST_FOUND, find_studies
from database.views.worklist.worklist_facts import Position, WorklistRow
from database.views.worklist.worklist_rows import rank_counts
from worklist.list.columns import BY_ITSELF, Column, read_columns, sort_choices
from worklist.list.list_line import list_line
from worklist.list.query import (
    Age,
    Came,
    FeedbackChoice,
    ListQuery,
    Seen,
    SexChoice,
    Show,
    listed_since,
    sort_text,
)
from worklist.page.kept_list import with_list
from worklist.page.screens import PageContext, Part, Screen, make_part
from worklist.words.label_words import label_words
from worklist.words.study_words import (
    SEXES,
    STATES,
)
from worklist.words.translations import translated

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
_ELSEWHERE: dict[str, Any] = {"after": None, "search": "", "found": ""}
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
class KnownChoices:
    """What listed studies have, for filters whose choices are not known beforehand."""

    labels: tuple[str, ...]
    scanners: tuple[str, ...]


def list_screen(
    context: PageContext, asked: ListQuery, columns: Sequence[Column] = BY_ITSELF
) -> Screen:
    """The list as it stands now; or what was found, where something is searched.

    Parameters
    ----------
    columns : those that are shown; the name of a patient only where the setting shows names
    """
    order, now = context.settings.worklist_order, context.clock()
    names = context.settings.worklist_list.patient_names
    columns = read_columns(columns, patient_names=names)
    with query(context.engine) as session:
        rows, following = _listed(session, context, asked, now)
        counts = rank_counts(session, listed_since(order, now))
        known = KnownChoices(labels(session), scanners(session))
    urgent, name = counts[WorklistRank.URGENT], translated("Worklist")
    return Screen(
        title=f"({urgent}) {name}" if urgent else name,
        parts=(
            _tabs(context, asked, counts),
            make_part(
                context.templates, "list/search.html", "search", search=asked.search, names=names
            ),
            _filters(context, asked, known, columns),
            _foot(context, asked, rows, following),
        ),
        rows=tuple(
            make_part(
                context.templates,
                "list/row.html",
                row.study.study_instance_uid,
                line=list_line(row, raised=_is_raised(context, row, now)),
                columns=columns,
                kept=_kept(asked),
            )
            for row in rows
        ),
        urgent=urgent,
    )


def _listed(
    session: Session, context: PageContext, asked: ListQuery, now: datetime
) -> tuple[tuple[WorklistRow, ...], Position | int | None]:
    """The rows, and where the next page begins."""
    names = context.settings.worklist_list.patient_names
    if asked.found or asked.search:
        # An address is no place for a name: what it asks for itself is an identifier.
        by_name = names and bool(asked.found)
        return find_studies(session, asked.search, now, names=by_name), None
    order = context.settings.worklist_order
    only, after = asked.only(order, now), asked.after
    if asked.sort is None or (asked.sort.key is SortKey.NAME and not names):
        place = after if isinstance(after, Position) else None
        page = worklist_page(session, order, now, only=only, after=place)
        return page.rows, page.following
    last = after if isinstance(after, int) else None
    in_order = sorted_page(session, asked.sort, now, only=only, after=last)
    return in_order.rows, in_order.following


def _kept(asked: ListQuery) -> str:
    """The list in the address of a study; nothing where all studies are listed."""
    return "" if asked == ListQuery() else with_list("", asked.address().removeprefix("?"))


def _is_raised(context: PageContext, row: WorklistRow, now: datetime) -> bool:
    lane = Lane(row.study.worklist_rank, row.study.opened, row.study.acknowledged)
    return is_raised(lane, row.study.received_at, context.settings.worklist_order, now)


def _tabs(context: PageContext, asked: ListQuery, counts: dict[WorklistRank, int]) -> Part:
    tabs = tuple(
        (
            asked.address(show=show, **_ELSEWHERE),
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
        all_address=asked.address(show=None, **_ELSEWHERE),
        all_shown=asked.show is None,
    )


def _filters(
    context: PageContext, asked: ListQuery, known: KnownChoices, columns: Sequence[Column]
) -> Part:
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
        filters=asked.filters,
        no_filter=ListQuery(show=asked.show, sort=asked.sort).address(),
        sort=sort_text(asked.sort),
        sorts=sort_choices(columns),
    )


def _foot(
    context: PageContext,
    asked: ListQuery,
    rows: tuple[WorklistRow, ...],
    following: Position | int | None,
) -> Part:
    return make_part(
        context.templates,
        "list/foot.html",
        "foot",
        empty=not rows,
        first=asked.after is None,
        restricted=bool(asked.show or asked.filters),
        search=bool(asked.search),
        over=bool(asked.found) and not asked.search,
        names=context.settings.worklist_list.patient_names and bool(asked.found),
        too_many=MOST_FOUND if asked.search and len(rows) >= MOST_FOUND else 0,
        first_address=asked.address(after=None),
        next_address=asked.address(after=following) if following else "",
        ae_title=context.settings.ae_title,
        port=context.settings.dicom_port,
    )


def _words(table: Mapping[Any, str]) -> tuple[tuple[str, str], ...]:
    return tuple((value.value, translated(word)) for value, word in table.items())
