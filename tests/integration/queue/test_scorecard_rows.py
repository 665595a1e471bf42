"""Feedback and the scorecard's rows in the database of both sizes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from database.events import record_event
from database.feedback.export import judged_study
from database.feedback.given import (
    Period,
    answered_results,
    feedback_of_study,
    give_feedback,
    judged_results,
)
from database.jobs.claimed import claim_job
from database.jobs.requeue import retry_job
from database.session import Engine, query, transaction
from database.tables.study.analysis import Job, Result
from database.views.scorecard_rows import logged_jobs, scanners, study_times
from radiology.errors import SliceMissing
from radiology.feedback import Fault, Judgement, Opinion
from radiology.urgency import Urgency
from tests.builders.stored.rows import BUNDLE, NOON, claim, finish, later, queue_job
from worker.attempt.queue import Unsuccessful
from worker.attempt.retry import Decision, Ending
from worker.settle_job import settle_job

pytestmark = pytest.mark.integration
_TODAY = Period(NOON - timedelta(hours=1), NOON + timedelta(hours=1))


def _finished(engine: Engine, study: int) -> int:
    queue_job(engine, study)
    claimed = claim(engine, 1.0)
    result = finish(engine, claimed, [], 5.0)
    with transaction(engine) as session:
        session.execute(update(Job).values(finished_at=later(5.0)))
        algorithm = {"name": "bundle", "version": "1.2.3", "bundle_digest": "ab"}
        session.execute(update(Result).values(reading={"algorithm": algorithm}))
    return result


def test_an_opinion_is_changed_and_both_are_kept(engine: Engine) -> None:
    """One stands for each reader; the last is told first; the bundle is read from the result."""
    result = _finished(engine, 1)
    wrong = Opinion(Judgement.DISAGREE, frozenset({Fault.MISSED, Fault.WRONG_TYPE}), "words")
    for reader, opinion, at in (
        ("one", Opinion(Judgement.AGREE), 10.0),
        ("two", Opinion(Judgement.AGREE), 11.0),
        ("one", wrong, 12.0),
    ):
        with transaction(engine) as session:
            uid = give_feedback(session, result, opinion, reader=reader, now=later(at))
    assert uid == "2.25.1"
    with query(engine) as session:
        assert [one.reader for one in feedback_of_study(session, uid)] == ["one", "two", "one"]
        found = judged_results(session, _TODAY)
        assert [(one.reader, len(one.faults)) for one in found] == [("one", 2), ("two", 0)]
        assert (found[0].bundle, found[0].bundle_version) == (BUNDLE, "1.2.3")
        assert answered_results(session, _TODAY) == {("SCANNER", Urgency.URGENT): 1}
        assert judged_results(session, Period(later(6), later(7))) == []
        assert judged_study(session, result).segmentation_path is None


def test_what_happened_first_after_the_last_image(engine: Engine) -> None:
    """Of several events of a name the first counts, and what a study lacks is None."""
    _finished(engine, 1)
    queue_job(engine, 2, later(2.0))
    with transaction(engine) as session:
        study_id = session.scalars(select(Result.study_id)).one()
        for name, at in (("study_opened", 60.0), ("study_opened", 30.0), ("flag_sent", 6.0)):
            record_event(session, name, later(at), study_id=study_id)
        record_event(session, "study_opened", later(-5.0), study_id=study_id)
    with query(engine) as session:
        waiting, read = study_times(session, _TODAY)
        assert (waiting.urgency, waiting.result_at, waiting.opened_at) == (None, None, None)
        assert (read.urgency, read.result_at) == (Urgency.URGENT, later(5.0))
        assert (read.opened_at, read.flag_sent_at) == (later(30.0), later(6.0))
        assert read.acknowledged_at is None
        assert scanners(session, _TODAY) == ["SCANNER"]
        assert study_times(session, _TODAY, scanner="OTHER") == []
        (job,) = logged_jobs(session, _TODAY)
        assert (job.queued_at, job.claimed_at, job.finished_at) == (NOON, later(1.0), later(5.0))


def test_a_job_that_is_tried_again_keeps_the_time_of_its_first_answer(engine: Engine) -> None:
    """A study refused after 88 s, and read again an hour later, was answered after 88 s."""
    job_id = queue_job(engine, 1)
    with transaction(engine) as session:
        refused = claim_job(session, worker="worker", lease_s=100.0, now=later(80.0))
    assert refused is not None
    error = SliceMissing("A slice is missing")
    end = Unsuccessful(error, Decision(Ending.REFUSED), later(88.0))
    with transaction(engine) as session:
        settle_job(session, refused, end)
    with query(engine) as session:
        assert study_times(session, _TODAY)[0].result_at == later(88.0)
    with transaction(engine) as session:
        assert retry_job(session, job_id, later(2500.0), by="chief", through="page")
    with query(engine) as session:
        assert study_times(session, _TODAY)[0].result_at == later(88.0)
    finish(engine, claim(engine, 2600.0), [], 2622.0)
    with query(engine) as session:
        (read,) = study_times(session, _TODAY)
    assert (read.urgency, read.result_at) == (Urgency.URGENT, later(88.0))
