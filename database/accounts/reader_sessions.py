"""Sessions of readers: from signing in until signing out, a limit, or a change of the password.

The limits are checked here and not in the browser's cookie (OWASP Application Security
Verification Standard 5.0, V7.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from database.tables.readers.account import ADDRESS_LENGTH, Account, ReaderSession
from settings.page.sign_in import Role

_KEPT = timedelta(days=30)  # an ended session: long enough to look into what went wrong


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts: without a request, and in any case."""

    idle: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The reader to whom a session belongs.

    Attributes
    ----------
    local : signed in by a password of ours, so they can change it here
    last_seen_at : of the last request that was noted
    """

    session_id: int
    account_id: int
    name: str
    role: Role
    local: bool
    last_seen_at: datetime


def open_session(
    session: Session, account_id: int, token: str, *, address: str, now: datetime
) -> None:
    """Begin a session.

    Parameters
    ----------
    token : random, at least 128 bits; only its digest is kept
    address : of the browser
    """
    session.execute(delete(ReaderSession).where(ReaderSession.created_at < now - _KEPT))
    session.add(
        ReaderSession(
            account_id=account_id,
            token_sha256=_digest(token),
            address=address[:ADDRESS_LENGTH],
            created_at=now,
            last_seen_at=now,
        )
    )


def session_of(session: Session, token: str, *, limits: Limits, now: datetime) -> SignedIn | None:
    """The reader of the session with a token; None when there is none, or none any more."""
    found = session.execute(
        select(ReaderSession, Account)
        .join(Account, Account.id == ReaderSession.account_id)
        .where(
            ReaderSession.token_sha256 == _digest(token),
            ReaderSession.ended_at.is_(None),
            ReaderSession.created_at > now - limits.longest,
            ReaderSession.last_seen_at > now - limits.idle,
            Account.disabled_at.is_(None),
        )
    ).one_or_none()
    if found is None:
        return None
    row, account = found
    return SignedIn(
        session_id=row.id,
        account_id=account.id,
        name=account.name,
        role=account.role,
        local=not account.issuer,
        last_seen_at=row.last_seen_at,
    )


def note_request(session: Session, session_id: int, now: datetime) -> None:
    """A request was made in a session: its idle limit starts again. One that ended stays ended."""
    session.execute(
        update(ReaderSession)
        .where(ReaderSession.id == session_id, ReaderSession.ended_at.is_(None))
        .values(last_seen_at=now)
    )


def end_session(session: Session, token: str, now: datetime) -> None:
    """End one session: its token is invalid from now on."""
    session.execute(
        update(ReaderSession)
        .where(ReaderSession.token_sha256 == _digest(token), ReaderSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def end_sessions_of(session: Session, account_id: int, now: datetime) -> None:
    """End every session of an account."""
    session.execute(
        update(ReaderSession)
        .where(ReaderSession.account_id == account_id, ReaderSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def _digest(token: str) -> str:
    # A plain digest will do: a random token cannot be guessed from it, unlike a password.
    return sha256(token.encode()).hexdigest()
