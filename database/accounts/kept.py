"""Accounts: who may sign in to the worklist page, and with which role."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from database.accounts.reader_sessions import end_sessions_of
from database.tables.readers.account import NAME_LENGTH, Account
from radiology.errors import AccountRefused
from settings.page.sign_in import Role

_NAME = re.compile(rf"[a-z0-9][a-z0-9._@-]{{0,{NAME_LENGTH - 1}}}")
_RESERVED = frozenset(
    {"local", "unknown", "firstread"}
)  # words that audit events have for somebody else


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account, as an administrator sees it.

    Attributes
    ----------
    local : signs in by a password of ours; otherwise by an identity provider
    """

    name: str
    role: Role
    local: bool
    created_at: datetime
    last_sign_in_at: datetime | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class PasswordOf:
    """What a password is checked against, and whose it is."""

    account_id: int
    password_hash: str
    name: str
    role: Role


def checked_account_name(text: str) -> str:
    """The name of an account of ours, in small letters.

    Raises
    ------
    AccountRefused
        It has other characters, is too long, or means somebody else.
    """
    name = text.strip().lower()
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise AccountRefused(
            "The name of an account is 1 to 64 of the characters a-z, 0-9, '.', '_', '@' and '-', "
            "begins with a letter or a digit, and is neither 'local' nor 'unknown'"
        )
    return name


def has_accounts(session: Session) -> bool:
    """Whether anybody has an account, disabled or not."""
    return bool(session.scalar(select(exists().where(Account.id.is_not(None)))))


def list_accounts(session: Session) -> list[AccountRow]:
    """Every account, by name."""
    return [
        AccountRow(
            name=account.name,
            role=account.role,
            local=not account.issuer,
            created_at=account.created_at,
            last_sign_in_at=account.last_sign_in_at,
            disabled_at=account.disabled_at,
        )
        for account in session.scalars(select(Account).order_by(Account.name))
    ]


def add_account(session: Session, name: str, role: Role, password_hash: str, now: datetime) -> int:
    """Add an account of ours; gives its id.

    Raises
    ------
    AccountRefused
        The name cannot be had.
    """
    name = checked_account_name(name)
    if session.scalar(select(exists().where(Account.name == name))):
        raise AccountRefused("There is an account of this name already", account=name)
    account = Account(
        name=name,
        role=role,
        password_hash=password_hash,
        created_at=now,
        password_changed_at=now,
    )
    session.add(account)
    session.flush()  # the id is asked for
    return account.id


def password_of(session: Session, name: str) -> PasswordOf | None:
    """What the password of an account is checked against; None when it cannot sign in by one."""
    account = session.scalar(
        select(Account).where(
            Account.name == name.strip().lower(),
            Account.disabled_at.is_(None),
            Account.password_hash != "",
        )
    )
    if account is None:
        return None
    return PasswordOf(account.id, account.password_hash, account.name, account.role)


def set_password(session: Session, name: str, password_hash: str, now: datetime) -> None:
    """Replace a password, and end every session that was begun with the old one.

    Raises
    ------
    AccountRefused
        There is no such account, or an identity provider vouches for it.
    """
    account = _account(session, name)
    if account.issuer:
        raise AccountRefused(
            "This account has no password here: change it at the identity provider", account=name
        )
    account.password_hash = password_hash
    account.password_changed_at = now
    end_sessions_of(session, account.id, now)


def renew_hash(session: Session, account_id: int, password_hash: str) -> None:
    """Keep the same password under stronger parameters."""
    account = session.get_one(Account, account_id)
    account.password_hash = password_hash


def set_role(session: Session, name: str, role: Role) -> None:
    """Give an account another role, from its next request on.

    Raises
    ------
    AccountRefused
        There is no such account, or an identity provider says what it may do.
    """
    account = _account(session, name)
    if account.issuer:
        raise AccountRefused(
            "The role of this account comes from its groups at the identity provider", account=name
        )
    account.role = role


def disable_account(session: Session, name: str, now: datetime) -> None:
    """Disable an account, and end its sessions.

    Raises
    ------
    AccountRefused
        There is no such account.
    """
    account = _account(session, name)
    account.disabled_at = account.disabled_at or now
    end_sessions_of(session, account.id, now)


def enable_account(session: Session, name: str) -> None:
    """Take a disabled account into use again.

    Raises
    ------
    AccountRefused
        There is no such account.
    """
    _account(session, name).disabled_at = None


def remove_account(session: Session, name: str) -> None:
    """Remove an account and its sessions; what it did stays in the audit events.

    Raises
    ------
    AccountRefused
        There is no such account.
    """
    session.delete(_account(session, name))


def note_sign_in(session: Session, account_id: int, now: datetime) -> None:
    """Keep when somebody last signed in."""
    session.get_one(Account, account_id).last_sign_in_at = now


def account_of_identity(
    session: Session, *, issuer: str, subject: str, name: str, role: Role, now: datetime
) -> int:
    """The account of a person at an identity provider, made at their first sign-in; gives its id.

    Name and role are taken over each time: the provider decides both.

    Raises
    ------
    AccountRefused
        The account is disabled here, or another account has the name.
    """
    name = name.strip()
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable() or name.lower() in _RESERVED:
        raise AccountRefused("The identity provider gives a name that cannot be shown")
    account = session.scalar(
        select(Account).where(Account.issuer == issuer, Account.subject == subject)
    )
    named = session.scalar(select(Account).where(Account.name == name.lower()))
    if named is not None and named is not account:
        raise AccountRefused("Another account has the name that the identity provider gives")
    if account is None:
        account = Account(issuer=issuer, subject=subject, created_at=now)
        session.add(account)
    elif account.disabled_at is not None:
        raise AccountRefused("This account is disabled here", account=account.name)
    account.name, account.role = name.lower(), role
    session.flush()  # the id is asked for
    return account.id


def _account(session: Session, name: str) -> Account:
    account = session.scalar(select(Account).where(Account.name == name.strip().lower()))
    if account is None:
        raise AccountRefused("There is no account of this name", account=name)
    return account
