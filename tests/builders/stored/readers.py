"""People with accounts, some of them signed in already."""

from __future__ import annotations

import functools
from datetime import UTC, datetime

from playwright.sync_api import BrowserContext

from database.accounts.kept import add_account
from database.accounts.reader_sessions import open_session
from database.session import Engine, transaction
from settings.page.sign_in import Role
from worklist.access.passwords import hash_password

PASSWORD = "correct horse battery staple"
SESSION_COOKIE = "firstread-session"  # over http; over https it has a prefix


@functools.cache
def hash_of(password: str = PASSWORD) -> str:
    """The hash of a password: once for a test run, because making one takes its time."""
    return hash_password(password)


def sign_in_browser(context: BrowserContext, address: str, name: str = "reader") -> None:
    """Give a browser the session that `signed_in_reader` has opened."""
    context.add_cookies(
        [{"name": SESSION_COOKIE, "value": token_for(name), "url": address, "httpOnly": True}]
    )


def add_reader(
    engine: Engine, name: str = "reader", role: Role = Role.READER, now: datetime | None = None
) -> int:
    """Add an account whose password is `PASSWORD`; gives its id."""
    with transaction(engine) as session:
        return add_account(session, name, role, hash_of(), now or datetime.now(UTC))


def token_for(name: str) -> str:
    """The token of the session that `signed_in_reader` opens."""
    return (name.replace(".", "-").replace("@", "-") + "-" + "x" * 43)[:43]


def signed_in_reader(
    engine: Engine, name: str = "reader", role: Role = Role.READER, now: datetime | None = None
) -> str:
    """Add an account and open a session for it; gives the token of its cookie."""
    account_id = add_reader(engine, name, role, now)
    token = token_for(name)
    with transaction(engine) as session:
        open_session(session, account_id, token, address="127.0.0.1", now=now or datetime.now(UTC))
    return token
