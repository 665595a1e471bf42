"""`firstread users` and `firstread audit`."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom.sr.codedict import codes
from sqlalchemy import text
from typer.testing import CliRunner, Result

from database.accounts.audit import AUDIT_EVENTS, Actor, StudyReference, record_audit
from database.accounts.kept import list_accounts, password_of
from database.accounts.reader_sessions import Limits, open_session, session_of
from database.session import Engine, open_engine, query, transaction
from firstread.__main__ import app
from radiology.codes import PRIVATE_SCHEME
from settings.environment import read_settings
from settings.page.sign_in import Role
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.readers import PASSWORD, add_reader
from worklist.access.passwords import is_password
from worklist.access.sign_in_gate import limits_of

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Give the database of a Firstread that the command line finds."""
    monkeypatch.setenv("FIRSTREAD_DATA_FOLDER", str(tmp_path))
    engine = open_engine(read_settings().database_address)
    make_tables(engine)
    return engine


def _firstread(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=given)


def _limits() -> Limits:
    return limits_of(read_settings().sign_in)


def test_an_account_is_added_with_a_password_from_standard_input(engine: Engine) -> None:
    """The first line is the password; the account has the role that was asked for."""
    done = _firstread("users", "add", "Chief", "--role", "administrator", given=PASSWORD + "\n")
    assert done.exit_code == 0, done.output
    with query(engine) as session:
        (row,) = list_accounts(session)
        kept = password_of(session, "chief")
    assert (row.name, row.role, row.local) == ("chief", Role.ADMINISTRATOR, True)
    assert kept is not None
    assert is_password(PASSWORD, kept.password_hash)
    assert not is_password(PASSWORD + " ", kept.password_hash)


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("reader", PASSWORD, "of this name already"),
        ("dr wu", PASSWORD, "1 to 64 of the characters"),
        ("local", PASSWORD, "1 to 64 of the characters"),
        ("", PASSWORD, "1 to 64 of the characters"),
        ("dr.wu", "short", "at least 15 characters"),
        ("dr.wu", "", "at least 15 characters"),
    ],
)
def test_what_cannot_be_an_account(engine: Engine, name: str, password: str, said: str) -> None:
    """A name that is taken or odd, or a short password, is refused with exit code 2."""
    add_reader(engine, "reader")
    done = _firstread("users", "add", name, given=password + "\n")
    assert done.exit_code == 2
    assert said in done.output
    with query(engine) as session:
        assert len(list_accounts(session)) == 1


def test_a_password_is_never_an_argument(engine: Engine) -> None:
    """There is no option for it: others would see it in the list of processes."""
    done = _firstread("users", "add", "dr.wu", "--password", PASSWORD)
    assert done.exit_code == 2
    assert "No such option" in done.output


@pytest.mark.parametrize("command", ["set-password", "disable", "remove"])
def test_what_ends_the_sessions_of_an_account(engine: Engine, command: str) -> None:
    """After a new password, disabling or removal no browser stays signed in."""
    account_id = add_reader(engine, "reader")
    now = datetime.now(UTC)
    with transaction(engine) as session:
        open_session(session, account_id, "token", address="", now=now)
    done = _firstread("users", command, "reader", given=PASSWORD + " new\n")
    assert done.exit_code == 0, done.output
    with query(engine) as session:
        assert session_of(session, "token", limits=_limits(), now=now) is None


def test_disabled_enabled_and_given_another_role(engine: Engine) -> None:
    """The list shows what was changed, and each change is an audit event."""
    add_reader(engine, "reader")
    for arguments in (("disable", "reader"), ("set-role", "reader", "administrator")):
        assert _firstread("users", *arguments).exit_code == 0
    shown = _firstread("users", "list").output
    assert "administrator" in shown
    assert "disabled" in shown
    assert _firstread("users", "enable", "reader").exit_code == 0
    assert "disabled" not in _firstread("users", "list").output
    lines = _firstread("audit", "--event", "account_changed").output.splitlines()
    changes = [json.loads(line)["facts"]["change"] for line in lines]
    assert changes == ["disabled", "role administrator", "enabled"]


def test_the_list_is_whole_where_it_is_no_terminal(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script and a log get whole names and moments, of the clock that is named."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    name = "a-long-name-" + "x" * 52
    add_reader(engine, name, now=NOW)
    try:
        said = _firstread("users", "list").stdout
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "Added (UTC)" in said
    assert "Last signed in (UTC)" in said
    (row,) = [line for line in said.splitlines() if name in line]
    assert "2026-11-21 08:00:00" in row


@pytest.mark.parametrize("command", ["set-password", "disable", "enable", "remove"])
def test_an_unknown_account(engine: Engine, command: str) -> None:
    """Who is not there cannot be changed; the message says so."""
    done = _firstread("users", command, "nobody", given=PASSWORD + "\n")
    assert done.exit_code == 2
    assert "no account of this name" in done.output


def _seed(engine: Engine) -> None:
    study = StudyReference("1.2.3", "P1")
    with transaction(engine) as session:
        for hour, (reader, name) in enumerate(
            [("wu", "signed_in"), ("wu", "study_opened"), ("li", "study_opened")]
        ):
            record_audit(
                session,
                name,
                NOW.replace(hour=8 + hour),
                Actor(reader, "reader", "10.0.0.7"),
                study=study if name == "study_opened" else None,
            )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], [1, 2, 3]),
        (["--reader", "wu"], [1, 2]),
        (["--event", "study_opened"], [2, 3]),
        (["--study", "1.2.3", "--reader", "li"], [3]),
        (["--since", "2026-11-21T09:00+00:00"], [2, 3]),
        (["--until", "2026-11-21T09:00Z"], [1]),
        (["--after", "2"], [3]),
        (["--reader", "nobody"], []),
    ],
)
def test_audit_events_are_listed(engine: Engine, arguments: list[str], expected: list[int]) -> None:
    """Every filter leaves what fits, one JSON object a line, the oldest first."""
    _seed(engine)
    done = _firstread("audit", *arguments)
    assert done.exit_code == 0
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == expected


def test_an_audit_event_says_what_it_is_in_dicom(engine: Engine) -> None:
    """A collector finds time, person, address, study and the codes of PS3.15 Section A.5."""
    _seed(engine)
    record = json.loads(_firstread("audit", "--after", "2").stdout)
    assert re.fullmatch("[0-9a-f]{64}", record.pop("sha256"))
    assert record == {
        "id": 3,
        "at": "2026-11-21T10:00:00.000Z",
        "event": "study_opened",
        "event_id": {"code": "110103", "scheme": "DCM", "meaning": "DICOM Instances Accessed"},
        "event_type": None,
        "action": "R",
        "outcome": "0",
        "reader": "li",
        "role": "reader",
        "address": "10.0.0.7",
        "study_instance_uid": "1.2.3",
        "patient_id": "P1",
        "facts": {},
    }


@pytest.mark.parametrize("arguments", [["--since", "yesterday"], ["--event", "nothing"]])
def test_an_audit_filter_that_cannot_be_read(engine: Engine, arguments: list[str]) -> None:
    """A word that is no moment or no event is refused, not ignored."""
    assert _firstread("audit", *arguments).exit_code == 2


def test_thousands_of_audit_events_are_read_in_pieces(engine: Engine) -> None:
    """None is lost or doubled where one piece ends and the next begins."""
    with transaction(engine) as session:
        for _ in range(2001):
            record_audit(session, "page_used", NOW, Actor("wu", "reader", ""))
    ids = [json.loads(line)["id"] for line in _firstread("audit").stdout.splitlines()]
    assert ids == list(range(1, 2002))


# PS3.15 Tables A.5.3.1-1 to .4-1, .6-1, .7-1, .8-1, .10-1, .11-1 and .12-1, EventActionCode
AUDIT_ACTIONS = {
    "Application Activity": "E",
    "Audit Log Used": "R",
    "Begin Transferring DICOM Instances": "E",
    "DICOM Instances Transferred": "CRU",
    "Export": "R",
    "DICOM Instances Accessed": "CRUD",
    "DICOM Study Deleted": "D",
    "Import": "C",
    "Query": "E",
    "Security Alert": "E",
    "User Authentication": "E",
}


@pytest.mark.parametrize("name", AUDIT_EVENTS)
def test_audit_codes_are_those_of_the_standard(name: str) -> None:
    """Event, type and action as PS3.15 Section A.5.3 has them; other codes say whose they are."""
    audit = AUDIT_EVENTS[name]
    if audit.scheme == PRIVATE_SCHEME:
        return
    value, meaning = audit.event_id
    assert meaning in {known.meaning for known in codes.cid400.concepts.values()}
    assert value in {known.value for known in codes.cid400.concepts.values()}
    assert audit.action in AUDIT_ACTIONS[meaning]
    is_typed = meaning in ("Application Activity", "Security Alert", "User Authentication")
    assert (audit.event_type is not None) is is_typed
    if audit.event_type is not None:
        group = codes.cid403 if meaning == "Security Alert" else codes.cid401
        known = {(one.value, one.meaning) for one in group.concepts.values()}
        assert audit.event_type in known


def test_whoever_reads_the_trail_is_recorded(engine: Engine) -> None:
    """Before the first line; whoever finds nothing but that has read nothing."""
    _seed(engine)
    assert len(_firstread("audit", "--after", "1").stdout.splitlines()) == 2
    (read,) = [json.loads(line) for line in _firstread("audit", "--after", "3").stdout.splitlines()]
    assert (read["event"], read["event_id"]["code"]) == ("audit_read", "110101")
    assert read["role"] == "administrator"
    assert _firstread("audit", "--after", "4").stdout == ""


def test_the_trail_as_audit_messages(engine: Engine) -> None:
    """One message of PS3.15 A.5 a line, as a repository gets it."""
    _seed(engine)
    first, *others = _firstread("audit", "--xml").stdout.splitlines()
    assert len(others) == 2
    assert re.match('<AuditMessage><EventIdentification EventActionCode="E"', first)
    assert 'AuditSourceID="FIRSTREAD"' in first


def test_the_chain_is_verified_at_the_command_line(engine: Engine) -> None:
    """Whole: with a head to keep. Changed: which event, by exit code too."""
    _seed(engine)
    whole = json.loads(_firstread("audit", "verify", "--json").stdout)
    assert (whole["whole"], whole["events"], whole["findings"]) == (True, 3, [])
    said = _firstread("audit", "verify", "--head", whole["head"])
    assert (said.exit_code, f"Head: {whole['head']}" in said.stdout) == (0, True)
    other = f"3:{'0' * 64}"
    assert "is not the one that was kept" in _firstread("audit", "verify", "--head", other).stdout
    assert _firstread("audit", "verify", "--head", "3").exit_code == 2
    with engine.begin() as connection:
        connection.execute(text("UPDATE audit_event SET reader = 'nobody' WHERE id = 2"))
    changed = _firstread("audit", "verify")
    assert changed.exit_code == 1
    assert "changed: event 2 was changed" in changed.stdout


def test_only_known_audit_events_are_recorded(engine: Engine) -> None:
    """A name without a code is a mistake of ours."""
    with transaction(engine) as session, pytest.raises(ValueError, match="not an audit event"):
        record_audit(session, "coffee_made", NOW, Actor("wu", "reader", ""))
