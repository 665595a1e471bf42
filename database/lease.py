"""Leases: how a worker takes the row that is due, writes to it, and lets it go.

A worker holds a row while `lease_until` lies in the future. `fencing_token` grows with each claim,
so whatever a worker writes that only seemed dead is refused. Jobs, deliveries, requests for
earlier studies, notices about flags, event reports and uploads are all claimed in this way. How
soon a row is tried again, and after how many attempts no more, is `worker.attempt.retry`. A claim
is this lease of a row and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypedDict, cast

from sqlalchemy import ColumnElement, CursorResult, or_, select, update
from sqlalchemy.orm import Session

from database.tables.base import KIND_LENGTH, Leased


class AttemptFault(TypedDict):
    """Why an attempt at a row did not succeed, as it is written to the row."""

    error_kind: str
    error_message: str
    trace: str


class LeaseLost(Exception):
    """Another worker has taken this row: this worker must not write anything more."""


def is_free(table: type[Leased], now: datetime) -> ColumnElement[bool]:
    """Whether no worker holds a row: it was given back, or its lease has run out."""
    return or_(table.lease_until.is_(None), table.lease_until < now)


def ended_in_defect(table: type[Leased]) -> ColumnElement[bool]:
    """Whether the attempt before this claim ended in a defect; one of a claim's `returning`."""
    return table.trace != ""


def claim_first(
    session: Session,
    table: type[Leased],
    due: Sequence[ColumnElement[bool]],
    order: Sequence[Any],
    *,
    lease_s: float,
    now: datetime,
    returning: Sequence[Any],
    **values: Any,
) -> tuple[Any, ...] | None:
    """Take the first row that is due, in one statement.

    `FOR UPDATE SKIP LOCKED` lets several PostgreSQL workers claim at once without waiting for each
    other; SQLite has one writer at a time, and leaves the clause out.

    Parameters
    ----------
    due : conditions of the rows that may be claimed, `is_free` among them where a lease that ran
        out frees a row by itself
    values : what else is written with the claim

    Returns
    -------
    The columns of `returning`; None when nothing is due.
    """
    first = select(table.id).where(*due).order_by(*order).limit(1).with_for_update(skip_locked=True)
    row = session.execute(
        update(table)
        .where(table.id == first.scalar_subquery())
        .values(
            lease_until=now + timedelta(seconds=lease_s),
            fencing_token=table.fencing_token + 1,
            **values,
        )
        .returning(*returning)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return None if row is None else tuple(row)


def write_held(
    session: Session,
    table: type[Leased],
    row_id: int,
    fencing_token: int,
    *conditions: ColumnElement[bool],
    **values: Any,
) -> None:
    """Write to a claimed row; without `values` only see that it is still held.

    Raises
    ------
    LeaseLost
        The token is not the newest one any more, or a condition does not hold.
    """
    changed = cast(
        "CursorResult[Any]",
        session.execute(
            update(table)
            .where(table.id == row_id, table.fencing_token == fencing_token, *conditions)
            .values(**(values or {"fencing_token": fencing_token}))
            .execution_options(synchronize_session=False)
        ),
    )
    if changed.rowcount != 1:
        raise LeaseLost


def let_go(*, error_kind: str = "", error_message: str = "", trace: str = "") -> dict[str, Any]:
    """What a worker writes with `write_held` to a row that it holds no longer.

    Parameters
    ----------
    error_kind, error_message : why it did not go well, shown until the next attempt has ended;
        "" takes away what an earlier attempt left there
    trace : where it broke down, after a defect; by it the next claim knows of the defect
    """
    return {
        "lease_until": None,
        "error_kind": error_kind[:KIND_LENGTH],
        "error_message": error_message.replace("\0", ""),  # PostgreSQL takes none in a text
        "trace": trace,
    }


def ended(
    state: StrEnum,
    now: datetime,
    *,
    error_kind: str = "",
    error_message: str = "",
    trace: str = "",
) -> dict[str, Any]:
    """What a worker writes to a row that it has brought to an end."""
    kept = let_go(error_kind=error_kind, error_message=error_message, trace=trace)
    return {"state": state, "finished_at": now, **kept}


def postponed(
    due_at: datetime, *, error_kind: str, error_message: str, trace: str = ""
) -> dict[str, Any]:
    """What a worker writes to a row that is to be claimed again at `due_at`, not before."""
    kept = let_go(error_kind=error_kind, error_message=error_message, trace=trace)
    return {"due_at": due_at, **kept}


def take_away(row: Leased) -> None:
    """Free a locked row: a worker that holds it, or only seemed dead, must write no more."""
    row.lease_until = None
    row.fencing_token += 1
