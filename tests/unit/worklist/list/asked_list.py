"""Studies with an answer, opened by readers, and the rows that an address lists."""

from __future__ import annotations

from dataclasses import replace

from chest.values.case_answer import PneumoniaType, ViralAnswer
from chest.values.reading import ChestReading
from database.listed.headings import Heading, heading_due, keep_heading
from database.session import transaction
from database.views.worklist.opened import note_open, study_id_of
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor, rows_of
from tests.unit.worklist.list.ordinary_day import MILD, SEVERE
from tests.unit.worklist.seeded_values import reading_of
from tests.unit.worklist.seeding import SeededHospital

DAY_S = 24 * 3600


def answered(
    hospital: SeededHospital,
    urgency: Urgency | None,
    *,
    reading: ChestReading | None = None,
    **study: str,
) -> str:
    """A study with an answer of this urgency; returns its UID."""
    uid, claim = hospital.claimed(**study)
    lesions = None if urgency is None else SEVERE
    hospital.answer(claim, urgency, lesions, picture=False, reading=reading)
    return uid


def typed(kind: PneumoniaType) -> ChestReading:
    """A suspected reading with a type of pneumonia."""
    plain = reading_of(Urgency.SUSPECTED, MILD, "")
    return replace(plain, viral=ViralAnswer(kind, 0.83, 0.04, 0.35, 0.65, 0.25, 9))


def headed(hospital: SeededHospital, uid: str, **said: str) -> None:
    """Keep what the headers of a study say, as the housekeeping does where names are shown."""
    with transaction(hospital.engine) as session:
        study_id = study_id_of(session, uid)
        assert study_id is not None
        due = heading_due(session, study_id)
        assert due is not None
        assert keep_heading(session, due, Heading(**said), named=True)


def opened_by(hospital: SeededHospital, uid: str, reader: str = "dr-a") -> None:
    """Let a reader have a study open."""
    with transaction(hospital.engine) as session:
        study_id = study_id_of(session, uid)
        assert study_id is not None
        note_open(session, study_id, reader, hospital.now)


def listed(visitor: Visitor, address: str) -> list[str]:
    """UIDs of the studies that an address lists, from the top."""
    answer = visitor.get(address)
    assert answer.status_code == 200, answer.text
    return rows_of(answer.text)
