"""The list in both databases: the same order, the same finds, through the indexes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select, text, update

from benchmarks.worklist_rows import RARE_SCANNER, fill_hospital
from database.session import Engine, Session, query, transaction
from database.states import StudyState
from database.tables.analysis import Study
from database.views.list_order import Lane, due_at
from database.views.list_page import ListFilter, find_studies, scanners, worklist_page
from database.views.opened import note_open, open_by
from database.views.worklist_facts import Position
from radiology.clinical.age_band import AgeBand
from settings.worklist_order import WorklistOrder

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ORDER = WorklistOrder()
FILTERS = {
    "none": ListFilter(),
    "sex": ListFilter(sex="F"),
    "age": ListFilter(age_band=AgeBand.OLD),
    "scanner": ListFilter(scanner=RARE_SCANNER),
    "label": ListFilter(label="undetermined"),
    "state": ListFilter(state=StudyState.REFUSED),
    "disagreed": ListFilter(judgement="disagree"),
    "not judged": ListFilter(judgement=""),
    "opened": ListFilter(opened=False),
    "several": ListFilter(sex="M", opened=True, since=NOW - timedelta(days=2), until=NOW),
}


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """Give a database with some hundred studies of ten days."""
    fill_hospital(engine, 400, days=10, now=NOW)
    return engine


def _matches(study: Study, only: ListFilter) -> bool:
    wanted = {
        "state": only.state,
        "label": only.label,
        "patient_sex": only.sex,
        "age_band": only.age_band,
        "calling_ae_title": only.scanner,
        "judgement": only.judgement,
        "opened": only.opened,
    }
    return (
        all(value is None or getattr(study, name) == value for name, value in wanted.items())
        and (only.since is None or study.received_at >= only.since)
        and (only.until is None or study.received_at < only.until)
    )


@pytest.mark.parametrize("only", FILTERS.values(), ids=FILTERS)
def test_pages_are_the_whole_list_in_its_order(filled: Engine, only: ListFilter) -> None:
    """Page after page gives what sorting every study would give, each study once."""
    seen: list[int] = []
    after: Position | None = None
    with query(filled) as session:
        while True:
            page = worklist_page(session, ORDER, NOW, only=only, after=after, length=17)
            seen += [row.study.id for row in page.rows]
            after = page.following
            if after is None:
                break
        expected = sorted(
            (due_at(Lane(one.worklist_rank, one.opened), one.received_at, ORDER), one.id)
            for one in session.scalars(select(Study))
            if _matches(one, only)
        )
    assert expected
    assert seen == [study_id for _, study_id in expected]


def test_search_compares_characters(filled: Engine) -> None:
    """A beginning is found whatever the database's language sorts, and nothing like it."""
    names = ("AB-1", "AB1", "ab-1", "AB_1", "AB%1", "ÄB-1", "AB-12", "A B-1")
    with transaction(filled) as session:
        for study_id, name in enumerate(names, start=1):
            session.execute(update(Study).where(Study.id == study_id).values(accession_number=name))
    with query(filled) as session:

        def found(given: str) -> list[str]:
            return [row.study.accession_number for row in find_studies(session, given, NOW)]

        assert found("AB-1") == ["AB-1", "AB-12"]
        assert found("AB_") == ["AB_1"]
        assert found("AB%") == ["AB%1"]
        assert found("Ä") == ["ÄB-1"]
        assert found("A B") == ["A B-1"]
        assert scanners(session) == ("CT-1", "CT-2", "CT-3", "CT-ED", RARE_SCANNER)


def test_an_opening_is_one_row(filled: Engine) -> None:
    """However often it is noted, a reader has a study open once; the study counts as opened."""
    with transaction(filled) as session:
        session.execute(update(Study).where(Study.id == 1).values(opened=False))
    for seconds in (0, 15, 30):
        with transaction(filled) as session:
            note_open(session, 1, "dr-a", NOW + timedelta(seconds=seconds))
    with query(filled) as session:
        (one,) = open_by(session, [1], NOW + timedelta(seconds=31))[1]
        assert (one.reader, one.since) == ("dr-a", NOW)
        assert session.scalars(select(Study.opened).where(Study.id == 1)).one()
        assert open_by(session, [1], NOW + timedelta(minutes=5)) == {}


def test_postgresql_goes_through_the_indexes(filled: Engine) -> None:
    """Where a table is too large to be read whole, each question has an index on PostgreSQL."""
    if filled.dialect.name != "postgresql":
        pytest.skip("SQLite's plans are looked at in tests/unit/worklist/list/test_rows.py")
    for name, only in FILTERS.items():
        plan = _plan(
            filled, lambda session, only=only: worklist_page(session, ORDER, NOW, only=only)
        )
        assert "Seq Scan on study" not in plan, name
        assert "ix_study_" in plan, name
    for question in ("A0000001", "0000"):
        plan = _plan(filled, lambda session, q=question: find_studies(session, q, NOW))
        assert "Seq Scan on study" not in plan
        assert "ix_study_accession_begins" in plan
        assert "ix_study_patient_begins" in plan


def _plan(engine: Engine, asked: object) -> str:
    """The plans of what a query sends, with reading a whole table made dear."""
    sent: list[tuple[str, object]] = []

    def note(_c: object, _cur: object, statement: str, parameters: object, *_: object) -> None:
        sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    with query(engine) as session:
        assert callable(asked)
        assert isinstance(session, Session)
        asked(session)
    event.remove(engine, "before_cursor_execute", note)
    plans = []
    with engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        for statement, parameters in sent:
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]
            plans += [row[0] for row in rows]
    return "\n".join(plans)
