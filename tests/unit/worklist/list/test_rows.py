"""The queries behind the page: by index, complete, and honest about changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import event, text

from database.feedback.given import judged_results
from database.listed.sort_keys import Sorting, SortKey
from database.session import Session, query
from database.states import JobState, StudyState, WorklistRank
from database.views.unfinished_rows import failed_jobs, latest_quarantine, open_deliveries
from database.views.worklist.list_page import ListFilter, scanners, sorted_page, worklist_page
from database.views.worklist.list_search import find_studies
from database.views.worklist.opened import open_by
from database.views.worklist.worklist_rows import (
    change_token,
    oldest_waiting_job,
    rank_counts,
    state_counts,
    study_page,
)
from radiology.clinical.age_band import AgeBand
from radiology.urgency import Urgency
from settings.page.worklist_order import WorklistOrder
from tests.unit.worklist.list.ordinary_day import MILD, OrdinaryDay
from tests.unit.worklist.seeding import START, SeededHospital

ORDER = WorklistOrder()
FILTERS = (
    ListFilter(rank=WorklistRank.URGENT),
    ListFilter(state=StudyState.FAILED),
    ListFilter(label="viral_suspected"),
    ListFilter(sex="F"),
    ListFilter(age_band=AgeBand.CHILD),
    ListFilter(scanner="CT1"),
    ListFilter(judgement="disagree"),
    ListFilter(judgement=""),
    ListFilter(opened=False),
    ListFilter(since=START, until=START),
    ListFilter(sex="F", scanner="CT1", since=START),
)


def _statements(hospital: SeededHospital, asked: Callable[[Session], object]) -> list[str]:
    """The plan of each statement that a query sends."""
    sent: list[tuple[str, object]] = []

    def note(_c: object, _cur: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            sent.append((statement, parameters))

    event.listen(hospital.engine, "before_cursor_execute", note)
    with query(hospital.engine) as session:
        asked(session)
    event.remove(hospital.engine, "before_cursor_execute", note)
    plans = []
    with hospital.engine.connect() as connection:
        for statement, parameters in sent:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
            plans.append("\n".join(row[3] for row in rows))
    return plans


@pytest.mark.parametrize(
    "only", [ListFilter(), ListFilter(rank=WorklistRank.URGENT, sex="F")], ids=["all", "some"]
)
@pytest.mark.parametrize("key", SortKey)
def test_an_order_by_a_column_reads_the_listed_days_alone(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, key: SortKey, only: ListFilter
) -> None:
    """A hospital of thirty thousand studies lists those of a week, whatever they are sorted by. An
    index that holds the value may be read whole: no row of another day is."""
    listed = replace(only, since=START)
    ordered, *_ = _statements(
        hospital, lambda session: sorted_page(session, Sorting(key), hospital.now, only=listed)
    )
    first = ordered.splitlines()[0]
    assert "ix_study_" in first
    assert "received_at>?" in first or "COVERING" in first


def test_no_query_reads_a_whole_table(ordinary_day: OrdinaryDay, hospital: SeededHospital) -> None:
    """Every query finds its rows through an index, and sorts no table."""
    queries: list[Callable[[Session], object]] = [
        lambda session: worklist_page(session, ORDER, hospital.now),
        lambda session: worklist_page(
            session,
            ORDER,
            hospital.now,
            after=worklist_page(session, ORDER, hospital.now, length=2).following,
        ),
        *(
            lambda session, only=only: worklist_page(session, ORDER, hospital.now, only=only)
            for only in FILTERS
        ),
        lambda session: open_by(session, (1, 2), hospital.now),
        lambda session: judged_results(session, study_ids=(1, 2)),
        scanners,
        lambda session: study_page(session, ordinary_day.urgent),
        rank_counts,
        state_counts,
        change_token,
        lambda session: failed_jobs(session, limit=50),
        lambda session: open_deliveries(session, limit=50),
        lambda session: latest_quarantine(session, limit=50),
        oldest_waiting_job,
    ]
    for asked in queries:
        for plan in _statements(hospital, asked):
            scans = [
                line
                for line in plan.splitlines()
                if line.startswith("SCAN")
                and "USING" not in line
                and "CONSTANT" not in line
                # what a stretch of an index has given; an empty list
                and not line.startswith(("SCAN anon_", "SCAN (subquery"))
            ]
            assert not scans, plan
            assert not ("TEMP B-TREE FOR ORDER BY" in plan and "ix_study_" in plan), plan


@pytest.mark.parametrize(
    ("only", "index"),
    [
        (ListFilter(), "ix_study_worklist"),
        (ListFilter(sex="F"), "ix_study_list_by_sex"),
        (ListFilter(age_band=AgeBand.CHILD), "ix_study_list_by_age"),
        (ListFilter(scanner="CT1"), "ix_study_list_by_scanner"),
        (ListFilter(label="viral_suspected"), "ix_study_list_by_label"),
        (ListFilter(state=StudyState.FAILED), "ix_study_list_by_state"),
        (ListFilter(judgement="disagree"), "ix_study_list_by_judgement"),
    ],
)
def test_each_filter_has_its_index(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, only: ListFilter, index: str
) -> None:
    """A filter goes through the index that holds it, in the order of the list."""
    plan = _statements(
        hospital, lambda session: worklist_page(session, ORDER, hospital.now, only=only)
    )[0]
    lanes = [line for line in plan.splitlines() if line.startswith("SEARCH study")]
    assert len(lanes) == 14
    assert all(f"{index} " in line for line in lanes), plan


def test_counts(ordinary_day: OrdinaryDay, hospital: SeededHospital) -> None:
    """Every rank and state is counted, also those that nothing has."""
    with query(hospital.engine) as session:
        ranks, states = rank_counts(session), state_counts(session)
    assert ranks[WorklistRank.URGENT] == 2
    assert ranks[WorklistRank.UNANSWERED] == 3
    assert sum(ranks.values()) == sum(states.values()) == 12


def test_a_study_that_we_asked_for_is_in_no_number(hospital: SeededHospital) -> None:
    """Waiting, urgent or failed: what came only to be compared with is none of the page's work."""
    hospital.queue(hospital.receive(asked_for=True))
    with query(hospital.engine) as session:
        assert oldest_waiting_job(session) is None
    hospital.answer(hospital.claim(), Urgency.URGENT, MILD, destinations=("pacs",))
    _, failing = hospital.claimed(asked_for=True)
    hospital.fail(failing, "PixelDataUndecodable", "The pixel data cannot be decoded")
    with query(hospital.engine) as session:
        assert sum(rank_counts(session).values()) == sum(state_counts(session).values()) == 0
        assert failed_jobs(session, limit=50) == open_deliveries(session, limit=50) == ()
        assert worklist_page(session, ORDER, hospital.now).rows == ()
        assert find_studies(session, "A", hospital.now) == ()


def test_token_changes_with_what_the_page_shows(hospital: SeededHospital) -> None:
    """Arrival, assembly, claim, progress, result, delivery and quarantine are each noticed."""
    seen = []

    def look() -> None:
        with query(hospital.engine) as session:
            seen.append(change_token(session))

    look()
    uid = hospital.receive()
    look()
    hospital.receive(into=uid)
    look()
    hospital.queue(uid)
    look()
    claim = hospital.claim()
    look()
    for percent in (20, 60):
        hospital.progress(claim, percent, JobState.DECODED)
        look()
    hospital.answer(claim, Urgency.SUSPECTED, MILD, destinations=("pacs",), picture=False)
    look()
    hospital.deliver()
    look()
    hospital.quarantine("unreadable")
    look()
    assert len(set(seen)) == len(seen)
    look()
    assert seen[-1] == seen[-2]


def test_rows_outlive_their_session(ordinary_day: OrdinaryDay, hospital: SeededHospital) -> None:
    """What a query gives is values: nothing is read later, nothing can be written."""
    with query(hospital.engine) as session:
        page = study_page(session, ordinary_day.urgent)
    with hospital.engine.begin() as connection:
        connection.execute(text("DROP TABLE event"))
    assert page is not None
    assert "claimed" in {item.name for item in page.events}
    assert page.results[0].deliveries[0].objects[0].status == 0xA700
