"""The schema that the migrations build, and what a reader sees of other transactions."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from database.jobs.claimed import end_job
from database.schema import check_schema, schema_differences
from database.session import Engine, query, transaction
from database.states import JobState, WorklistRank
from database.tables.analysis import Job, Study
from radiology.errors import SettingsRefused
from tests.builders.stored.rows import claim, later, queue_job

pytestmark = pytest.mark.integration


def test_migrations_build_what_the_tables_say(engine: Engine) -> None:
    """A migrated database differs from the tables in nothing."""
    assert schema_differences(engine) == []
    check_schema(engine)


def test_a_database_without_schema_is_refused(empty_engine: Engine) -> None:
    """A process that starts before the migrations says what to run."""
    with pytest.raises(SettingsRefused, match="firstread db upgrade"):
        check_schema(empty_engine)


def test_what_is_read_together_is_of_one_moment(engine: Engine) -> None:
    """A reader does not see what is committed between two of its statements."""
    queue_job(engine, study=1)
    with query(engine) as session:
        before = session.scalars(select(Study.state)).one()
        claimed = claim(engine)
        with transaction(engine) as other:
            end_job(other, claimed, JobState.ENCODED, later(1), rank=WorklistRank.ROUTINE)
        assert session.scalars(select(Study.state)).one() is before
        assert session.scalars(select(Job.state)).one() is JobState.QUEUED
    with query(engine) as session:
        assert session.scalars(select(Job.state)).one() is JobState.ENCODED
