"""How a reader wants to see the list: chosen columns, and parts of it under a name.

They belong to an account. Where nobody has one, they are those of whoever sits at the machine: the
page is shown to nobody else then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from database.tables.readers.account import Account, ListColumns, SavedFilter
from radiology.errors import ListRefused

MOST_FILTERS = 30  # a row of links, which a reader can look over
MOST_LETTERS = 40
_LONGEST_ADDRESS = 500


@dataclass(frozen=True, slots=True)
class KeptFilter:
    """A part of the list under a name.

    Attributes
    ----------
    asked : what its address asks for
    first : it is what the reader's list shows first
    """

    id: int
    name: str
    asked: str
    first: bool


def owner_of(session: Session, reader: str) -> int | None:
    """The account of a reader; None for whoever sits at the machine."""
    return session.scalar(select(Account.id).where(Account.name == reader))


def columns_of(session: Session, owner: int | None) -> tuple[str, ...] | None:
    """The columns that a reader has chosen; None where they have not."""
    chosen = session.scalar(
        select(ListColumns.columns)
        .where(_is(ListColumns.account_id, owner))
        .order_by(ListColumns.id.desc())
        .limit(1)
    )
    return None if chosen is None else tuple(chosen)


def choose_columns(session: Session, owner: int | None, columns: Sequence[str] | None) -> None:
    """Keep which columns a reader wants; None: those that the list has by itself."""
    session.execute(delete(ListColumns).where(_is(ListColumns.account_id, owner)))
    if columns is not None:
        session.add(ListColumns(account_id=owner, columns=list(columns)))


def filters_of(session: Session, owner: int | None) -> tuple[KeptFilter, ...]:
    """The filters that a reader has saved, by name."""
    rows = session.scalars(
        select(SavedFilter)
        .where(_is(SavedFilter.account_id, owner))
        .order_by(func.lower(SavedFilter.name), SavedFilter.id)
    )
    return tuple(KeptFilter(one.id, one.name, one.asked, one.first) for one in rows)


def save_filter(session: Session, owner: int | None, name: str, asked: str) -> None:
    """Keep a part of the list under a name; what had the name before is replaced.

    Raises
    ------
    ListRefused
        The name is none, or there are too many filters already.
    """
    name = _checked_name(name)
    if len(asked) > _LONGEST_ADDRESS:
        raise ListRefused("The filter is too long to be saved", limit=_LONGEST_ADDRESS)
    kept = filters_of(session, owner)
    same = next((one for one in kept if one.name.casefold() == name.casefold()), None)
    if same is not None:
        session.execute(_change(owner, same.id).values(name=name, asked=asked))
        return
    if len(kept) >= MOST_FILTERS:
        raise ListRefused(
            "There are as many saved filters as there can be: delete one first", limit=MOST_FILTERS
        )
    session.add(SavedFilter(account_id=owner, name=name, asked=asked))


def rename_filter(session: Session, owner: int | None, filter_id: int, name: str) -> bool:
    """Give a saved filter another name; gives whether the reader has such a filter.

    Raises
    ------
    ListRefused
        The name is none, or another filter of the reader has it.
    """
    name = _checked_name(name)
    for one in filters_of(session, owner):
        if one.id != filter_id and one.name.casefold() == name.casefold():
            raise ListRefused("Another saved filter has this name")
    return _done(session.execute(_change(owner, filter_id).values(name=name)))


def delete_filter(session: Session, owner: int | None, filter_id: int) -> bool:
    """Delete a saved filter; gives whether the reader had it."""
    return _done(
        session.execute(
            delete(SavedFilter).where(
                SavedFilter.id == filter_id, _is(SavedFilter.account_id, owner)
            )
        )
    )


def show_first(session: Session, owner: int | None, filter_id: int | None) -> bool:
    """Let the list of a reader begin with a saved filter; None: with all studies."""
    session.execute(
        update(SavedFilter).where(_is(SavedFilter.account_id, owner)).values(first=False)
    )
    if filter_id is None:
        return True
    return _done(session.execute(_change(owner, filter_id).values(first=True)))


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MOST_LETTERS or not name.isprintable():
        raise ListRefused(
            "A saved filter needs a name of 1 to 40 letters, digits or signs", limit=MOST_LETTERS
        )
    return name


def _is(column: InstrumentedAttribute[int | None], owner: int | None) -> ColumnElement[bool]:
    return column.is_(None) if owner is None else column == owner


def _change(owner: int | None, filter_id: int) -> Any:
    return (
        update(SavedFilter)
        .where(SavedFilter.id == filter_id, _is(SavedFilter.account_id, owner))
        .execution_options(synchronize_session=False)
    )


def _done(changed: Any) -> bool:
    return bool(changed.rowcount)
