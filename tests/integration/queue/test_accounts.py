"""Accounts, sessions, failed attempts and audit events in both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from database.accounts.audit import Actor, audit_events, record_audit
from database.accounts.kept import (
    account_of_identity,
    add_account,
    disable_account,
    enable_account,
    has_accounts,
    list_accounts,
    password_of,
    remove_account,
)
from database.accounts.reader_sessions import (
    Limits,
    end_session,
    end_sessions_of,
    note_request,
    open_session,
    session_of,
)
from database.accounts.sign_in_failures import (
    COUNTED_FOR,
    FAILURES_OF_BOTH,
    FAILURES_OF_ONE,
    charge_attempt,
    forgive_attempt,
)
from database.session import Engine, query, transaction
from radiology.errors import AccountRefused
from settings.page.sign_in import Role

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LIMITS = Limits(idle=timedelta(hours=1), longest=timedelta(hours=8))


def _account(engine: Engine, name: str = "wu") -> int:
    with transaction(engine) as session:
        return add_account(session, name, Role.READER, "hash", NOW)


def _who(engine: Engine, token: str, now: datetime = NOW) -> str | None:
    with query(engine) as session:
        found = session_of(session, token, limits=LIMITS, now=now)
    return found.name if found else None


def _charge(engine: Engine, name: str, address: str, now: datetime = NOW) -> datetime | None:
    with transaction(engine) as session:
        return charge_attempt(session, name, address, now)


def test_an_account_from_its_beginning_to_its_end(engine: Engine) -> None:
    """Added, disabled, enabled and removed; a second one of the same name is refused."""
    with query(engine) as session:
        assert not has_accounts(session)
    _account(engine)
    with pytest.raises(AccountRefused, match="already"):
        _account(engine, "WU")
    with transaction(engine) as session:
        disable_account(session, "wu", NOW)
        assert password_of(session, "wu") is None
    with transaction(engine) as session:
        enable_account(session, "wu")
        assert password_of(session, " Wu ") is not None
    with transaction(engine) as session:
        remove_account(session, "wu")
    with query(engine) as session:
        assert list_accounts(session) == []


def test_a_session_within_its_limits(engine: Engine) -> None:
    """Idle too long, too long in all, ended, or with another token it is nobody's."""
    account_id = _account(engine)
    with transaction(engine) as session:
        open_session(session, account_id, "token", address="10.0.0.7", now=NOW)
    assert _who(engine, "token") == "wu"
    assert _who(engine, "Token") is None
    assert _who(engine, "token", NOW + timedelta(minutes=61)) is None
    for hour in range(1, 8):
        with transaction(engine) as session:
            found = session_of(
                session, "token", limits=LIMITS, now=NOW + timedelta(minutes=59 * hour)
            )
            assert found is not None
            note_request(session, found.session_id, NOW + timedelta(minutes=59 * hour))
    assert _who(engine, "token", NOW + timedelta(hours=7.9)) is None  # idle again
    with transaction(engine) as session:
        end_session(session, "token", NOW)
    assert _who(engine, "token") is None


def test_every_session_of_an_account_ends(engine: Engine) -> None:
    """And nobody else's; a request that comes late does not begin one again."""
    tokens = {}
    for name in ("wu", "li"):
        tokens[name] = _account(engine, name)
        with transaction(engine) as session:
            open_session(session, tokens[name], f"token of {name}", address="", now=NOW)
    with transaction(engine) as session:
        found = session_of(session, "token of wu", limits=LIMITS, now=NOW)
        assert found is not None
        end_sessions_of(session, tokens["wu"], NOW)
        note_request(session, found.session_id, NOW)
    assert _who(engine, "token of wu") is None
    assert _who(engine, "token of li") == "li"


def test_old_sessions_are_forgotten(engine: Engine) -> None:
    """The table does not grow for ever."""
    account_id = _account(engine)
    with transaction(engine) as session:
        open_session(session, account_id, "old", address="", now=NOW)
    with transaction(engine) as session:
        open_session(session, account_id, "new", address="", now=NOW + timedelta(days=31))
        assert len(list_accounts(session)) == 1
    assert _who(engine, "old") is None


def test_attempts_at_the_same_moment_are_all_counted(engine: Engine) -> None:
    """Twenty at once pass the limit as rarely as twenty one after the other."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _charge(engine, "wu", "10.0.0.7"), range(20)))
    assert sum(answer is None for answer in answers) == FAILURES_OF_BOTH


def test_counters_are_forgotten_after_a_while(engine: Engine) -> None:
    """Attempts while one has to wait do not make the wait longer."""
    for minute in range(FAILURES_OF_BOTH + 3):
        answer = _charge(engine, "wu", "10.0.0.7", NOW + timedelta(minutes=minute))
    assert answer == NOW + COUNTED_FOR
    assert _charge(engine, "wu", "10.0.0.7", NOW + COUNTED_FOR) is None


def test_success_takes_back_what_was_charged(engine: Engine) -> None:
    """Signing in does not wear the limits out, and does not clear the address of a guesser."""
    for _ in range(2 * FAILURES_OF_ONE):
        assert _charge(engine, "own", "10.0.0.7") is None
        with transaction(engine) as session:
            forgive_attempt(session, "own", "10.0.0.7")
    guesses = 0
    while _charge(engine, f"guess {guesses}", "10.0.0.7") is None:
        guesses += 1
        with transaction(engine) as session:
            charge_attempt(session, "own", "10.0.0.7", NOW)
            forgive_attempt(session, "own", "10.0.0.7")
    assert guesses == FAILURES_OF_ONE


def test_one_ipv6_network_is_one_address(engine: Engine) -> None:
    """Who has a whole network of addresses gains nothing by changing them."""
    answers = [_charge(engine, "wu", f"2001:db8::{number:x}") for number in range(20)]
    assert sum(answer is None for answer in answers) == FAILURES_OF_BOTH
    assert _charge(engine, "wu", "2001:db8:0:1::1") is None


def test_a_person_of_an_identity_provider(engine: Engine) -> None:
    """Known by issuer and subject: the name may change, another's may not be taken."""

    def come(subject: str, name: str, role: Role = Role.READER) -> int:
        with transaction(engine) as session:
            return account_of_identity(
                session, issuer="https://idp", subject=subject, name=name, role=role, now=NOW
            )

    first = come("1", "Wu")
    assert come("1", "wu.married", Role.ADMINISTRATOR) == first
    assert come("2", "wu") != first
    for name in ("wu.married", "WU.Married", "", "a" * 65, "two\nlines", "local"):
        with pytest.raises(AccountRefused):
            come("3", name)
    with query(engine) as session:
        rows = {row.name: row.role for row in list_accounts(session)}
        assert password_of(session, "wu") is None
    assert rows == {"wu": Role.READER, "wu.married": Role.ADMINISTRATOR}


def test_audit_events_in_their_order(engine: Engine) -> None:
    """What is recorded comes back as it was, with its moment in UTC."""
    with transaction(engine) as session:
        for number in range(3):
            record_audit(
                session, "page_used", NOW, Actor("wu", "reader", "10.0.0.7"), number=number
            )
    with query(engine) as session:
        rows = list(audit_events(session, since=NOW, until=NOW + timedelta(seconds=1)))
    assert [row.facts["number"] for row in rows] == [0, 1, 2]
    assert {row.at for row in rows} == {NOW}
