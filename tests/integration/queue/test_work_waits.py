"""Whether a sweep would find something: asked of each queue, in both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from database.accounts.audit import OURSELVES, Actor, record_audit
from database.audit.sending import follow_repository
from database.flags.rules import FlagRules
from database.retention.state import TURN, note_state
from database.session import Engine, query, transaction
from database.tables.study.analysis import Job, Study
from database.work_waits import work_waits
from radiology.urgency import Urgency
from tests.builders.stored.flags import FlaggedStudy, rules, tell, webhook
from tests.builders.stored.rows import arrival, claim, finish, later, queue_job, receive
from tests.integration.queue.attempted_rows import KINDS

pytestmark = pytest.mark.integration
LONG_AFTER = 10_000.0
_ENDED = {"requests": "compared", "notices": "refused"}


def waits(engine: Engine, at: float = 1.0) -> bool:
    with query(engine) as session:
        return work_waits(session, later(at))


def come_to_rest(engine: Engine) -> None:
    """Every study that the builders made is read, with its heading, and nothing is to be done."""
    with transaction(engine) as session:
        session.execute(update(Job).values(state="delivered", lease_until=None))
        session.execute(update(Study).values(state="delivered", heading_due_at=None))


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_row_of_each_queue_is_seen(engine: Engine, name: str) -> None:
    """While it waits, and once it is due again; not between, and not when it has ended."""
    assert not waits(engine)
    kind = KINDS[name]
    kind.make_row(engine)
    if name != "jobs":
        come_to_rest(engine)
    assert waits(engine)
    if hasattr(kind.table, "due_at") and name != "jobs":
        with transaction(engine) as session:
            session.execute(update(kind.table).values(due_at=later(60)))
        assert not waits(engine, 59)
        assert waits(engine, 61)
    with transaction(engine) as session:
        ended = {"reports": "sent", "requests": "compared", "notices": "refused"}.get(
            name, "failed"
        )
        session.execute(update(kind.table).values(state=ended))
        session.execute(update(Study).values(heading_due_at=None))
    assert not waits(engine, LONG_AFTER)


def test_a_study_that_is_received_or_read_is_seen(engine: Engine) -> None:
    """From its first image to the end of its job, whatever the clock says."""
    receive(engine, arrival(study=1))
    assert waits(engine, LONG_AFTER)
    queue_job(engine, study=2)
    come_to_rest(engine)
    assert not waits(engine, LONG_AFTER)
    queue_job(engine, study=3)
    claimed = claim(engine)
    assert claimed.study_id == 3
    assert waits(engine, LONG_AFTER)
    finish(engine, claimed, destinations=[])
    with transaction(engine) as session:
        session.execute(update(Study).values(heading_due_at=None))
    assert not waits(engine)


def test_a_flag_that_nobody_acknowledges(engine: Engine) -> None:
    """It rests between its steps, however many hours they are apart."""
    known: FlagRules = rules(webhook(), webhook("duty", escalation=1), escalation_s=(300.0,))
    FlaggedStudy(engine, known).result(Urgency.URGENT, 0)
    come_to_rest(engine)
    tell(engine, 1)
    assert not waits(engine, 299)
    assert waits(engine, 301)


@pytest.mark.parametrize(("ended", "seen"), [(False, True), (True, False)])
def test_a_turn_of_the_retention_that_is_not_over(engine: Engine, ended: bool, seen: bool) -> None:
    """It goes on at the sweep's own pace."""
    with transaction(engine) as session:
        note_state(session, TURN, later(0), ended=ended)
    assert waits(engine) is seen


def test_audit_events_for_a_repository(engine: Engine) -> None:
    """Events that it does not have wait; without a repository none does."""

    def note() -> None:
        with transaction(engine) as session:
            record_audit(
                session,
                "process_started",
                later(0),
                Actor(OURSELVES, "", ""),
                process="p",
                software="1",
            )

    note()
    assert not waits(engine)
    with transaction(engine) as session:
        follow_repository(session, wanted=True, now=later(0))
    assert waits(engine)
