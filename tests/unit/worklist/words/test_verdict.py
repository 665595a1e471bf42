"""The word that a study gets: it never looks normal for the wrong reason."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from database.session import query
from database.states import JobState, StudyState, WorklistRank
from database.views.worklist.worklist_facts import WorklistRow
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from tests.builders.stored.listed import listed_rows
from tests.unit.worklist.list.ordinary_day import CLEAR, SEVERE
from tests.unit.worklist.seeding import SeededHospital
from worklist.words.verdict import WORDS, Kind, verdict_of


def _row(hospital: SeededHospital) -> WorklistRow:
    with query(hospital.engine) as session:
        return listed_rows(session)[0]


@pytest.fixture
def routine_row(hospital: SeededHospital) -> WorklistRow:
    """Give the row of a study that was read and is routine."""
    _, claim = hospital.claimed()
    hospital.answer(claim, Urgency.ROUTINE, CLEAR, picture=False)
    return _row(hospital)


def test_routine_only_with_a_reading(routine_row: WorklistRow) -> None:
    """Of all combinations of state, job and result, only a complete reading is routine."""
    assert routine_row.job is not None
    assert routine_row.result is not None
    unassessed = replace(routine_row.result, outcome=Outcome.NOT_ASSESSABLE, urgency=None)
    answered = {StudyState.ENCODED, StudyState.DELIVERED, StudyState.COMMITTED}
    for state, job_state, result in itertools.product(
        StudyState, JobState, (None, unassessed, routine_row.result)
    ):
        row = replace(
            routine_row,
            study=replace(routine_row.study, state=state),
            job=replace(routine_row.job, state=job_state, id=99),
            result=result,
        )
        ended = job_state is JobState.FAILED
        if verdict_of(row).kind is Kind.ROUTINE:
            assert result is routine_row.result
            assert not ended
            assert state in answered | {StudyState.REFUSED, StudyState.FAILED}


def test_every_rank_has_a_word(routine_row: WorklistRow) -> None:
    """No rank leaves a study without a word, whatever its job and result are."""
    for rank, result in itertools.product(WorklistRank, (None, routine_row.result)):
        row = replace(
            routine_row,
            study=replace(routine_row.study, worklist_rank=rank),
            job=None,
            result=result,
        )
        assert verdict_of(row).word in WORDS.values()


def test_rank_without_a_reading_has_no_answer(routine_row: WorklistRow) -> None:
    """A fault that leaves a rank without its result is not shown as normal."""
    verdict = verdict_of(replace(routine_row, result=None, job=None))
    assert verdict.kind is Kind.NOT_ASSESSABLE
    assert verdict.reason
    assert verdict.advice


def test_refusal_is_told_with_its_advice(hospital: SeededHospital) -> None:
    """A study that was refused before it could be read says why, and what would help."""
    _, claim = hospital.claimed()
    hospital.refuse(claim, "NoSuitableSeries", "No series of the study can be analysed.")
    verdict = verdict_of(_row(hospital))
    assert verdict.kind is Kind.REFUSED
    assert verdict.reason == "No series of the study can be analysed."
    assert "send it: the study is then analysed by itself" in verdict.advice


def test_refused_by_a_gate_is_not_assessable(hospital: SeededHospital) -> None:
    """A reading that its quality gates did not let pass is not assessable, with their reason."""
    _, claim = hospital.claimed()
    hospital.answer(claim, None, reason="Too few slices.", picture=False)
    row = _row(hospital)
    said = "Too few slices (12; needed: at least 40)."
    assert (verdict_of(row).kind, verdict_of(row).reason) == (Kind.NOT_ASSESSABLE, said)
    assert row.result is not None
    older = replace(row.result, reason="Too few slices.; Something else.")  # as 0.1.0 joined them
    assert verdict_of(replace(row, result=older)).reason == said


def test_late_images_of_a_routine_study(hospital: SeededHospital, routine_row: WorklistRow) -> None:
    """While newer images have not been read, a study that was routine is in progress."""
    hospital.receive(into=routine_row.study.study_instance_uid)
    assert verdict_of(_row(hospital)).kind is Kind.PENDING


def test_late_images_of_an_urgent_study(hospital: SeededHospital) -> None:
    """Newer images take no urgency away, neither while they wait nor when they give no answer."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.URGENT, SEVERE, picture=False)
    hospital.receive(into=uid)
    hospital.queue(uid)
    assert verdict_of(_row(hospital)).kind is Kind.URGENT
    hospital.answer(hospital.claim(), None, reason="Too few slices.", picture=False)
    verdict = verdict_of(_row(hospital))
    assert verdict.kind is Kind.URGENT
    assert (
        "The newest images have no answer (not assessable): Too few slices (12;" in verdict.reason
    )
