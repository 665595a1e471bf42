"""`firstread users`: who may sign in to the worklist page."""

from __future__ import annotations

from typing import Annotated

import typer

from firstread.say import errors_to_exit_code
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging
from settings.page.sign_in import Role

users = typer.Typer(
    no_args_is_help=True,
    help="""Who may sign in to the worklist page.

A password is asked for twice, or read from the first line of standard input; it is never an
argument, because others see those. Examples: `firstread users add dr.wu`;
`firstread users add chief --role administrator < password.txt`; `firstread users list`.""",
)

Name = Annotated[str, typer.Argument(help="What the person signs in with.")]


@users.command("add")
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.READER,
) -> None:
    """Add an account. From the first one on, everybody has to sign in.

    Examples: `firstread users add dr.wu`; `firstread users add chief --role administrator`.
    """
    from firstread.users.accounts import add_and_say

    with errors_to_exit_code():
        add_and_say(_settings(), name, role)


@users.command("list")
def show() -> None:
    """List the accounts. Example: `firstread users list`."""
    from firstread.users.accounts import print_accounts

    with errors_to_exit_code():
        print_accounts(_settings())


@users.command("set-password")
def change_password(name: Name) -> None:
    """Set a new password, and end every session of the account.

    Examples: `firstread users set-password dr.wu`;
    `pwgen 20 1 | tee new.txt | firstread users set-password dr.wu`.
    """
    from firstread.users.accounts import set_password_and_say

    with errors_to_exit_code():
        set_password_and_say(_settings(), name)


@users.command("set-role")
def change_role(
    name: Name, role: Annotated[Role, typer.Argument(help="What they may do from now on.")]
) -> None:
    """Give an account another role. Example: `firstread users set-role dr.wu administrator`."""
    from firstread.users.accounts import set_role_and_say

    with errors_to_exit_code():
        set_role_and_say(_settings(), name, role)


@users.command("disable")
def disable(name: Name) -> None:
    """Disable an account; it and its name stay.

    Example: `firstread users disable dr.wu`.
    """
    from firstread.users.accounts import disable_and_say

    with errors_to_exit_code():
        disable_and_say(_settings(), name)


@users.command("enable")
def enable(name: Name) -> None:
    """Take a disabled account into use again. Example: `firstread users enable dr.wu`."""
    from firstread.users.accounts import enable_and_say

    with errors_to_exit_code():
        enable_and_say(_settings(), name)


@users.command("remove")
def remove(name: Name) -> None:
    """Remove an account; what it did stays in `firstread audit`.

    When the last one is removed nobody has to sign in any more; a page that is shown to a network
    then lets nobody in. Example: `firstread users remove dr.wu`.
    """
    from firstread.users.accounts import remove_and_say

    with errors_to_exit_code():
        remove_and_say(_settings(), name)


def _settings() -> Settings:
    settings = read_settings()
    configure_command_logging(settings)
    return settings
