"""Accounts of the worklist page: added, listed, changed and removed, each with an audit event."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from rich.table import Table

from database.accounts.audit import Actor, record_audit
from database.accounts.kept import (
    add_account,
    checked_account_name,
    disable_account,
    enable_account,
    list_accounts,
    remove_account,
    set_password,
    set_role,
)
from database.session import Engine, Session, query, transaction
from firstread.data_folder import open_database
from firstread.say import table_console
from radiology.errors import AccountRefused
from settings.environment import Settings
from settings.page.sign_in import Role
from worklist.access.passwords import check_new_password, hash_password

_COMMAND_LINE = Actor("command line", "", "")


def add_and_say(settings: Settings, name: str, role: Role) -> None:
    """Add an account, with a password that is asked for.

    Raises
    ------
    AccountRefused
        The name or the password is not allowed, or the name is taken.
    """
    engine = open_database(settings, make=True)  # before the first start: nobody else may then
    checked_account_name(name)
    hashed = hash_password(_new_password(settings))
    now = datetime.now(UTC)
    _change(engine, name, "added", lambda session: add_account(session, name, role, hashed, now))
    print(f"{name} may sign in as {role.value}.")


def print_accounts(settings: Settings) -> None:
    """Print the accounts as a table."""
    with query(open_database(settings)) as session:
        rows = list_accounts(session)
    table = Table("Name", "Role", "Signs in by", "Added (UTC)", "Last signed in (UTC)", "State")
    for column in table.columns[:2]:
        column.no_wrap = True  # what other commands take as an argument
    for row in rows:
        table.add_row(
            row.name,
            row.role.value,
            "password" if row.local else "identity provider",
            _time(row.created_at),
            _time(row.last_sign_in_at),
            f"disabled {_time(row.disabled_at)} UTC" if row.disabled_at else "",
        )
    table_console().print(table)
    if not rows:
        print("Nobody has an account: the page is shown to this machine only, without sign-in.")


def set_password_and_say(settings: Settings, name: str) -> None:
    """Set a password that is asked for, and end every session of the account."""
    engine = open_database(settings)
    hashed = hash_password(_new_password(settings))
    now = datetime.now(UTC)
    _change(engine, name, "password set", lambda session: set_password(session, name, hashed, now))
    print(f"{name} has a new password and is signed out everywhere.")


def set_role_and_say(settings: Settings, name: str, role: Role) -> None:
    """Give an account another role."""
    engine = open_database(settings)
    _change(engine, name, f"role {role.value}", lambda session: set_role(session, name, role))
    print(f"{name} is {role.value} now.")


def disable_and_say(settings: Settings, name: str) -> None:
    """Disable an account."""
    now = datetime.now(UTC)
    _change(
        open_database(settings),
        name,
        "disabled",
        lambda session: disable_account(session, name, now),
    )
    print(f"{name} is signed out everywhere and may not sign in any more.")


def enable_and_say(settings: Settings, name: str) -> None:
    """Take a disabled account into use again."""
    _change(open_database(settings), name, "enabled", lambda session: enable_account(session, name))
    print(f"{name} may sign in again.")


def remove_and_say(settings: Settings, name: str) -> None:
    """Remove an account."""
    _change(open_database(settings), name, "removed", lambda session: remove_account(session, name))
    print(f"{name} is removed.")


def _change(engine: Engine, name: str, what: str, change: Callable[[Session], object]) -> None:
    """Change an account, and leave an audit event of it in the same commit."""
    with transaction(engine) as session:
        change(session)
        record_audit(
            session,
            "account_changed",
            datetime.now(UTC),
            _COMMAND_LINE,
            account=name.strip().lower(),
            change=what,
        )


def _new_password(settings: Settings) -> str:
    """A password from the terminal, twice, or from the first line of standard input."""
    if sys.stdin.isatty():
        password = getpass.getpass("New password: ")
        if password != getpass.getpass("Once more: "):
            raise AccountRefused(
                "The two passwords differ: nothing was changed, run the command again"
            )
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    check_new_password(password, shortest=settings.sign_in.shortest_password)
    return password


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else "–"
