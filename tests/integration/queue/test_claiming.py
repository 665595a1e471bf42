"""Which job is claimed next, by whom, and how a lost, failed or returned one is claimed again."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from database.jobs.claimed import advance_job, claim_job, end_job, renew_lease, return_job
from database.jobs.requeue import (
    WAIT_IS_OVER,
    WORKER_GONE,
    WORKER_LATE,
    overdue_jobs,
    requeue_expired,
    retry_job,
)
from database.lease import LeaseLost
from database.metrics.counted import save_counts
from database.metrics.declared import LEASES_LOST
from database.process_signs import record_sign
from database.session import Engine, query, transaction
from database.states import JobState, WorklistRank
from database.tables.operation.counted import Counted
from database.tables.study.analysis import Event, Job, Study
from settings.peers import RequestPriority
from tests.builders.stored.rows import WAITS, claim, later, queue_job

pytestmark = pytest.mark.integration


def test_the_stat_job_is_claimed_before_older_routine_ones(engine: Engine) -> None:
    """Of four waiting studies the last, marked STAT, is analysed next."""
    for study in (1, 2, 3):
        queue_job(engine, study, later(study))
    stat = queue_job(engine, 4, later(4), RequestPriority.STAT)
    assert claim(engine, 5).job_id == stat


def test_an_old_routine_job_is_not_starved(engine: Engine) -> None:
    """A routine job that has waited its allowance goes before a STAT job that comes now."""
    routine = queue_job(engine, 1)
    queue_job(engine, 2, later(WAITS.routine_s + 1), RequestPriority.STAT)
    assert claim(engine, WAITS.routine_s + 2).job_id == routine


def test_parallel_workers_never_claim_the_same_job(engine: Engine) -> None:
    """Eight claims by four workers at once give eight different jobs."""
    for study in range(1, 9):
        queue_job(engine, study)
    claimed: list[int] = []

    def work(name: str) -> None:
        for _ in range(2):
            claimed.append(claim(engine, worker=name).job_id)

    workers = [threading.Thread(target=work, args=(f"w{k}",)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(claimed) == sorted(set(claimed))
    assert len(claimed) == 8


def test_a_lease_that_ran_out_gives_the_job_to_another(engine: Engine) -> None:
    """A silent worker loses its job, and whatever it still writes is refused."""
    queue_job(engine, study=1)
    silent = claim(engine)
    with query(engine) as session:
        assert overdue_jobs(session, now=later(11), claimable_since=later(6)).expired == 1
    with transaction(engine) as session:
        assert requeue_expired(session, max_attempts=3, now=later(11)) == [silent.job_id]
    assert _requeued(engine) == {"reason": WORKER_GONE, "worker": "worker", "attempt": 1}
    second = claim(engine, 12)
    assert second.job_id == silent.job_id
    with pytest.raises(LeaseLost), transaction(engine) as session:
        advance_job(session, silent, JobState.INFERRED, later(13))
    with transaction(engine) as session:
        advance_job(session, second, JobState.INFERRED, later(13))


def test_a_renewed_lease_is_kept(engine: Engine) -> None:
    """A worker that renews in time keeps its job beyond the first lease."""
    queue_job(engine, study=1)
    claimed = claim(engine)
    with transaction(engine) as session:
        renew_lease(session, claimed, lease_s=10.0, progress_percent=40, now=later(9))
    with transaction(engine) as session:
        assert requeue_expired(session, max_attempts=3, now=later(15)) == []


def test_what_kills_every_worker_is_failed_in_the_end(engine: Engine) -> None:
    """After the last attempt a job fails with a reason instead of stopping the queue."""
    queue_job(engine, study=1)
    for attempt in range(2):
        claim(engine, 20.0 * attempt)
        with transaction(engine) as session:
            requeue_expired(session, max_attempts=2, now=later(20.0 * attempt + 11))
    with query(engine) as session:
        job = session.scalars(select(Job)).one()
        assert (job.state, job.error_kind) == (JobState.FAILED, "WorkerLost")
        study = session.scalars(select(Study)).one()
        assert study.worklist_rank is WorklistRank.UNANSWERED


def test_a_person_tries_a_failed_job_again(engine: Engine) -> None:
    """A failed job goes back to the queue when asked; one that ran well does not."""
    job_id = queue_job(engine, study=1)
    claimed = claim(engine)
    with transaction(engine) as session:
        end_job(
            session,
            claimed,
            JobState.FAILED,
            later(1),
            rank=WorklistRank.UNANSWERED,
            error_kind="Defect",
        )
    with transaction(engine) as session:
        assert retry_job(session, job_id, later(2), by="chief", through="page")
        assert not retry_job(session, job_id, later(2), by="chief", through="page")
    with query(engine) as session:
        facts = session.scalars(select(Event.facts).where(Event.name == "retried")).one()
    assert facts == {"by": "chief", "through": "page"}
    assert claim(engine, 3).attempts == 1


def test_a_returned_job_waits_before_it_is_claimed_again(engine: Engine) -> None:
    """A job given back because something was unavailable is not due before its time.

    That it waits again then is nobody's loss, and says so.
    """
    lost_before = _leases_lost(engine)
    queue_job(engine, study=1)
    claimed = claim(engine)
    with transaction(engine) as session:
        return_job(
            session,
            claimed,
            later(1),
            error_kind="SpoolFull",
            error_message="full",
            not_before=later(10),
        )
    with transaction(engine) as session:
        assert claim_job(session, worker="w", lease_s=10, now=later(5)) is None
        assert requeue_expired(session, max_attempts=3, now=later(5)) == []
    with transaction(engine) as session:
        requeue_expired(session, max_attempts=3, now=later(11))
    assert claim(engine, 12).attempts == 2
    assert _requeued(engine)["reason"] == WAIT_IS_OVER
    assert _leases_lost(engine) == lost_before


def test_a_worker_that_runs_and_did_not_renew_is_not_called_dead(engine: Engine) -> None:
    """Its machine was too busy, say: whoever looks for a crash would look in vain."""
    queue_job(engine, study=1)
    claim(engine)
    with transaction(engine) as session:
        record_sign(session, "worker", "analysis", started_at=later(0), now=later(9))
        requeue_expired(session, max_attempts=3, now=later(11))
    assert _requeued(engine)["reason"] == WORKER_LATE


def _leases_lost(engine: Engine) -> float:
    """What all processes have counted of it."""
    save_counts(engine)
    with query(engine) as session:
        counted = select(func.sum(Counted.value)).where(Counted.metric == LEASES_LOST.name)
        return session.scalar(counted) or 0.0


def _requeued(engine: Engine) -> dict[str, Any]:
    """What the one event says."""
    with query(engine) as session:
        return session.scalars(select(Event.facts).where(Event.name == "requeued")).one()
