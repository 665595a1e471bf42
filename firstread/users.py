"""`firstread users`: who may sign in to the worklist page."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
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
from database.schema import check_schema
from database.session import Engine, Session, open_engine, query, transaction
from firstread.say import errors_to_exit_code
from radiology.errors import AccountRefused
from settings.environment import Settings, read_settings
from settings.log_events import configure_logging
from settings.sign_in import Role
from worklist.access.passwords import check_new_password, hash_password

users = typer.Typer(
    no_args_is_help=True,
    help="""Who may sign in to the worklist page.

A password is asked for twice, or read from the first line of standard input; it is never an
argument, because others see those. Examples: `firstread users add dr.wu`;
`firstread users add chief --role administrator < password.txt`; `firstread users list`.""",
)

Name = Annotated[str, typer.Argument(help="What the person signs in with.")]
_COMMAND_LINE = Actor("command line", "", "")


@users.command("add")
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.READER,
) -> None:
    """Add an account. From the first one on, everybody has to sign in.

    Examples: `firstread users add dr.wu`; `firstread users add chief --role administrator`.
    """
    with errors_to_exit_code():
        settings, engine = _opened()
        checked_account_name(name)
        hashed = hash_password(_new_password(settings))
        now = datetime.now(UTC)
        _change(
            engine, name, "added", lambda session: add_account(session, name, role, hashed, now)
        )
        print(f"{name} may sign in as {role.value}.")


@users.command("list")
def show() -> None:
    """List the accounts. Example: `firstread users list`."""
    with errors_to_exit_code():
        _, engine = _opened()
        with query(engine) as session:
            rows = list_accounts(session)
        table = Table("Name", "Role", "Signs in by", "Added", "Last signed in", "State")
        for column in table.columns[:2]:
            column.no_wrap = True  # what other commands take as an argument
        for row in rows:
            table.add_row(
                row.name,
                row.role.value,
                "password" if row.local else "identity provider",
                _day(row.created_at),
                _day(row.last_sign_in_at),
                f"disabled {_day(row.disabled_at)}" if row.disabled_at else "",
            )
        Console(markup=False).print(table)
        if not rows:
            print("Nobody has an account: the page is shown to this machine only, without sign-in.")


@users.command("set-password")
def change_password(name: Name) -> None:
    """Set a new password, and end every session of the account.

    Examples: `firstread users set-password dr.wu`;
    `pwgen 20 1 | tee new.txt | firstread users set-password dr.wu`.
    """
    with errors_to_exit_code():
        settings, engine = _opened()
        hashed = hash_password(_new_password(settings))
        now = datetime.now(UTC)
        _change(
            engine, name, "password set", lambda session: set_password(session, name, hashed, now)
        )
        print(f"{name} has a new password and is signed out everywhere.")


@users.command("set-role")
def change_role(
    name: Name, role: Annotated[Role, typer.Argument(help="What they may do from now on.")]
) -> None:
    """Give an account another role. Example: `firstread users set-role dr.wu administrator`."""
    with errors_to_exit_code():
        _, engine = _opened()
        _change(engine, name, f"role {role.value}", lambda session: set_role(session, name, role))
        print(f"{name} is {role.value} now.")


@users.command("disable")
def disable(name: Name) -> None:
    """Let nobody sign in with an account any more; it and its name stay.

    Example: `firstread users disable dr.wu`.
    """
    with errors_to_exit_code():
        _, engine = _opened()
        now = datetime.now(UTC)
        _change(engine, name, "disabled", lambda session: disable_account(session, name, now))
        print(f"{name} is signed out everywhere and may not sign in any more.")


@users.command("enable")
def enable(name: Name) -> None:
    """Take a disabled account into use again. Example: `firstread users enable dr.wu`."""
    with errors_to_exit_code():
        _, engine = _opened()
        _change(engine, name, "enabled", lambda session: enable_account(session, name))
        print(f"{name} may sign in again.")


@users.command("remove")
def remove(name: Name) -> None:
    """Remove an account; what it did stays in `firstread audit`.

    When the last one is removed nobody has to sign in any more; a page that is shown to a network
    then lets nobody in. Example: `firstread users remove dr.wu`.
    """
    with errors_to_exit_code():
        _, engine = _opened()
        _change(engine, name, "removed", lambda session: remove_account(session, name))
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
            raise AccountRefused("The two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    check_new_password(password, shortest=settings.sign_in.shortest_password)
    return password


def _opened() -> tuple[Settings, Engine]:
    settings = read_settings()
    configure_logging(settings)
    engine = open_engine(settings.database_address)
    check_schema(engine)
    return settings, engine


def _day(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else "–"
