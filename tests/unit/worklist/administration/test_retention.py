"""What the page says of the disk's course, of what is held back, and of images that are gone."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from database.retention.disk import Room, keep_sample
from database.retention.removals import GoneOriginals, note_files_removed, note_originals_removed
from database.retention.state import EMPTYING, HELD, note_state
from database.session import transaction
from database.tables.study.analysis import Result, Study
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor, readable
from tests.unit.worklist.seeding import SeededHospital

_GB = 1_000_000_000
_CHINESE = {"Cookie": "firstread_language=zh"}


def test_how_long_the_disk_lasts(visitor: Visitor, hospital: SeededHospital) -> None:
    """24 GB a day less, of which 48 above the last mark are left: two days, in both languages."""
    assert "does not fill, or they are not known yet" in readable(
        visitor.get("/administration").text
    )
    with transaction(hospital.engine) as session:
        for hour in range(49):
            room = Room((98 - hour) * _GB, 100 * _GB)
            keep_sample(session, room, hospital.now + timedelta(hours=hour - 48))
    assert "Days until it is full, at the rate of the last days: 2." in readable(
        visitor.get("/administration").text
    )
    assert "还可使用 2 天" in readable(visitor.get("/administration", _CHINESE).text)


def test_what_is_held_back_and_why(visitor: Visitor, hospital: SeededHospital) -> None:
    """The reasons of the last turn, the most frequent first; and that the disk is being emptied."""
    with transaction(hospital.engine) as session:
        held = {"not read yet": 2, "urgent and not acknowledged": 3}
        note_state(session, HELD, hospital.now, studies=held)
        note_state(session, EMPTYING, hospital.now, emptying=True)
    said = readable(visitor.get("/administration").text)
    assert "It is past its mark: what is oldest goes until" in said
    first = said.index("urgent and not acknowledged: 3")
    assert first < said.index("not read yet: 2")
    chinese = readable(visitor.get("/administration", _CHINESE).text)
    assert "尚未分析：2 个检查" in chinese


def test_a_study_whose_images_are_gone_shows_what_is_kept(
    visitor: Visitor, hospital: SeededHospital
) -> None:
    """It says so beside the number of images, and shows the answer; then pictures are gone too."""
    uid, claim = hospital.claimed(accession_number="A-1")
    result_id = hospital.answer(claim, Urgency.ROUTINE)
    assert "not kept here any more" not in visitor.get(f"/studies/{uid}").text
    with transaction(hospital.engine) as session:
        study_id = session.scalars(select(Study.id)).one()
        note_originals_removed(session, [GoneOriginals(study_id, "age", 1)], hospital.now)
    said = readable(visitor.get(f"/studies/{uid}").text)
    assert "version 1 – not kept here any more; what was read of them is" in said
    assert "originals removed" in said
    assert visitor.get(f"/pictures/{result_id}").status_code == 200
    with transaction(hospital.engine) as session:
        note_files_removed(session, result_id, study_id, hospital.now)
        assert session.get_one(Result, result_id).key_picture is None
    said = readable(visitor.get(f"/studies/{uid}").text)
    assert "The slices of this result are not kept, or are kept no longer." in said
    assert "was not analysed" not in said
    assert visitor.get(f"/pictures/{result_id}").status_code == 404
