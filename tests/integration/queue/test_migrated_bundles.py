"""Rows of the version before, which knew one bundle, after the migration."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from database.schema import schema_differences, upgrade_schema
from database.session import Engine, query, transaction
from database.states import JobState, WorklistRank
from database.studies.study_state import settle_study
from database.tables.study.analysis import Job, Result, Study
from tests.builders.stored.rows import later

pytestmark = pytest.mark.integration

_BEFORE = "0002_traces"
_MOMENT = later(0).isoformat(sep=" ")
_STUDY = {
    **dict.fromkeys(("patient_id", "accession_number", "patient_sex", "patient_age"), ""),
    "study_instance_uid": "2.25.1",
    "calling_ae_title": "SCANNER",
    "priority": "ROUTINE",
    "state": "delivered",
    "version": 3,
    "worklist_rank": "0-urgent",
    "received_at": _MOMENT,
    "last_instance_at": _MOMENT,
}
_JOB = {
    **dict.fromkeys(("worker", "error_kind", "error_message", "trace"), ""),
    **dict.fromkeys(("attempts", "fencing_token", "progress_percent"), 0),
    "study_id": 1,
    "bundle": "chest",
    "priority": "ROUTINE",
    "queued_at": _MOMENT,
    "due_at": _MOMENT,
}
_RESULT = {
    **dict.fromkeys(("urgency_rule", "reason", "execution_provider"), ""),
    "study_id": 1,
    "reading": "{}",
    "created_at": _MOMENT,
}


def _insert(engine: Engine, table: str, values: dict[str, object]) -> None:
    columns, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({places})"), values)


def test_old_rows_are_those_of_one_bundle(empty_engine: Engine) -> None:
    """Each result is of its job's bundle, and each job asks for the place of its result."""
    upgrade_schema(empty_engine, _BEFORE)
    _insert(empty_engine, "study", {**_STUDY, "id": 1})
    for number, state in enumerate(("delivered", "refused", "failed", "queued"), start=1):
        _insert(
            empty_engine, "job", {**_JOB, "id": number, "study_version": number, "state": state}
        )
    answers = {1: ("findings", "urgent"), 2: ("not_assessable", None)}
    for number, (outcome, urgency) in answers.items():
        row = {"id": number, "job_id": number, "study_version": number}
        answer = {"outcome": outcome, "urgency": urgency}
        _insert(empty_engine, "result", {**_RESULT, **row, **answer})
    upgrade_schema(empty_engine)
    assert schema_differences(empty_engine) == []
    with query(empty_engine) as session:
        assert session.scalars(select(Result.bundle)).all() == ["chest", "chest"]
        assert session.scalars(select(Job.rank).order_by(Job.id)).all() == [
            WorklistRank.URGENT,
            WorklistRank.UNANSWERED,
            WorklistRank.UNANSWERED,
            None,
        ]
        assert set(session.scalars(select(Job.bundle_version))) == {""}
    with transaction(empty_engine) as session:
        session.get_one(Job, 4).state = JobState.SUPERSEDED
        session.flush()
        settle_study(session, 1)  # says of old rows what the version before said
    with query(empty_engine) as session:
        assert session.scalars(select(Study.worklist_rank)).one() is WorklistRank.URGENT
