"""What readers search for, under tokens that stand in addresses in its place."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from database.tables.readers.account import ListSearch

# As long as a session lasts at the most, by default; a search is typed again sooner than that.
KEPT_FOR = timedelta(hours=12)


def keep_search(
    session: Session, owner: int | None, token: str, sought: str, now: datetime
) -> None:
    """Keep what a reader searches for.

    Parameters
    ----------
    token : random; who has it and is the same reader sees what was found
    """
    session.add(
        ListSearch(account_id=owner, token_sha256=_digest(token), sought=sought, made_at=now)
    )


def kept_search(session: Session, owner: int | None, token: str, now: datetime) -> str | None:
    """What was searched for under a token; None when it is over, or another reader's."""
    mine = ListSearch.account_id.is_(None) if owner is None else ListSearch.account_id == owner
    return session.scalar(
        select(ListSearch.sought).where(
            ListSearch.token_sha256 == _digest(token), mine, ListSearch.made_at >= now - KEPT_FOR
        )
    )


def forget_searches(session: Session, now: datetime) -> None:
    """Forget the searches that are over."""
    session.execute(delete(ListSearch).where(ListSearch.made_at < now - KEPT_FOR))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
