"""One answer for each study: what becomes of results, ranks and deliveries when another comes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from database.jobs.claimed import end_job
from database.jobs.requeue import requeue_expired, retry_job
from database.results.stored import is_our_object, newest_report, store_result
from database.session import Engine, query, transaction
from database.states import DeliveryState, JobState, WorklistRank
from database.studies.assembly import assemble_study
from database.tables.study.analysis import Delivery, Result, Study
from radiology.outcome import Outcome
from tests.builders.stored.rows import (
    BUNDLE,
    WAITS,
    arrival,
    claim,
    finish,
    later,
    queue_job,
    receive,
)

pytestmark = pytest.mark.integration


def test_a_job_has_one_result(engine: Engine) -> None:
    """A worker whose job was taken over cannot add a second result."""
    queue_job(engine, study=1)
    silent = claim(engine)
    with transaction(engine) as session:
        requeue_expired(session, max_attempts=3, now=later(11))
    finish(engine, claim(engine, 12), destinations=[])
    with pytest.raises(Exception, match=r"(?i)unique"):
        finish(engine, silent, destinations=[])
    with query(engine) as session:
        assert len(session.scalars(select(Result)).all()) == 1


def test_a_new_result_supersedes_the_old_one(engine: Engine) -> None:
    """The old result stays, marked; its deliveries that had not begun are withdrawn."""
    queue_job(engine, study=1)
    old = finish(engine, claim(engine), destinations=["pacs"])
    receive(engine, arrival(instance=2), later(60))
    with transaction(engine) as session:
        assemble_study(session, 1, bundles=(BUNDLE,), waits=WAITS, now=later(66))
    new = finish(engine, claim(engine, 67), destinations=["pacs"], at=68)
    with query(engine) as session:
        first = session.get(Result, old)
        assert first is not None
        assert first.superseded_by_id == new
        states = session.scalars(select(Delivery.state).order_by(Delivery.id)).all()
        assert states == [DeliveryState.WITHDRAWN, DeliveryState.WAITING]
        report = newest_report(session, 1, bundle=BUNDLE, before_version=2)
        assert report is not None
        assert report.sop_instance_uid == first.objects[0].sop_instance_uid
        assert is_our_object(session, report.sop_instance_uid)


def test_an_older_version_that_ends_late_is_not_delivered(engine: Engine) -> None:
    """If the job of a newer version was faster, the older result is superseded at birth."""
    queue_job(engine, study=1)
    slow = claim(engine)
    receive(engine, arrival(instance=2), later(1))
    with transaction(engine) as session:
        assemble_study(session, 1, bundles=(BUNDLE,), waits=WAITS, now=later(7))
    new = finish(engine, claim(engine, 7.5), destinations=["pacs"], at=8)
    old = finish(engine, slow, destinations=["pacs"], at=9)
    with query(engine) as session:
        late = session.get(Result, old)
        assert late is not None
        assert late.superseded_by_id == new
        assert session.scalars(select(Delivery.result_id)).all() == [new]


def test_a_retried_refusal_makes_way_for_the_answer(engine: Engine) -> None:
    """When a person sends a refused job back and it works, one result with the answer is left."""
    job_id = queue_job(engine, study=1)
    claimed = claim(engine)
    with transaction(engine) as session:
        end_job(session, claimed, JobState.REFUSED, later(1), rank=WorklistRank.UNANSWERED)
        store_result(
            session,
            Result(
                job_id=job_id,
                study_id=1,
                study_version=1,
                outcome=Outcome.NOT_ASSESSABLE,
                reading={},
                created_at=later(1),
            ),
            [],
            ["pacs"],
            later(1),
        )
    with transaction(engine) as session:
        assert retry_job(session, job_id, later(2), by="chief", through="page")
    finish(engine, claim(engine, 3), destinations=["pacs"], at=4)
    with query(engine) as session:
        result = session.scalars(select(Result)).one()
        assert result.outcome is Outcome.FINDINGS
        assert session.scalars(select(Study)).one().worklist_rank is WorklistRank.URGENT


def test_a_version_without_an_answer_keeps_the_urgent_rank(engine: Engine) -> None:
    """If the late half makes a study not assessable, it stays where its first half put it."""
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=[])
    receive(engine, arrival(instance=2), later(60))
    with transaction(engine) as session:
        assemble_study(session, 1, bundles=(BUNDLE,), waits=WAITS, now=later(66))
    claimed = claim(engine, 67)
    with transaction(engine) as session:
        end_job(session, claimed, JobState.REFUSED, later(68), rank=WorklistRank.UNANSWERED)
    with query(engine) as session:
        assert session.scalars(select(Study)).one().worklist_rank is WorklistRank.URGENT


def test_an_unsent_answer_outlives_a_version_without_one(engine: Engine) -> None:
    """If the late half makes a study not assessable, the first result is still sent to PACS."""
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=["pacs"])
    receive(engine, arrival(instance=2), later(60))
    with transaction(engine) as session:
        assemble_study(session, 1, bundles=(BUNDLE,), waits=WAITS, now=later(66))
    claimed = claim(engine, 67)
    refusal = Result(
        job_id=claimed.job_id,
        study_id=1,
        study_version=2,
        outcome=Outcome.NOT_ASSESSABLE,
        reading={},
        created_at=later(68),
    )
    with transaction(engine) as session:
        store_result(session, refusal, [], ["pacs"], later(68))
    with query(engine) as session:
        assert session.scalars(select(Delivery.state)).all() == [DeliveryState.WAITING]


def test_a_late_image_takes_routine_back(engine: Engine) -> None:
    """A study that was called routine is pending again while an image of it is unread."""
    queue_job(engine, study=1)
    claimed = claim(engine)
    with transaction(engine) as session:
        end_job(session, claimed, JobState.ENCODED, later(1), rank=WorklistRank.ROUTINE)
    receive(engine, arrival(instance=2), later(60))
    with query(engine) as session:
        assert session.scalars(select(Study)).one().worklist_rank is WorklistRank.PENDING
