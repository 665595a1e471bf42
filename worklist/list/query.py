"""The part of the list that an address asks for: filters, order, place, search."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, HTTPException, Query

from database.listed.sort_keys import Sorting, SortKey
from database.states import StudyState, WorklistRank
from database.views.worklist.list_page import ListFilter
from database.views.worklist.worklist_facts import Position
from radiology.clinical.age_band import AgeBand
from radiology.feedback import Judgement
from settings.page.worklist_order import WorklistOrder

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSITION = re.compile(r"([0-9]{1,17})\.([0-9]{1,18})")
_STUDY = re.compile(r"[0-9]{1,18}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_EVERYTHING = (
    "all"  # says that nothing restricts: without it an address means the reader's own list
)
LONGEST_SEARCH = 64
_FIRST_DAY, _LAST_DAY = date(1990, 1, 1), date(2199, 12, 31)  # moments around them can be reckoned
Word = Annotated[str, Query(max_length=32)]
Chosen = TypeVar("Chosen", bound=StrEnum)


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


class Came(StrEnum):
    """When a study's first image came."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    EVER = "ever"


class Seen(StrEnum):
    """Whether a reader has opened it."""

    UNOPENED = "no"
    OPENED = "yes"


class FeedbackChoice(StrEnum):
    """What a reader says of its result."""

    DISAGREED = "disagreed"
    AGREED = "agreed"
    NOT_JUDGED = "none"

    @property
    def judgement(self) -> str:
        """The word that the study's row has."""
        words = {
            FeedbackChoice.DISAGREED: Judgement.DISAGREE,
            FeedbackChoice.AGREED: Judgement.AGREE,
        }
        return words[self].value if self in words else ""


class SexChoice(StrEnum):
    """Patient's Sex (0010,0040)."""

    MALE = "M"
    FEMALE = "F"
    OTHER = "O"


class Age(StrEnum):
    """A band of ages; the same words as `AgeBand`."""

    CHILD = "0-17"
    YOUNG = "18-39"
    MIDDLE = "40-64"
    OLD = "65+"


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What part of the list is looked at; None and "" do not restrict.

    Attributes
    ----------
    came : a word, or the day itself; None: as long as the setting lists studies
    label : the finer class of a finding, as its bundle names it
    search : a part of an identifier; then nothing else counts
    found : in its place the token of a search that the server keeps (`database.listed.searches`):
        a name stands in no address
    sort : None: by urgency and age
    after : a position in the list's own order, or the last study of the page before in another
    """

    show: Show | None = None
    state: StudyState | None = None
    label: str = ""
    sex: SexChoice | None = None
    age: Age | None = None
    scanner: str = ""
    opened: Seen | None = None
    feedback: FeedbackChoice | None = None
    came: Came | date | None = None
    search: str = field(default="", repr=False)
    found: str = ""
    sort: Sorting | None = None
    after: Position | int | None = None

    def address(self, **changed: Any) -> str:
        """The query of an address that asks for this, or for this with something changed."""
        query = replace(self, **changed) if changed else self
        given = {
            "show": query.show,
            "state": query.state,
            "label": query.label,
            "sex": query.sex,
            "age": query.age,
            "scanner": query.scanner,
            "opened": query.opened,
            "feedback": query.feedback,
            "came": query.came,
            "sort": sort_text(query.sort),
            "q": "" if query.found else query.search,
            "found": query.found,
            "after": position_text(query.after),
        }
        return "?" + urlencode(
            {name: str(value) for name, value in given.items() if value} or {"show": _EVERYTHING}
        )

    @property
    def filters(self) -> int:
        """How many filters beside the urgency are on."""
        of_study = (self.state, self.label, self.sex, self.age, self.scanner, self.came)
        return sum(bool(one) for one in (*of_study, self.opened, self.feedback))

    def only(self, order: WorklistOrder, now: datetime) -> ListFilter:
        """What the database is asked for."""
        since, until = self._days(order, now)
        return ListFilter(
            rank=self.show.rank if self.show else None,
            state=self.state,
            label=self.label or None,
            sex=self.sex.value if self.sex else None,
            age_band=AgeBand(self.age.value) if self.age else None,
            scanner=self.scanner or None,
            opened=None if self.opened is None else self.opened is Seen.OPENED,
            judgement=self.feedback.judgement if self.feedback else None,
            since=since,
            until=until,
        )

    def _days(self, order: WorklistOrder, now: datetime) -> tuple[datetime | None, datetime | None]:
        if self.came is Came.EVER:
            return None, None
        if self.came is None:
            return listed_since(order, now), None
        today = now.astimezone().date()
        if isinstance(self.came, Came):
            day = today if self.came is Came.TODAY else today - timedelta(days=1)
        else:
            day = self.came
        begin = datetime.combine(day, time()).astimezone()
        return begin, datetime.combine(day + timedelta(days=1), time()).astimezone()


def disagreed_address(scanner: str = "") -> str:
    """The query of an address that asks for every study on which a reader disagrees.

    Parameters
    ----------
    scanner : only those that this AE title sent; "" does not restrict
    """
    return ListQuery(feedback=FeedbackChoice.DISAGREED, came=Came.EVER, scanner=scanner).address()


def state_address(state: StudyState) -> str:
    """The query of an address that asks for every study in a state."""
    return ListQuery(state=state, came=Came.EVER).address()


def listed_since(order: WorklistOrder, now: datetime) -> datetime:
    """The earliest arrival that the list shows by itself."""
    return now - timedelta(days=order.listed_days)


def read_query(
    show: Word = "",
    state: Word = "",
    label: Annotated[str, Query(max_length=32)] = "",
    sex: Word = "",
    age: Word = "",
    scanner: Annotated[str, Query(max_length=16)] = "",
    opened: Word = "",
    feedback: Word = "",
    came: Word = "",
    q: Annotated[str, Query(max_length=LONGEST_SEARCH)] = "",
    found: Annotated[str, Query(max_length=LONGEST_SEARCH)] = "",
    sort: Word = "",
    after: Word = "",
) -> ListQuery:
    """The query of a request; a FastAPI dependency.

    A form sends every field, also the empty ones: "" does not restrict. Status 400 for what our
    page cannot have asked for.
    """
    sorting = read_sort(sort) if sort else None
    position = _place(after, sorting) if after else None
    wrong = (after and position is None) or (sort and sorting is None)
    if wrong or (found and not _TOKEN.fullmatch(found)) or "\x00" in label + scanner + q:
        raise HTTPException(400)
    return ListQuery(
        show=_word(Show, "" if show == _EVERYTHING else show),
        state=_word(StudyState, state),
        label=label,
        sex=_word(SexChoice, sex),
        age=_word(Age, age),
        scanner=scanner,
        opened=_word(Seen, opened),
        feedback=_word(FeedbackChoice, feedback),
        came=_came(came),
        search="" if found else q.strip(),
        found=found,
        sort=sorting,
        after=position,
    )


Asked = Annotated[ListQuery, Depends(read_query)]
"""The query of a request."""


def query_from(address: str) -> ListQuery | None:
    """The query of an address of ours that was kept; None where it asks for nothing we know."""
    try:
        return read_query(**dict(parse_qsl(address[1:]))) if address.startswith("?") else None
    except (HTTPException, TypeError):  # a parameter that there is no more
        return None


def sort_text(sort: Sorting | None) -> str:
    """An order as it stands in an address; a minus is the way down."""
    return "" if sort is None else f"{'-' if sort.down else ''}{sort.key.value}"


def read_sort(text: str) -> Sorting | None:
    """The order that an address names; None when it does not name one."""
    key = text.removeprefix("-")
    return Sorting(SortKey(key), down=key != text) if key in set(SortKey) else None


def position_text(position: Position | int | None) -> str:
    """A position as it stands in an address."""
    if position is None or isinstance(position, int):
        return "" if position is None else str(position)
    microseconds = (position.due_at - _EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}.{position.study_id}"


def read_position(text: str) -> Position | None:
    """The position that an address names; None when it does not name one."""
    match = _POSITION.fullmatch(text)
    if match is None:
        return None
    return Position(_EPOCH + timedelta(microseconds=int(match[1])), int(match[2]))


def _place(text: str, sorting: Sorting | None) -> Position | int | None:
    if sorting is None:
        return read_position(text)
    return int(text) if _STUDY.fullmatch(text) else None


def _word(words: type[Chosen], given: str) -> Chosen | None:
    try:
        return words(given) if given else None
    except ValueError as error:
        raise HTTPException(400) from error


def _came(given: str) -> Came | date | None:
    if not given or given in set(Came):
        return _word(Came, given)
    try:
        day = date.fromisoformat(given)
    except ValueError as error:
        raise HTTPException(400) from error
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise HTTPException(400)
    return day
