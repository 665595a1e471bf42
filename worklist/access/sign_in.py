"""Signing in by a password, and signing out: what happens in the database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from database.accounts.audit import Actor, record_audit
from database.accounts.kept import (
    PasswordOf,
    note_sign_in,
    password_of,
    renew_hash,
    set_password,
)
from database.accounts.reader_sessions import SignedIn, end_session, open_session
from database.accounts.sign_in_failures import (
    charge_attempt,
    forgive_attempt,
    is_over_limit,
)
from database.session import Engine, Session, query, transaction
from worklist.access.cookies import new_token
from worklist.access.passwords import check_new_password, hash_password, is_password, needs_new_hash

_NOBODY = "unknown"  # what was typed is not kept: it may have been a password


class SignInRefusal(StrEnum):
    """Why somebody was not let in. The first does not say which of the two was wrong."""

    WRONG = "The name or the password is not right."
    TOO_OFTEN = "There were too many failed attempts."


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody tries to sign in with.

    Attributes
    ----------
    old_token : of a session or visit that the browser has; it ends, so that nobody can plant one
        (OWASP Session Management Cheat Sheet, session fixation)
    """

    name: str
    password: str
    address: str
    old_token: str | None = None


@dataclass(frozen=True, slots=True)
class SignInAnswer:
    """A new session's token, or why there is none and when to try again."""

    token: str | None = None
    refusal: SignInRefusal | None = None
    again_at: datetime | None = None


def local_address(wanted: str | None) -> str:
    """Where to go after signing in: an address of this page, whatever was asked for.

    Browsers take a backslash for a slash and drop tabs and line ends before they read an address
    (WHATWG URL Standard, Section 4.4), so none of those may stand in it.
    """
    if (
        not wanted
        or not wanted.startswith("/")
        or wanted.startswith("//")
        or "\\" in wanted
        or not wanted.isascii()
        or not wanted.isprintable()
        or len(wanted) > 500
    ):
        return "/"
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    closed = parts.scheme or parts.netloc or parts.path.startswith(("/sign-", "/live/"))
    return "/" if closed else wanted


def sign_in_by_password(engine: Engine, attempt: Attempt, now: datetime) -> SignInAnswer:
    """Check a password, and begin a session when it is right."""
    found = check_password(engine, attempt, now)
    if isinstance(found, SignInAnswer):
        return found
    with transaction(engine) as session:
        if password_of(session, attempt.name) != found:  # changed or disabled while we looked
            return SignInAnswer(refusal=SignInRefusal.WRONG)
        token = begin_session(
            session,
            found.account_id,
            Actor(found.name, "", attempt.address),
            now,
            old_token=attempt.old_token,
            through="password",
        )
    return SignInAnswer(token=token)


def check_password(engine: Engine, attempt: Attempt, now: datetime) -> PasswordOf | SignInAnswer:
    """Check a password; gives whose it is, or why it is refused.

    An unknown name takes the same way and as long as a wrong password. Whoever goes on with the
    answer looks once more that the account has not changed meanwhile. Of attempts beyond the limit
    the first one is recorded.
    """
    with query(engine) as session:
        again_at = is_over_limit(session, attempt.name, attempt.address, now)
    if again_at is not None:
        return SignInAnswer(refusal=SignInRefusal.TOO_OFTEN, again_at=again_at)
    with transaction(engine) as session:
        again_at = charge_attempt(session, attempt.name, attempt.address, now)
    with query(engine) as session:
        found = password_of(session, attempt.name)
    if again_at is not None:
        _record_failure(engine, attempt, found, now, reason="too many attempts")
        return SignInAnswer(refusal=SignInRefusal.TOO_OFTEN, again_at=again_at)
    if not is_password(attempt.password, found.password_hash if found else None):
        _record_failure(engine, attempt, found, now, reason="name or password")
        return SignInAnswer(refusal=SignInRefusal.WRONG)
    assert found is not None
    better = hash_password(attempt.password) if needs_new_hash(found.password_hash) else None
    with transaction(engine) as session:
        if password_of(session, attempt.name) != found:
            return SignInAnswer(refusal=SignInRefusal.WRONG)
        forgive_attempt(session, attempt.name, attempt.address)
        if better is not None:
            renew_hash(session, found.account_id, better)
    return found if better is None else replace(found, password_hash=better)


def begin_session(
    session: Session,
    account_id: int,
    actor: Actor,
    now: datetime,
    *,
    old_token: str | None,
    through: str,
) -> str:
    """Begin a session with a token that nobody had before; the old one ends. Gives the token."""
    token = new_token()
    if old_token is not None:
        end_session(session, old_token, now)
    open_session(session, account_id, token, address=actor.address, now=now)
    note_sign_in(session, account_id, now)
    record_audit(session, "signed_in", now, actor, through=through)
    return token


def sign_out(engine: Engine, token: str, actor: Actor, now: datetime) -> None:
    """End a session."""
    with transaction(engine) as session:
        end_session(session, token, now)
        record_audit(session, "signed_out", now, actor)


def change_password(
    engine: Engine,
    who: SignedIn,
    actor: Actor,
    *,
    current: str,
    new: str,
    shortest: int,
    now: datetime,
) -> SignInAnswer:
    """Change one's own password; every session ends, and a new one begins.

    Raises
    ------
    AccountRefused
        The new password is too short or too long, or the account has none here.
    """
    check_new_password(new, shortest=shortest)
    with transaction(engine) as session:
        again_at = charge_attempt(session, who.name, actor.address, now)
        found = password_of(session, who.name)
    if again_at is not None:
        return SignInAnswer(refusal=SignInRefusal.TOO_OFTEN, again_at=again_at)
    if not is_password(current, found.password_hash if found else None):
        with transaction(engine) as session:
            record_audit(session, "password_changed", now, actor, succeeded=False)
        return SignInAnswer(refusal=SignInRefusal.WRONG)
    hashed = hash_password(new)
    with transaction(engine) as session:
        if password_of(session, who.name) != found:  # changed elsewhere while we looked
            return SignInAnswer(refusal=SignInRefusal.WRONG)
        forgive_attempt(session, who.name, actor.address)
        set_password(session, who.name, hashed, now)
        token = new_token()
        open_session(session, who.account_id, token, address=actor.address, now=now)
        record_audit(session, "password_changed", now, actor)
    return SignInAnswer(token=token)


def _record_failure(
    engine: Engine, attempt: Attempt, found: PasswordOf | None, now: datetime, *, reason: str
) -> None:
    name = attempt.name.strip().lower() if found else _NOBODY
    with transaction(engine) as session:
        record_audit(
            session,
            "sign_in_failed",
            now,
            Actor(name, "", attempt.address),
            succeeded=False,
            reason=reason,
        )
