"""The row of a study, for what needs no database."""

from __future__ import annotations

from database.states import StudyState, WorklistRank
from database.views.worklist.worklist_facts import StudyFacts
from settings.peers import RequestPriority
from tests.unit.worklist.seeding import START

STUDY = StudyFacts(
    id=1,
    study_instance_uid="1.2.3",
    patient_id="P1",
    several_patients="",
    accession_number="A1",
    patient_sex="F",
    patient_age="071Y",
    calling_ae_title="CT1",
    priority=RequestPriority.ROUTINE,
    state=StudyState.ENCODED,
    version=1,
    worklist_rank=WorklistRank.ROUTINE,
    received_at=START,
    last_instance_at=START,
    opened=False,
    acknowledged=False,
    awaits="",
)
