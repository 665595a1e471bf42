"""First looks: which waiting job is looked at, and how far it may move."""

from __future__ import annotations

import pytest

from database.jobs.first_looks import JobToLookAt, next_to_look_at, record_look
from database.session import Engine, transaction
from settings.peers import RequestPriority
from tests.builders.stored.rows import WAITS, claim, later, queue_job

pytestmark = pytest.mark.integration


def look(engine: Engine, at: float) -> JobToLookAt | None:
    """Take the next job that is to be looked at."""
    with transaction(engine) as session:
        return next_to_look_at(session, later(at))


def record(engine: Engine, job: JobToLookAt, priority: RequestPriority | None, at: float) -> bool:
    """Note what a look showed."""
    with transaction(engine) as session:
        return record_look(session, job, priority, WAITS, later(at), slices=8)


def test_a_job_that_waits_alone_is_not_looked_at(engine: Engine) -> None:
    """Where there is no order to decide, a look would only cost time."""
    queue_job(engine, 1)
    assert look(engine, 1) is None


def test_each_job_is_looked_at_once(engine: Engine) -> None:
    """In the order of the queue, with the files of its study, and never twice."""
    jobs = [queue_job(engine, study, later(study)) for study in (1, 2)]
    first, second = look(engine, 3), look(engine, 4)
    assert first is not None
    assert second is not None
    assert [first.job_id, second.job_id] == jobs
    assert first.paths == {"2.25.1.1.1": "1/1.dcm"}
    assert look(engine, 5) is None


def test_stat_and_low_priority_are_left_alone(engine: Engine) -> None:
    """One is first anyway; the other is read again without haste."""
    queue_job(engine, 1, priority=RequestPriority.STAT)
    queue_job(engine, 2, priority=RequestPriority.LOW)
    assert look(engine, 1) is None


def test_what_looks_urgent_is_claimed_next(engine: Engine) -> None:
    """The last of twenty-one waiting jobs is analysed first when its look is urgent."""
    jobs = [queue_job(engine, study, later(study)) for study in range(1, 22)]
    for number in range(21):
        found = look(engine, 30)
        assert found is not None
        urgent = RequestPriority.STAT if found.job_id == jobs[-1] else None
        assert record(engine, found, urgent, 31) == (number == 20)
    assert claim(engine, 32).job_id == jobs[-1]
    assert claim(engine, 33).job_id == jobs[0]


def test_a_look_starves_nobody(engine: Engine) -> None:
    """A routine job that has waited its allowance goes before one that looks urgent."""
    old = queue_job(engine, 1)
    queue_job(engine, 2, later(WAITS.routine_s + 1))
    for _ in range(2):
        found = look(engine, WAITS.routine_s + 2)
        assert found is not None
        urgent = None if found.job_id == old else RequestPriority.STAT
        record(engine, found, urgent, WAITS.routine_s + 3)
    assert claim(engine, WAITS.routine_s + 4).job_id == old


def test_a_look_moves_nothing_back(engine: Engine) -> None:
    """A job that is due sooner than its look would have it stays where it is."""
    queue_job(engine, 1, priority=RequestPriority.HIGH)
    queue_job(engine, 2)
    found = look(engine, 1)
    assert found is not None
    assert not record(engine, found, RequestPriority.ROUTINE, 2)
    assert not record(engine, found, RequestPriority.HIGH, 2)


def test_a_job_that_was_claimed_meanwhile_is_left_alone(engine: Engine) -> None:
    """A look that comes too late changes nothing that matters."""
    queue_job(engine, 1)
    queue_job(engine, 2)
    found = look(engine, 1)
    assert found is not None
    assert claim(engine, 2).job_id == found.job_id
    record(engine, found, RequestPriority.STAT, 3)
    assert claim(engine, 4).job_id != found.job_id
