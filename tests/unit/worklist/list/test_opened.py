"""Opening a study leaves one event for each reader and a while."""

from __future__ import annotations

import pytest

from database.session import query
from database.studies.opened_studies import AGAIN_AFTER
from database.tables.study.analysis import Event
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital


def _opened(hospital: SeededHospital) -> list[tuple[int | None, dict[str, str]]]:
    with query(hospital.engine) as session:
        return [
            (one.study_id, one.facts) for one in session.query(Event).filter_by(name="study_opened")
        ]


def test_one_event_for_a_while(hospital: SeededHospital, visitor: Visitor) -> None:
    """Reloads within minutes are one opening; the next morning is another."""
    uid = hospital.receive()
    for _ in range(3):
        visitor.get(f"/studies/{uid}")
        hospital.later(20)
    assert [facts for _, facts in _opened(hospital)] == [{"reader": "local"}]
    hospital.later(AGAIN_AFTER.total_seconds())
    visitor.get(f"/studies/{uid}")
    assert len(_opened(hospital)) == 2


def test_each_study_by_itself(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, visitor: Visitor
) -> None:
    """Opening another study is another event."""
    for uid in (ordinary_day.urgent, ordinary_day.routine):
        visitor.get(f"/studies/{uid}")
    assert len({study for study, _ in _opened(hospital)}) == 2


def test_live_updates_open_nothing(hospital: SeededHospital, visitor: Visitor) -> None:
    """Neither the list nor what a browser fetches in advance counts as an opening."""
    uid = hospital.receive()
    visitor.get("/")
    visitor.get(f"/studies/{uid}", {"Sec-Purpose": "prefetch;prerender"})
    assert _opened(hospital) == []


@pytest.mark.parametrize("uid", ["1.2.3.4", "x"])
def test_unknown_studies_leave_nothing(
    hospital: SeededHospital, visitor: Visitor, uid: str
) -> None:
    """What is not here cannot be opened."""
    assert visitor.get(f"/studies/{uid}").status_code == 404
    assert _opened(hospital) == []
