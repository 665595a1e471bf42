"""The list in both databases: the same order, the same finds, through the indexes."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, select, text, update

from benchmarks.worklist_rows import RARE_SCANNER, fill_hospital
from database.listed.sort_keys import Sorting, SortKey
from database.session import Engine, Session, query, transaction
from database.states import StudyState
from database.tables.readers.listed import StudyHeading
from database.tables.study.analysis import Study
from database.views.worklist.list_order import Lane, due_at
from database.views.worklist.list_page import ListFilter, scanners, sorted_page, worklist_page
from database.views.worklist.list_search import find_studies
from database.views.worklist.opened import note_open, open_by
from database.views.worklist.worklist_facts import Position, WorklistRow
from radiology.clinical.age_band import AgeBand
from settings.page.worklist_order import WorklistOrder

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
            (
                due_at(
                    Lane(one.worklist_rank, one.opened, one.acknowledged), one.received_at, ORDER
                ),
                one.id,
            )
            for one in session.scalars(select(Study))
            if _matches(one, only)
        )
    assert expected
    assert seen == [study_id for _, study_id in expected]


def test_search_finds_any_part_however_it_is_capitalised(filled: Engine) -> None:
    """The same in both databases; signs that LIKE knows mean themselves."""
    names = ("AB-1", "AB1", "ab-1", "AB_1", "AB%1", "ÄB-1", "AB-12", "A B-1", "A\\B")
    with transaction(filled) as session:
        for study_id, name in enumerate(names, start=1):
            session.execute(update(Study).where(Study.id == study_id).values(accession_number=name))
    with query(filled) as session:

        def found(given: str) -> set[str]:
            return {row.study.accession_number for row in find_studies(session, given, NOW)}

        assert found("ab-1") == found("AB-1") == {"AB-1", "ab-1", "AB-12"}
        assert found("B_") == {"AB_1"}
        assert found("b%") == {"AB%1"}
        assert found("äb") == found("ÄB") == {"ÄB-1"}
        assert found("a b") == {"A B-1"}
        assert found("\\b") == {"A\\B"}
        assert scanners(session) == ("CT-1", "CT-2", "CT-3", "CT-ED", RARE_SCANNER)


def test_what_is_whole_comes_before_what_begins_so(filled: Engine) -> None:
    """And among those that are alike the newest comes first."""
    names = ("QX", "1QX", "QX1", "qx")
    with transaction(filled) as session:
        for study_id, name in enumerate(names, start=1):
            session.execute(update(Study).where(Study.id == study_id).values(patient_id=name))
    with query(filled) as session:
        rows = find_studies(session, "qx", NOW)
        assert [row.study.patient_id for row in rows] == ["qx", "QX", "QX1", "1QX"]


def test_a_sorted_list_has_each_study_once(filled: Engine) -> None:
    """Page after page in the order of any value; who lacks it comes last, in either direction."""
    with transaction(filled) as session:
        session.execute(update(Study).where(Study.id % 7 == 0).values(suspicion=None, bundle=""))
        session.execute(delete(StudyHeading).where(StudyHeading.study_id % 7 == 0))
    with query(filled) as session:
        suspicions = dict(session.execute(select(Study.id, Study.suspicion)).all())
        for key, down in itertools.product(SortKey, (False, True)):
            seen = _all_pages(session, Sorting(key, down))
            assert sorted(row.study.id for row in seen) == list(range(1, 401)), key
            values = [_value(row, key, suspicions) for row in seen]
            there = [one for one in values if one not in (None, "")]
            assert values[: len(there)] == there, key
            assert there == sorted(there, reverse=down), key


def _all_pages(session: Session, sorting: Sorting) -> list[WorklistRow]:
    seen: list[WorklistRow] = []
    after = None
    while True:
        page = sorted_page(session, sorting, NOW, after=after, length=150)
        seen += page.rows
        after = page.following
        if after is None:
            return seen


def _value(row: WorklistRow, key: SortKey, suspicions: dict[int, float | None]) -> Any:
    """What a study is sorted by, read from what the list shows of it."""
    values = {
        SortKey.ACCESSION: row.study.accession_number,
        SortKey.PATIENT: row.study.patient_id,
        SortKey.NAME: row.heading.patient_name.lower().replace("-", " ").replace("^", " "),
        SortKey.SCANNED: row.heading.scanned_at,
        SortKey.DESCRIPTION: row.heading.study_description,
        SortKey.BODY: row.heading.body_part,
        SortKey.BUNDLE: "" if row.study.id % 7 == 0 else "chest-ct-pneumonia",
        SortKey.SUSPICION: suspicions[row.study.id],
        SortKey.STATE: list(StudyState).index(row.study.state),
        SortKey.LAST: row.study.last_instance_at,
        SortKey.SENDER: row.study.calling_ae_title,
    }
    return values[key]


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
