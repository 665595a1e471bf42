"""The chain of audit events, in both databases: what somebody does to it is found, and which it is.

The hashes are computed once more by a program of the test's own, from what `docs/audit.md` says.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from database.accounts.audit import Actor, StudyReference, record_audit
from database.audit.verify import ChainFault, Kept, verify_chain
from database.retention.old_rows import delete_old_audit
from database.schema import upgrade_schema
from database.session import Engine, query, transaction
from database.tables.readers.account import AuditEvent
from tests.integration.queue.audit.tampering import rows, swap, tamper

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=UTC)
WU = Actor("wu", "reader", "10.0.0.7")


def _record(engine: Engine, count: int, *, at: datetime = NOW) -> None:
    for number in range(count):
        study = StudyReference(f"1.2.{number}", f"P{number}") if number % 2 else None
        with transaction(engine) as session:
            record_audit(
                session,
                "study_opened" if study else "worklist_opened",
                at + timedelta(seconds=number),
                WU,
                study=study,
                route="/ä",
                share=0.1 + 0.2,
            )


def _faults(engine: Engine, kept: Kept | None = None) -> list[tuple[str, int]]:
    with query(engine) as session:
        _, findings = verify_chain(session, kept)
        return [(one.fault.value, one.number) for one in findings]


def _head(engine: Engine) -> Kept:
    with query(engine) as session:
        verified, _ = verify_chain(session)
        return Kept(verified.ends.last_id, verified.ends.last_sha256)


def _sha256(parts: list[object]) -> str:
    said = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def test_each_event_holds_the_hash_of_the_one_before(engine: Engine) -> None:
    """As the documentation says, and as a program of nobody's but this test computes it."""
    _record(engine, 5)
    previous = "0" * 64
    found = rows(engine)
    assert [one["id"] for one in found] == [1, 2, 3, 4, 5]
    for one in found:
        at, facts = one["at"], one["facts"]
        at = datetime.fromisoformat(at) if isinstance(at, str) else at
        assert isinstance(at, datetime)
        moment = (at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
        facts = json.loads(facts) if isinstance(facts, str) else facts
        whom = _sha256([one["salt"], one["study_instance_uid"], one["patient_id"]])
        this = _sha256(
            [
                *("firstread-audit-1", previous, one["id"], moment),
                *(one["name"], bool(one["succeeded"]), one["reader"], one["role"]),
                *(one["address"], facts, whom),
            ]
        )
        assert (one["identifiers_sha256"], one["previous_sha256"], one["sha256"]) == (
            whom,
            previous,
            this,
        )
        previous = this
    assert len({one["salt"] for one in found}) == 5
    assert _faults(engine) == []


def test_a_changed_event_is_found(engine: Engine) -> None:
    """Whichever part of it, study and patient too where salt and digest are left as they are."""
    _record(engine, 12)
    moment = "2026-11-21 09:00:00.000000" + ("" if engine.dialect.name == "sqlite" else "+00:00")
    changed = {
        "name": "'study_changed'",
        "reader": "'li'",
        "role": "'administrator'",
        "address": "'10.0.0.8'",
        "facts": """'{"route": "/ä", "share": 0.3}'""",
        "at": f"'{moment}'",
        "succeeded": "false",
    }
    for number, (field, value) in enumerate(changed.items(), start=1):
        tamper(engine, f"UPDATE audit_event SET {field} = {value} WHERE id = {number}")
    tamper(
        engine,
        "UPDATE audit_event SET patient_id = 'P9' WHERE id = 8",
        "UPDATE audit_event SET study_instance_uid = '9' WHERE id = 10",
    )
    assert _faults(engine) == [
        *(("changed", number) for number in range(1, 8)),
        ("identifiers_changed", 8),
        ("identifiers_changed", 10),
    ]


def test_identifiers_that_nobody_has_forgotten_are_missed(engine: Engine) -> None:
    """To take the salt away as `forget` does hides nothing: no event says why."""
    _record(engine, 4)
    tamper(
        engine,
        "UPDATE audit_event SET salt = '', patient_id = 'forgotten-9', "
        "study_instance_uid = 'forgotten-9' WHERE id = 2",
    )
    assert _faults(engine) == [("identifiers_changed", 2)]


def test_a_removed_event_is_found(engine: Engine) -> None:
    """At the beginning, in the middle and at the end; and where none is left."""
    _record(engine, 12)
    tamper(engine, "DELETE FROM audit_event WHERE id IN (1, 3, 5, 6, 11, 12)")
    assert _faults(engine) == [("removed", number) for number in (1, 3, 5, 11)]
    tamper(engine, "DELETE FROM audit_event")
    assert _faults(engine) == [("removed", 1)]


def test_the_end_removed_with_its_head_is_found_by_a_head_from_elsewhere(engine: Engine) -> None:
    """The database alone cannot tell; whoever kept a head can."""
    _record(engine, 3)
    earlier = _head(engine)
    _record(engine, 2, at=NOW + timedelta(hours=1))
    kept = _head(engine)
    tamper(
        engine,
        "DELETE FROM audit_event WHERE id > 3",
        f"UPDATE audit_head SET last_id = 3, last_sha256 = '{earlier.sha256}'",
    )
    assert _faults(engine) == []
    assert _faults(engine, earlier) == []
    assert _faults(engine, kept) == [("kept_head", 5)]


def test_a_chain_made_anew_is_found_by_a_head_from_elsewhere(engine: Engine) -> None:
    """Who knows how the hashes are made can make them all again, and not the one that was sent."""
    _record(engine, 5)
    kept = _head(engine)
    tamper(engine, "DELETE FROM audit_event", "DELETE FROM audit_head")
    _record(engine, 5)
    assert _faults(engine) == []
    assert _faults(engine, kept) == [("kept_head", 5)]


def test_an_inserted_event_is_found(engine: Engine) -> None:
    """Behind the end, before the beginning, and in a gap with hashes that fit by themselves."""
    _record(engine, 3)
    copied = (
        "at, name, succeeded, reader, role, address, study_instance_uid, patient_id, facts, salt, "
        "identifiers_sha256, previous_sha256, sha256"
    )
    for number in (9, -4):
        tamper(
            engine,
            f"INSERT INTO audit_event (id, {copied}) "
            f"SELECT {number}, {copied} FROM audit_event WHERE id = 2",
        )
    assert {("moved", 9), ("inserted", 9), ("inserted", -4)} <= set(_faults(engine))


def test_events_that_changed_places_are_found(engine: Engine) -> None:
    """Each says which number it had."""
    _record(engine, 5)
    swap(engine, 2, 4)
    with query(engine) as session:
        _, findings = verify_chain(session)
        said = {one.number: one.says for one in findings if one.fault is ChainFault.MOVED}
    assert said == {
        2: "event 2 is the one that had the number 4",
        4: "event 4 is the one that had the number 2",
    }


_WRITER = """
import sys
import time
from datetime import UTC, datetime
from database.accounts.audit import Actor, record_audit
from database.session import open_engine, transaction
engine = open_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(60):
    with transaction(engine) as session:
        record_audit(session, "page_used", datetime.now(UTC), Actor(sys.argv[2], "", ""), n=number)
        if number % 7 == 0:
            record_audit(session, "page_used", datetime.now(UTC), Actor(sys.argv[2], "", ""))
    time.sleep(0.005)  # lets the other in: who waits for SQLite's lock tries only now and then
"""


def test_two_processes_write_one_chain(engine: Engine) -> None:
    """Both at once, each in its own process: no gap, no fork, nothing lost."""
    url = engine.url.render_as_string(hide_password=False)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for one in writers:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in writers:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    for one in writers:
        one.communicate(timeout=120)
    assert [one.returncode for one in writers] == [0, 0]
    found = rows(engine)
    assert [one["id"] for one in found] == list(range(1, 139))
    writers_in_order = [one["reader"] for one in found]
    assert writers_in_order != sorted(writers_in_order)  # they did write in turns
    assert _faults(engine) == []


def test_what_is_rolled_back_leaves_no_gap(engine: Engine) -> None:
    """An event belongs to the commit of what it is about."""
    _record(engine, 2)

    def fail() -> None:
        with transaction(engine) as session:
            record_audit(session, "page_used", NOW, WU)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    _record(engine, 1)
    assert [one["id"] for one in rows(engine)] == [1, 2, 3]
    assert _faults(engine) == []


def test_what_went_by_its_age_is_no_gap(engine: Engine) -> None:
    """An event of the chain says up to where; without that event it would be one."""
    _record(engine, 5)
    later = NOW + timedelta(days=10)
    _record(engine, 2, at=later)
    before = NOW + timedelta(days=3)
    with transaction(engine) as session:
        assert delete_old_audit(session, before, later, keep_unsent=False) == 5
    with transaction(engine) as session:
        assert delete_old_audit(session, before, later, keep_unsent=False) == 0
    found = rows(engine)
    assert [(one["id"], one["name"]) for one in found][-1] == (8, "audit_removed")
    assert [one["id"] for one in found] == [6, 7, 8]
    assert _faults(engine) == []
    tamper(engine, "DELETE FROM audit_event WHERE id = 6", "UPDATE audit_head SET first_id = 7")
    assert ("removed", 7) not in _faults(engine)
    assert _faults(engine) != []


def test_a_beginning_that_was_removed_is_found(engine: Engine) -> None:
    """Also by somebody who moves the beginning of the chain with it: nothing says by what age."""
    _record(engine, 5)
    third = str(rows(engine)[2]["sha256"])
    tamper(
        engine,
        "DELETE FROM audit_event WHERE id <= 3",
        f"UPDATE audit_head SET first_id = 4, before_first_sha256 = '{third}'",
    )
    assert _faults(engine) == [("beginning", 4)]


def test_not_one_event_a_minute_goes(engine: Engine) -> None:
    """What is past its age waits for a day, so that the events that say so do not outgrow it."""
    _record(engine, 3)
    just_past, now = NOW + timedelta(hours=1), NOW + timedelta(days=2)
    with transaction(engine) as session:
        assert delete_old_audit(session, just_past, now, keep_unsent=False) == 0
    with transaction(engine) as session:
        assert delete_old_audit(session, NOW + timedelta(days=2), now, keep_unsent=False) == 3


def test_events_from_before_the_chain_are_its_beginning(empty_engine: Engine) -> None:
    """A database of the release before: its events are sealed in their order, gaps and all."""
    upgrade_schema(empty_engine, "0011_retention")
    moment = "2026-11-21 08:00:00.123456" + (
        "" if empty_engine.dialect.name == "sqlite" else "+00:00"
    )
    for number in (3, 4, 7):
        tamper(
            empty_engine,
            "INSERT INTO audit_event (id, at, name, succeeded, reader, role, address, "
            "study_instance_uid, patient_id, facts) VALUES "
            f"({number}, '{moment}', 'study_opened', true, 'wu', 'reader', '10.0.0.7', "
            f"""'1.2.{number}', 'P{number}', '{{"route": "/x", "n": 0.1}}')""",
        )
    upgrade_schema(empty_engine)
    assert _faults(empty_engine) == []
    _record(empty_engine, 2)
    assert [one["id"] for one in rows(empty_engine)] == [3, 4, 7, 8, 9]
    assert _faults(empty_engine) == []
    tamper(empty_engine, "UPDATE audit_event SET reader = 'li' WHERE id = 4")
    assert _faults(empty_engine) == [("changed", 4)]
    tamper(empty_engine, "DELETE FROM audit_event WHERE id = 4")
    assert _faults(empty_engine) == [("removed", 4)]


def test_a_session_that_only_reads_takes_no_lock(engine: Engine) -> None:
    """Verifying a long chain holds up nobody who writes."""
    _record(engine, 3)
    with query(engine) as session:
        _, findings = verify_chain(session)
        _record(engine, 1)
        assert list(findings) == []
        assert session.scalar(text("SELECT count(*) FROM audit_event")) in (3, 4)
    with query(engine) as session:
        assert len(session.scalars(select(AuditEvent.id)).all()) == 4
