"""The ways out of a job that no real study takes: no model, a lost instance, a defect."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from database.jobs.requeue import requeue_expired
from database.session import Engine, open_engine, query, transaction
from database.states import JobState, WorklistRank
from database.tables.study.analysis import Event, Job, Result, Study
from radiology.errors import ResultMismatch
from settings.environment import Settings, read_settings
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import NOON, queue_job
from worker.equipment import Equipment
from worker.pipeline import analyse_one
from worker.series.kept_ahead import KeptAhead


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(data_folder=tmp_path)


@pytest.fixture
def engine(settings: Settings) -> Engine:
    engine = open_engine(settings.database_address)
    make_tables(engine)
    queue_job(engine, study=1)
    return engine


def attempt(settings: Settings, engine: Engine, clock: Clock) -> Job:
    """Let a worker take the waiting job, let the next sweep come, and give the job's row."""
    assert analyse_one(Equipment(settings, engine, "worker", clock))
    clock.now += timedelta(minutes=5)
    with transaction(engine) as session:
        requeue_expired(session, max_attempts=settings.max_attempts, now=clock.now)
    with query(engine) as session:
        return session.scalars(select(Job)).one()


def test_without_a_model_the_job_waits_and_then_fails(tmp_path: Path, engine: Engine) -> None:
    """A broken installation is not the study's fault: it waits, then a person is asked."""
    settings = read_settings(data_folder=tmp_path, bundles_folder=tmp_path / "nothing")
    clock = Clock()
    for _ in range(settings.max_attempts - 1):
        job = attempt(settings, engine, clock)
        assert (job.state, job.error_kind) == (JobState.QUEUED, "ModelUnavailable")
    job = attempt(settings, engine, clock)
    assert (job.state, job.error_kind) == (JobState.FAILED, "ModelUnavailable")
    assert "chest-ct-pneumonia" in job.error_message
    with query(engine) as session:
        assert session.scalars(select(Result)).all() == []
        assert session.scalars(select(Study)).one().worklist_rank is WorklistRank.UNANSWERED


def test_a_defect_is_tried_once_more_and_keeps_its_trace_without_its_message(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw ends as failed with the lines it came from, not with what it quoted."""

    quoted = "Doe^Jane"  # as pydicom's own messages quote values

    def break_down(*_: object, **__: object) -> None:
        raise KeyError(quoted)

    monkeypatch.setattr(KeptAhead, "read_instances", break_down)
    clock = Clock()
    assert attempt(settings, engine, clock).state is JobState.QUEUED
    job = attempt(settings, engine, clock)
    assert (job.state, job.error_kind) == (JobState.FAILED, "KeyError")
    assert "break_down" in job.trace
    assert "Doe" not in job.trace + job.error_message


def test_a_result_that_does_not_fit_its_source_fails_at_once_and_alarms(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trying again would give the same; nothing is stored, and the study shows why."""

    def mismatch(*_: object, **__: object) -> None:
        raise ResultMismatch("Voxels are missing", recipe="SEG:binary:lesions", seen=3, needed=4)

    monkeypatch.setattr(KeptAhead, "read_instances", mismatch)
    job = attempt(settings, engine, Clock())
    assert (job.state, job.error_kind, job.attempts) == (JobState.FAILED, "ResultMismatch", 1)
    assert job.error_message == "Voxels are missing (recipe=SEG:binary:lesions, seen=3, needed=4)"
    with query(engine) as session:
        assert session.scalars(select(Result)).all() == []
        assert session.scalars(select(Study)).one().worklist_rank is WorklistRank.UNANSWERED
        (alarm,) = session.scalars(select(Event).where(Event.name == "result_mismatch"))
        assert alarm.study_id == job.study_id
        assert alarm.facts["reason"] == "Voxels are missing"
