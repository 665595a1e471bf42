"""The schema around rows that a release wrote: they are there, and new ones join them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import select, text

from database.events import record_event
from database.flag_states import FlagState
from database.listed.headings import headings_due
from database.schema import check_schema, schema_differences
from database.session import query, transaction
from database.states import WorklistRank
from database.studies.study_state import settle_study
from database.tables.base import Base
from database.tables.readers.flag import Flag
from database.tables.study.analysis import Event, Result, Study
from tests.builders.old_rows.old_site import FILES, OldSite
from tests.builders.old_rows.rows_file import read_file, rows_of
from tests.builders.stored.rows import queue_job
from tests.peers.programs import REPOSITORY

pytestmark = pytest.mark.integration

_MOST_BYTES = 350_000  # a file stays in the repository for good
_CHANGELOG = REPOSITORY / "CHANGELOG.md"


def test_every_release_has_its_file() -> None:
    """What the changelog calls released left rows behind."""
    released = re.findall(r"^## \[(\d[^\]]*)\]", _CHANGELOG.read_text(), re.MULTILINE)
    assert {"0.1.0", *released} <= {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_has_rows_of_every_table(path: Path) -> None:
    """And neither more of them than a test needs, nor a word of the machine that made them."""
    rows = read_file(path)
    assert rows.release == path.stem
    assert [name for name, found in rows.tables.items() if not found] == []
    assert path.stat().st_size < _MOST_BYTES
    assert not re.findall(r"/(?:home|root|tmp|usr|work)/\S*", path.read_text())


def test_a_file_is_what_stands_in_the_database(left: OldSite) -> None:
    """Written out again, rows that were loaded are the same to the last character."""
    found = rows_of(left.engine, left.rows.release)
    assert found.revision == left.rows.revision
    assert {name: list(rows) for name, rows in found.tables.items()} == left.rows.tables


def test_the_schema_is_that_of_today(old: OldSite) -> None:
    """It differs from the tables in nothing, and a process starts with it."""
    assert schema_differences(old.engine) == []
    check_schema(old.engine)
    if old.engine.dialect.name == "sqlite":
        with query(old.engine) as session:
            assert session.execute(text("PRAGMA foreign_key_check")).all() == []
            assert session.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_every_row_is_read(old: OldSite) -> None:
    """Each as an object of its class: every word is one that the present version knows."""
    with query(old.engine) as session:
        for mapper in Base.registry.mappers:
            found = session.scalars(select(mapper.class_)).all()
            stored = old.rows.tables.get(mapper.local_table.description)
            assert stored is None or len(found) == len(stored), mapper.class_


def test_old_studies_stand_where_their_flags_say(old: OldSite) -> None:
    """As if they had been flagged and acknowledged by this version."""
    flagged = (WorklistRank.URGENT, WorklistRank.SUSPECTED)
    with query(old.engine) as session:
        states = {flag.study_id: flag.state for flag in session.scalars(select(Flag))}
        for study in session.scalars(select(Study)):
            seen = states.get(study.id) is FlagState.ACKNOWLEDGED
            assert study.acknowledged is (seen and study.worklist_rank in flagged), study.id
    assert FlagState.ACKNOWLEDGED in states.values()


def test_old_studies_can_be_listed_in_any_order(old: OldSite) -> None:
    """They have what the list sorts by, as a job that ends now would leave it; headings are due."""
    read = select(Study.id, Study.bundle, Study.suspicion).order_by(Study.id)
    with query(old.engine) as session:
        before = session.execute(read).all()
        assert sorted(headings_due(session, 1000)) == [row.id for row in before]
        in_force = set(
            session.scalars(
                select(Result.study_id).where(
                    Result.superseded_by_id.is_(None), Result.withdrawn_at.is_(None)
                )
            )
        )
    with transaction(old.engine) as session:
        for row in before:
            settle_study(session, row.id)
        after = session.execute(read).all()
        session.rollback()
    assert any(row.suspicion is not None for row in before)
    assert [one for one in before if one.id in in_force] == [
        one for one in after if one.id in in_force
    ]


def test_new_rows_join_the_old_ones(old: OldSite) -> None:
    """Their numbers go on behind the old ones."""
    last = max(row["id"] for row in old.rows.tables["event"])
    known = max(row["id"] for row in old.rows.tables["study"])
    job_id = queue_job(old.engine, study=1)
    with transaction(old.engine) as session:
        record_event(session, "looked_at", old.now, study_id=1, job_id=job_id)
    with query(old.engine) as session:
        assert session.scalars(select(Event.id).order_by(Event.id.desc())).first() > last
        assert session.scalars(select(Study.id).order_by(Study.id.desc())).first() == known + 1
