"""`firstread flags`: what is open, acknowledging, telling a channel again, and trying one out."""

from __future__ import annotations

import getpass
import secrets
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from database.flags.notices import retry_notices
from database.flags.raised import acknowledge_flag
from database.schema import check_schema
from database.session import Engine, open_engine, query, transaction
from database.views.flag_pages import FlagFacts, list_flags
from firstread.say import console, errors_to_exit_code
from radiology.errors import SettingsRefused
from radiology.identity import derived_uid
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.environment import Settings, read_settings
from settings.log_events import configure_logging
from worker.flag.channel import Notice, NoticeKind
from worker.flag.channels import open_channel
from worker.flag.flag_study import page_address

flags = typer.Typer(
    no_args_is_help=True, help="Flags of urgent studies: what is open, and who was told."
)


@flags.command("list")
def list_all(
    all_flags: Annotated[bool, typer.Option("--all", help="Not only the open ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
) -> None:
    """List flags with what each channel answered."""
    with errors_to_exit_code():
        settings = _settings()
        with query(_engine(settings)) as session:
            found = list_flags(session, open_only=not all_flags, limit=limit)
        table = Table("Flag", "Accession", "Urgency", "State", "Raised (UTC)", "Told")
        for flag in found:
            table.add_row(
                flag.flag_uid,
                flag.accession_number,
                flag.urgency.value,
                _state(flag),
                f"{flag.raised_at:%Y-%m-%d %H:%M:%S}",
                "\n".join(f"{one.channel}: {one.kind} {one.state}" for one in flag.notices),
            )
        Console().print(table)


@flags.command("acknowledge")
def acknowledge(
    flag_uid: Annotated[str, typer.Argument(help="The flag's UID, as `flags list` shows.")],
    by: Annotated[str, typer.Option(help="Who has seen it; default: whoever you are here.")] = "",
) -> None:
    """Say that somebody has seen a flag."""
    with errors_to_exit_code():
        with transaction(_engine(_settings())) as session:
            done = acknowledge_flag(
                session,
                flag_uid,
                by=by or getpass.getuser(),
                through="command line",
                now=datetime.now(UTC),
            )
        console.print("Acknowledged." if done else "There is no open flag with this UID.")
        raise typer.Exit(0 if done else 1)


@flags.command("retry")
def retry(
    flag_uid: Annotated[str, typer.Argument(help="The flag's UID, as `flags list` shows.")],
    channel: Annotated[str | None, typer.Option(help="Only this channel.")] = None,
) -> None:
    """Tell channels again that refused a flag or did not take it."""
    with errors_to_exit_code():
        with transaction(_engine(_settings())) as session:
            count = retry_notices(session, flag_uid, datetime.now(UTC), channel=channel)
        console.print(f"{count} notices wait again." if count else "There is nothing to try again.")
        raise typer.Exit(0 if count else 1)


@flags.command("test")
def test(
    channel: Annotated[str, typer.Argument(help="The channel's name in the settings.")],
) -> None:
    """Send a notice about no study through a channel, and its withdrawal; print the answers.

    Example: `firstread flags test pager`.
    """
    with errors_to_exit_code():
        settings = _settings()
        known = next((one for one in settings.flags if one.name == channel), None)
        if known is None:
            names = ", ".join(one.name for one in settings.flags) or "none"
            raise SettingsRefused(f"There is no such channel; the settings have: {names}")
        sender = open_channel(known, settings)
        now, salt = datetime.now(UTC), secrets.token_hex(8)
        try:
            for kind in (NoticeKind.RAISED, NoticeKind.WITHDRAWN):
                answer = sender.send(_made_up(settings, kind, now, salt), now)
                console.print(f"{kind.value}: {answer.code} {answer.reference}", highlight=False)
        finally:
            sender.close()


def _made_up(settings: Settings, kind: NoticeKind, now: datetime, salt: str) -> Notice:
    """A notice that names a study which does not exist."""
    study = derived_uid("flag test", settings.ae_title, salt)
    return Notice(
        flag_uid=derived_uid("flag", study),
        notice_uid=derived_uid("flag notice", study, kind),
        kind=kind,
        study_instance_uid=study,
        patient_id="FIRSTREAD-TEST",
        issuer_of_patient_id="",
        patient_sex="",
        accession_number="TEST",
        outcome=Outcome.FINDINGS,
        urgency=Urgency.URGENT,
        rule="a test by an administrator",
        suspicion=None,
        reading=None,
        objects=(),
        raised_at=now,
        last_instance_at=now,
        study_url=f"{page_address(settings)}/",
    )


def _state(flag: FlagFacts) -> str:
    if not flag.acknowledged_by:
        return flag.state.value
    return f"{flag.state.value}: {flag.acknowledged_by} ({flag.acknowledged_through})"


def _settings() -> Settings:
    settings = read_settings()
    configure_logging(settings)
    return settings


def _engine(settings: Settings) -> Engine:
    engine = open_engine(settings.database_address)
    check_schema(engine)
    return engine
