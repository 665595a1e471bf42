"""The row of a study says who has it open."""

from __future__ import annotations

from database.session import query
from database.tables.study.analysis import Study
from database.views.worklist.opened import HEARTBEAT_S, OPEN_FOR_S, open_by
from tests.unit.worklist.access.visitor import Visitor, row_text
from tests.unit.worklist.list.asked_list import opened_by
from tests.unit.worklist.seeding import SeededHospital


def test_the_row_says_who_has_it_open(hospital: SeededHospital, visitor: Visitor) -> None:
    """Readers are named while their pages say that they are open, and no longer."""
    uid = hospital.receive()
    opened_by(hospital, uid, "dr-a")
    opened_by(hospital, uid, "dr-b")
    assert "being read by dr-a being read by dr-b" in row_text(visitor.get("/").text, uid)
    hospital.later(OPEN_FOR_S - HEARTBEAT_S)
    opened_by(hospital, uid, "dr-b")
    hospital.later(HEARTBEAT_S + 1)
    text = row_text(visitor.get("/").text, uid)
    assert "being read by dr-b" in text
    assert "dr-a" not in text


def test_the_page_of_the_study_says_it_too(hospital: SeededHospital, visitor: Visitor) -> None:
    """Who opens a study sees who else has it open, and not themselves; opening it is enough to be
    named elsewhere."""
    uid = hospital.receive()
    opened_by(hospital, uid, "dr-a")
    page = visitor.get(f"/studies/{uid}").text
    assert "being read by local" not in page
    assert '<span class="open-by" data-reader="dr-a">being read by dr-a</span>' in page
    assert "being read by dr-a being read by local" in row_text(visitor.get("/").text, uid)
    hospital.later(OPEN_FOR_S + 1)
    assert "being read by dr-a" not in visitor.get(f"/studies/{uid}").text


def test_an_opening_keeps_its_beginning(hospital: SeededHospital) -> None:
    """A heartbeat renews an opening; one after a pause begins another."""
    uid = hospital.receive()
    began = hospital.now
    for _ in range(4):
        opened_by(hospital, uid)
        hospital.later(HEARTBEAT_S)
    with query(hospital.engine) as session:
        study_id = session.query(Study.id).scalar()
        assert study_id is not None
        (opening,) = open_by(session, [study_id], hospital.now)[study_id]
        assert (opening.reader, opening.since) == ("dr-a", began)
    hospital.later(OPEN_FOR_S + 1)
    opened_by(hospital, uid)
    with query(hospital.engine) as session:
        (opening,) = open_by(session, [study_id], hospital.now)[study_id]
        assert opening.since == hospital.now
