"""The list of one reader: their columns, their saved filters, what they search for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from database.listed.reader_lists import KeptFilter, columns_of, filters_of, owner_of
from database.listed.searches import kept_search
from database.session import query
from worklist.list.columns import COLUMNS, Column, read_columns
from worklist.list.query import ListQuery, query_from
from worklist.page.current_reader import PageReader
from worklist.page.screens import PageContext
from worklist.words.translations import translated


@dataclass(frozen=True, slots=True)
class OwnList:
    """How a reader wants to see the list."""

    columns: tuple[Column, ...]
    filters: tuple[KeptFilter, ...]

    @property
    def first(self) -> ListQuery | None:
        """What the list begins with; None: all studies."""
        asked = next((one.asked for one in self.filters if one.first), None)
        return None if asked is None else query_from(asked)


@dataclass(frozen=True, slots=True)
class FilterLine:
    """A saved filter, ready to be written."""

    id: int
    name: str
    address: str
    first: bool
    current: bool


@dataclass(frozen=True, slots=True)
class OwnLines:
    """What the page writes of a reader's own list.

    Attributes
    ----------
    here : what the address asks for without place and search: it can be saved
    """

    here: str
    filters: tuple[FilterLine, ...]
    columns: tuple[tuple[str, str, bool], ...]


def own_list(context: PageContext, reader: PageReader) -> OwnList:
    """What a reader has chosen and saved."""
    with query(context.engine) as session:
        owner = owner_of(session, reader.name)
        chosen, filters = columns_of(session, owner), filters_of(session, owner)
    names = context.settings.worklist_list.patient_names
    return OwnList(read_columns(chosen, patient_names=names), filters)


def own_lines(context: PageContext, own: OwnList, asked: ListQuery) -> OwnLines:
    """The reader's own list in words."""
    here = saved_address(asked)
    names = context.settings.worklist_list.patient_names
    return OwnLines(
        here=here,
        filters=tuple(
            FilterLine(one.id, one.name, f"/{one.asked}", one.first, one.asked == here)
            for one in own.filters
        ),
        columns=_choices(own.columns, patient_names=names),
    )


def saved_address(asked: ListQuery) -> str:
    """What is saved of a list: its filters and its order, no place and no search."""
    return asked.address(after=None, search="", found="")


def with_search(context: PageContext, asked: ListQuery, reader: PageReader) -> ListQuery:
    """The query with what its token stands for; without it where that is over."""
    if not asked.found:
        return asked
    with query(context.engine) as session:
        owner = owner_of(session, reader.name)
        sought = kept_search(session, owner, asked.found, context.clock())
    return replace(asked, search=sought or "")


def _choices(
    columns: Sequence[Column], *, patient_names: bool
) -> tuple[tuple[str, str, bool], ...]:
    return tuple(
        (one.value, translated(COLUMNS[one]), one in columns)
        for one in Column
        if patient_names or one is not Column.NAME
    )
