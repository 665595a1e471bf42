"""A clock that is set back by two hours, with both databases: what waits keeps its distance."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from database.deliveries.claimed import claim_delivery
from database.retention.state import TURN, note_state
from database.session import Engine, query, transaction
from database.tables.study.analysis import Delivery, Study
from settings.environment import Settings
from tests.builders.stored.rows import arrival, claim, finish, later, queue_job, receive
from worker.housekeeping import sweep_once

pytestmark = pytest.mark.integration

BEFORE = 7200.0  # the clock goes from here to 0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The defaults."""
    return Settings(data_folder=tmp_path)


def note_turn(engine: Engine, at: float) -> None:
    """A turn of the retention, as there is one a minute."""
    with transaction(engine) as session:
        note_state(session, TURN, later(at), ended=True)


def test_nothing_waits_until_it_is_as_late_again(engine: Engine, settings: Settings) -> None:
    """A worker that died, a result to be sent, a study that still comes."""
    note_turn(engine, BEFORE)
    for study in (1, 2):
        queue_job(engine, study=study, at=later(BEFORE))
    finish(engine, claim(engine, BEFORE), destinations=["pacs"], at=BEFORE)
    held = claim(engine, BEFORE)
    receive(engine, arrival(study=3), later(BEFORE))
    assert sweep_once(settings, engine, later(1)).requeued == ()  # its lease lasts for 10 s
    with transaction(engine) as session:
        assert claim_delivery(session, lease_s=60, now=later(1)) is not None
    outcome = sweep_once(settings, engine, later(12))
    assert outcome.requeued == (held.job_id,)
    assert len(outcome.assembled) == 1


def test_what_waits_for_long_still_does(engine: Engine, settings: Settings) -> None:
    """Moments that have passed stay as they are, and after the first sweep nothing is moved."""
    note_turn(engine, BEFORE)
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=["pacs"])
    with transaction(engine) as session:
        session.execute(update(Delivery).values(due_at=later(BEFORE + 300)))
    for at in (10, 20):
        sweep_once(settings, engine, later(at))
        with query(engine) as session:
            due_at = session.scalars(select(Delivery.due_at)).one()
            assert due_at - later(310) == timedelta()
            assert session.scalars(select(Study.last_instance_at)).one() == later(0)


def test_hosts_may_be_apart_by_seconds(engine: Engine, settings: Settings) -> None:
    """That is no clock that was set back."""
    note_turn(engine, 30)
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=["pacs"], at=30)
    with transaction(engine) as session:
        session.execute(update(Delivery).values(due_at=later(30)))
    sweep_once(settings, engine, later(0))
    with query(engine) as session:
        assert session.scalars(select(Delivery.due_at)).one() == later(30)
