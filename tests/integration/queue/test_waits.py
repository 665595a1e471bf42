"""What each study and job is said to wait for agrees with what the sweep and the queue then do."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from database.deliveries.claimed import await_commitment, claim_delivery, postpone_delivery
from database.jobs.claimed import advance_job, return_job
from database.jobs.requeue import requeue_expired
from database.process_signs import record_sign
from database.session import Engine, query, transaction
from database.states import AssociationEnding, JobState
from database.tables.study.analysis import Job
from database.views.waits import Wait, WaitsFor, waiting_studies, waits_of_jobs
from settings.environment import Settings
from settings.peers import RequestPriority
from tests.builders.stored.rows import (
    BUNDLE,
    NOON,
    QUIET,
    arrival,
    associate,
    claim,
    end,
    finish,
    later,
    queue_job,
    receive,
)
from worker.housekeeping import sweep_once

pytestmark = pytest.mark.integration


def waits(engine: Engine, job_id: int, at: float, bundles: tuple[str, ...] = (BUNDLE,)) -> Wait:
    """The one thing that a job waits for."""
    with query(engine) as session:
        (wait,) = waits_of_jobs(session, [job_id], later(at), bundles=bundles)[job_id]
    return wait


def study_wait(engine: Engine, at: float) -> Wait:
    """The one thing that the one study without a job waits for."""
    with query(engine) as session:
        (study,) = waiting_studies(session, later(at), QUIET, limit=9)
    assert (study.study_instance_uid, study.sender) == ("2.25.1", "SCANNER")
    return study.wait


def test_a_study_waits_for_images_until_the_sweep_takes_it(engine: Engine) -> None:
    """The reason changes with the association, and the moment is the one of the sweep."""
    settings = Settings(bundles=(BUNDLE,))
    association = associate(engine)
    receive(engine, arrival(association_id=association), NOON)
    still_come = Wait(WaitsFor.IMAGES, NOON, None, {"awaited": "arriving"})
    assert study_wait(engine, 0.1) == still_come
    opened = study_wait(engine, 2)
    assert opened == Wait(WaitsFor.IMAGES, NOON, later(5), {"awaited": "open"})
    end(engine, association, AssociationEnding.ABORTED, later(3))
    broken = study_wait(engine, 4)
    assert broken == Wait(WaitsFor.IMAGES, NOON, later(5), {"awaited": "broken"})
    assert not sweep_once(settings, engine, later(4.9)).assembled
    assert study_wait(engine, 65) == Wait(WaitsFor.SWEEP, NOON, later(5))
    (job_id,) = sweep_once(settings, engine, later(65)).assembled
    with query(engine) as session:
        assert not waiting_studies(session, later(66), QUIET, limit=9)
    assert waits(engine, job_id, 66).waits_for is WaitsFor.TURN


def test_the_place_in_the_queue_is_the_order_of_claims(engine: Engine) -> None:
    """Whoever is said to be first is claimed first, and a STAT study comes before older ones."""
    jobs = [queue_job(engine, study, later(study)) for study in (1, 2, 3)]
    jobs.append(queue_job(engine, 4, later(4), RequestPriority.STAT))
    with transaction(engine) as session:
        name, part = "host:1", "analysis"
        record_sign(session, name, part, started_at=NOON, now=later(10))
        record_sign(session, "host:2", "delivery", started_at=NOON, now=later(10))
    by_place = {waits(engine, job, 20).facts["place"]: job for job in jobs}
    assert waits(engine, jobs[0], 20) == Wait(
        WaitsFor.TURN, later(1), None, {"place": 2, "queue": 4, "workers": 1}
    )
    assert waits(engine, jobs[0], 60).facts["workers"] == 0  # silent for half a minute
    assert [by_place[place] for place in (1, 2, 3, 4)] == [claim(engine, 21).job_id for _ in jobs]


def test_a_bundle_that_is_off_takes_no_place(engine: Engine) -> None:
    """Its jobs wait for nobody, and those of the others do not wait behind them."""
    off, on = queue_job(engine, 1), queue_job(engine, 2)
    with transaction(engine) as session:
        session.execute(update(Job).where(Job.id == off).values(bundle="other"))
    assert waits(engine, off, 5) == Wait(WaitsFor.BUNDLE, NOON)
    assert waits(engine, on, 5).facts["place"] == 1


def test_in_hand_silent_freed_and_given_back(engine: Engine) -> None:
    """A claim, a lease that ran out, the sweep that frees it, and an attempt that failed."""
    job = queue_job(engine, 1)
    held = claim(engine, 1, worker="host:7")
    in_hand = Wait(
        WaitsFor.WORKER,
        later(1),
        later(11),
        {"worker": "host:7", "progress_percent": 0, "attempts": 1},
    )
    assert waits(engine, job, 2) == in_hand
    with transaction(engine) as session:
        advance_job(session, held, JobState.DECODED, later(3))
    assert waits(engine, job, 4) == in_hand
    assert waits(engine, job, 12) == Wait(WaitsFor.SWEEP, NOON, later(11))
    with transaction(engine) as session:
        assert requeue_expired(session, max_attempts=3, now=later(12)) == [job]
    freed = waits(engine, job, 13)
    assert (freed.waits_for, freed.since) == (WaitsFor.TURN, later(12))
    again = claim(engine, 14)
    with transaction(engine) as session:
        return_job(
            session,
            again,
            later(20),
            error_kind="ModelUnavailable",
            error_message="",
            not_before=later(50),
        )
    assert waits(engine, job, 21) == Wait(
        WaitsFor.RETRY,
        later(20),
        later(50),
        {"error_kind": "ModelUnavailable", "attempts": 2},
    )


def test_a_result_waits_for_each_destination(engine: Engine) -> None:
    """One that is away, until when, and one that has not promised yet; then nothing is left."""
    job = queue_job(engine, 1)
    finish(engine, claim(engine), destinations=["pacs", "archive"])
    with transaction(engine) as session:
        first = claim_delivery(session, lease_s=60.0, now=later(2))
        second = claim_delivery(session, lease_s=60.0, now=later(2))
        assert first is not None
        assert second is not None
        postpone_delivery(
            session, first, later(300), later(3), error_kind="PeerUnreachable", error_message=""
        )
        await_commitment(session, second, later(3), asks=1, error_kind="", error_message="")
    with query(engine) as session:
        found = waits_of_jobs(session, [job], later(4), bundles=(BUNDLE,))[job]
    by = {one.waits_for: one for one in found}
    assert set(by) == {WaitsFor.DESTINATION, WaitsFor.COMMITMENT}
    away = by[WaitsFor.DESTINATION]
    assert (away.since, away.until) == (later(1), later(300))
    assert (away.facts["attempts"], away.facts["error_kind"]) == (1, "PeerUnreachable")
    assert {one.facts["destination"] for one in found} == {"pacs", "archive"}


def test_what_has_ended_waits_for_nothing(engine: Engine) -> None:
    """A result without a destination, and a job that failed."""
    jobs = [queue_job(engine, study) for study in (1, 2)]
    finish(engine, claim(engine), destinations=[])
    with transaction(engine) as session:
        session.execute(update(Job).where(Job.id == jobs[1]).values(state=JobState.FAILED))
    with query(engine) as session:
        assert waits_of_jobs(session, jobs, later(9), bundles=(BUNDLE,)) == dict.fromkeys(jobs, ())
        assert len(session.scalars(select(Job.id)).all()) == 2
