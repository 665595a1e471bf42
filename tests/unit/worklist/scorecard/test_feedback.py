"""Feedback on the page of a study: given, changed, refused, and seen nowhere else."""

from __future__ import annotations

from html import escape

import pytest

from database.session import query
from database.tables.readers.feedback import Feedback
from database.tables.study.analysis import Event, Result, Study
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import MILD, OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital

COMMENT = "Mrs <Doe>, born 1951: scar, known since 2019"


def _result_id(hospital: SeededHospital, uid: str) -> int:
    with query(hospital.engine) as session:
        return (
            session.query(Result.id)
            .join(Study, Study.id == Result.study_id)
            .filter(Study.study_instance_uid == uid, Result.superseded_by_id.is_(None))
            .one()[0]
        )


def _section(visitor: Visitor, uid: str) -> str:
    page = visitor.get(f"/studies/{uid}").text
    return " ".join(page.split('id="h-feedback"', 1)[1].split("</section>")[:2])


def test_who_agrees_is_named_with_the_moment(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """One press is enough; the page then says who agrees, and an event says so without words."""
    result = _result_id(hospital, ordinary_day.urgent)
    answer = visitor.post(f"/results/{result}/feedback", form={"judgement": "agree"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/studies/{ordinary_day.urgent}#h-feedback"
    section = _section(visitor, ordinary_day.urgent)
    assert "<b>local</b> agrees" in section
    with query(hospital.engine) as session:
        event = session.query(Event).filter_by(name="feedback_given").one()
        assert event.facts == {"reader": "local", "judgement": "agree"}


def test_who_thinks_again_leaves_what_they_said_before(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """The second opinion stands, the first is kept with the moment of the change."""
    address = f"/results/{_result_id(hospital, ordinary_day.urgent)}/feedback"
    visitor.post(address, form={"judgement": "agree"})
    hospital.later(60)
    visitor.post(
        address,
        form={"judgement": "disagree", "fault": ["wrong-region", "missed"], "comment": "left"},
    )
    with query(hospital.engine) as session:
        first, second = session.query(Feedback).order_by(Feedback.id)
        assert first.replaced_at == second.given_at
        assert second.replaced_at is None
    standing, _, earlier = _section(visitor, ordinary_day.urgent).partition("Earlier feedback")
    assert "disagrees: missed, wrong region" in standing
    assert "left" in standing
    assert "agrees" in earlier
    assert "changed" in earlier


def test_feedback_stays_with_the_version_that_it_is_about(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """A newer result of the study has not been judged by what was said of the older one."""
    uid = ordinary_day.suspected
    address = f"/results/{_result_id(hospital, uid)}/feedback"
    visitor.post(address, form={"judgement": "disagree", "fault": "false-positive"})
    hospital.receive(into=uid)
    hospital.queue(uid)
    claim = hospital.claim()
    while claim.study_version == 1:  # what was still waiting of the day
        claim = hospital.claim()
    hospital.answer(claim, Urgency.SUSPECTED, MILD)
    standing, _, earlier = _section(visitor, uid).partition("Earlier feedback")
    assert "false positive" not in standing
    assert "On the result of version 1" in earlier
    assert "false positive" in earlier


def test_a_comment_is_text_and_goes_nowhere_else(
    ordinary_day: OrdinaryDay,
    visitor: Visitor,
    hospital: SeededHospital,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is written is shown as it was written, and stands in no event, log or other page."""
    address = f"/results/{_result_id(hospital, ordinary_day.urgent)}/feedback"
    fields: dict[str, str | list[str]] = {
        "judgement": "disagree",
        "fault": "wrong-type",
        "comment": COMMENT,
    }
    assert visitor.post(address, form=fields).status_code == 303
    assert escape(COMMENT) in _section(visitor, ordinary_day.urgent)
    assert "<Doe>" not in visitor.get(f"/studies/{ordinary_day.urgent}").text
    assert "Doe" not in visitor.get("/").text + visitor.get("/administration").text
    with query(hospital.engine) as session:
        assert not any("Doe" in str(event.facts) for event in session.query(Event))
    said = capsys.readouterr()
    assert "Doe" not in said.out + said.err


@pytest.mark.parametrize(
    ("study", "fields"),
    [
        ("urgent", {"judgement": "disagree"}),
        ("urgent", {"judgement": "agree", "fault": "missed"}),
        ("urgent", {"judgement": "disagree", "fault": ["false-positive", "missed"]}),
        ("urgent", {"judgement": "disagree", "fault": "missed", "comment": "x" * 2001}),
        ("routine", {"judgement": "disagree", "fault": "false-positive"}),
        ("routine", {"judgement": "disagree", "fault": "wrong-type"}),
        ("not_assessable", {"judgement": "agree"}),
    ],
)
def test_feedback_that_contradicts_itself_is_refused(
    ordinary_day: OrdinaryDay,
    visitor: Visitor,
    hospital: SeededHospital,
    study: str,
    fields: dict[str, str | list[str]],
) -> None:
    """Nothing is kept, and the page says what to do."""
    result = _result_id(hospital, getattr(ordinary_day, study))
    answer = visitor.post(f"/results/{result}/feedback", form=fields)
    assert answer.status_code == 400
    assert "contradicts itself" in answer.text
    with query(hospital.engine) as session:
        assert session.query(Feedback).count() == 0


@pytest.mark.parametrize(
    ("address", "fields", "status"),
    [
        ("/results/99999/feedback", {"judgement": "agree"}, 404),
        ("/results/0/feedback", {"judgement": "agree"}, 400),
        ("/results/1/feedback", {"judgement": "perhaps"}, 400),
        ("/results/1/feedback", {}, 400),
        ("/results/1/feedback", {"judgement": "disagree", "fault": "' or 1=1"}, 400),
        ("/results/1/feedback", {"judgement": "disagree", "fault": ["missed"] * 9}, 400),
    ],
)
def test_what_no_form_of_ours_sends(
    ordinary_day: OrdinaryDay,
    visitor: Visitor,
    hospital: SeededHospital,
    address: str,
    fields: dict[str, str | list[str]],
    status: int,
) -> None:
    """It is answered with a page and keeps nothing."""
    assert visitor.post(address, form=fields).status_code == status
    with query(hospital.engine) as session:
        assert session.query(Feedback).count() == 0


def test_only_what_can_be_wrong_is_asked(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A routine result cannot be a false positive; a study without an answer is not judged."""
    assert 'value="false-positive"' in _section(visitor, ordinary_day.urgent)
    assert 'value="false-positive"' not in _section(visitor, ordinary_day.routine)
    assert 'value="missed"' in _section(visitor, ordinary_day.routine)
    assert "<form" not in _section(visitor, ordinary_day.not_assessable)


def test_too_much_for_a_download_is_told_with_the_command(
    ordinary_day: OrdinaryDay,
    visitor: Visitor,
    hospital: SeededHospital,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The page names what does it; agreements are part of it only when they are asked for."""
    monkeypatch.setattr("worklist.administration.feedback_export.MOST_STUDIES", 0)
    address = f"/results/{_result_id(hospital, ordinary_day.urgent)}/feedback"
    visitor.post(address, form={"judgement": "agree"})
    assert "nothing to export" in visitor.post("/feedback/export", form={}).text
    answer = visitor.post("/feedback/export", form={"agreements": "true"})
    assert answer.status_code == 409
    assert "firstread feedback export ./cases --agreements" in answer.text
